/** Keeps asking whether a builder answers, and tells when that changes. */
import type { Logger } from "../log/create-logger.js";
import type { Workers } from "../buildkit/workers.js";
import { withDeadline } from "./deadline.js";

const CHECK_INTERVAL_MS = 5_000;
const CHECK_TIMEOUT_MS = 5_000;
const CHECK_TIMED_OUT = `no answer within ${CHECK_TIMEOUT_MS / 1000} s`;
/** A check that is younger than this answers for now. */
const FRESH_MS = 500;

export type Health =
  | { readonly state: "unknown" }
  | { readonly state: "up"; readonly workers: Workers }
  | { readonly state: "down"; readonly cause: string };

export interface HealthDeps {
  readonly address: string;
  /** Asks the builder for its workers; rejects with the cause when it cannot. */
  readonly listWorkers: (signal: AbortSignal) => Promise<Workers>;
  readonly onChange: (health: Health) => void;
  readonly logger: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class HealthMonitor {
  readonly #deps: HealthDeps;
  readonly #stopped = new AbortController();
  #health: Health = { state: "unknown" };
  #checkedAtMs = -Infinity;
  #running: Promise<Health> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: HealthDeps) {
    this.#deps = deps;
  }

  start(): void {
    void this.check();
    this.#timer = setInterval(() => {
      void this.check();
    }, CHECK_INTERVAL_MS).unref();
  }

  /** The builder's health now: of a check under way, of a fresh one, or of one made for the caller. Never rejects. */
  async check(): Promise<Health> {
    if (this.#running !== undefined) return this.#running;
    if (this.#deps.now() - this.#checkedAtMs < FRESH_MS) return this.#health;
    this.#running = this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#running;
  }

  async #check(): Promise<Health> {
    const { listWorkers } = this.#deps;
    let health: Health;
    try {
      const workers = await withDeadline(this.#stopped.signal, CHECK_TIMEOUT_MS, CHECK_TIMED_OUT, listWorkers);
      health = { state: "up", workers };
    } catch (error) {
      health = { state: "down", cause: error instanceof Error ? error.message : String(error) };
    }
    if (!this.#stopped.signal.aborted) this.#set(health);
    return health;
  }

  #set(health: Health): void {
    const { address: builder, logger } = this.#deps;
    this.#checkedAtMs = this.#deps.now();
    const hasChanged = health.state !== this.#health.state;
    this.#health = health;
    if (!hasChanged) return;
    if (health.state === "up") logger.info({ builder, ...health.workers }, "builder up");
    if (health.state === "down") logger.warn({ builder, cause: health.cause }, "builder down");
    this.#deps.onChange(health);
  }
}
