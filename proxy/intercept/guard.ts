/** Keeps what we do to a call from doing harm to it: a failure or a delay of ours means that it is only forwarded. */
import { Counter } from "prom-client";
import type { Registry } from "prom-client";
import type { Builder } from "../farm/builder.js";
import type { Logger } from "../log/create-logger.js";

/** What a client's request waits for us at most, whatever we wait for. */
const REQUEST_TIMEOUT_MS = 3_000;

export const GUARDED = ["session", "solve", "gateway_solve", "return", "status", "record"] as const;
export type Guarded = (typeof GUARDED)[number];

export class Guard {
  readonly #failures: Counter<"call">;
  readonly #logger: Logger;
  readonly #logged = new Set<Guarded>();

  constructor(registry: Registry, logger: Logger) {
    this.#logger = logger;
    this.#failures = new Counter({
      name: "memobuild_intercept_failures_total",
      help: "Calls that were only forwarded because looking into them failed or took too long.",
      labelNames: ["call"],
      registers: [registry],
    });
    for (const call of GUARDED) this.#failures.inc({ call }, 0);
  }

  /** The message that `change` gives, or the same where it fails or is late. */
  request(
    call: Guarded,
    change: (message: Buffer, builder: Builder) => Promise<Buffer>,
  ): (message: Buffer, builder: Builder) => Promise<Buffer> {
    return async (message, builder) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`not done within ${REQUEST_TIMEOUT_MS / 1000} s`));
        }, REQUEST_TIMEOUT_MS);
      });
      try {
        return await Promise.race([change(message, builder), late]);
      } catch (error) {
        this.failed(call, error);
        return message;
      } finally {
        clearTimeout(timer);
      }
    };
  }

  /** What `change` gives, or the same message where it fails. */
  response(call: Guarded, change: (message: Buffer) => Buffer): (message: Buffer) => Buffer {
    return (message) => {
      try {
        return change(message);
      } catch (error) {
        this.failed(call, error);
        return message;
      }
    };
  }

  /** Runs `look`, which changes nothing; whether it went well. */
  look(call: Guarded, look: () => void): boolean {
    try {
      look();
      return true;
    } catch (error) {
      this.failed(call, error);
      return false;
    }
  }

  /** Counts it, and logs the first of its kind. */
  failed(call: Guarded, error: unknown): void {
    this.#failures.inc({ call });
    if (this.#logged.has(call)) return;
    this.#logged.add(call);
    this.#logger.warn({ call, cause: error instanceof Error ? error.message : String(error) }, "call only forwarded");
  }
}
