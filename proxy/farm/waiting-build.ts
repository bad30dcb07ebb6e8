/** One build that waits for a builder: how long it may, and what its client is told meanwhile. */
import type { PlaceOptions, PlaceRequest, Lease } from "./placing.js";

/** A builder that is restarted is back by then. */
export const NO_BUILDER_WAIT_MS = 10_000;

/** `room`: builders take it, and have none now. `builder`: none takes it. */
export type Lack = "room" | "builder";

export interface WaitingDeps extends PlaceOptions {
  readonly request: PlaceRequest;
  readonly queueTimeoutMs: number;
  readonly now: () => number;
  readonly onTimeout: () => void;
  /** The client is gone, or cancels. */
  readonly onAbort: () => void;
}

/** Its owner ends it, once, with `take` or `refuse`. */
export class WaitingBuild {
  readonly request: PlaceRequest;
  /** Rejects with what it is refused with. */
  readonly lease: Promise<Lease>;
  readonly #deps: WaitingDeps;
  readonly #sinceMs: number;
  #resolve: (lease: Lease) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #lacks: Lack | undefined;
  #ahead: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: WaitingDeps) {
    this.#deps = deps;
    this.request = deps.request;
    this.#sinceMs = deps.now();
    this.lease = new Promise((resolve, reject) => {
      [this.#resolve, this.#reject] = [resolve, reject];
    });
    deps.signal.addEventListener("abort", deps.onAbort, { once: true });
  }

  get tenant(): string {
    return this.request.tenant;
  }

  get project(): string {
    return this.request.project;
  }

  get lacks(): Lack | undefined {
    return this.#lacks;
  }

  get waitedMs(): number {
    return Math.max(0, this.#deps.now() - this.#sinceMs);
  }

  get abortReason(): unknown {
    const reason: unknown = this.#deps.signal.reason;
    return reason;
  }

  /** What it lacks decides how long it waits, in all never longer than for room. */
  lack(what: Lack): void {
    if (what === this.#lacks) return;
    this.#lacks = what;
    const restMs = Math.max(0, this.#deps.queueTimeoutMs - this.waitedMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#deps.onTimeout, what === "room" ? restMs : Math.min(restMs, NO_BUILDER_WAIT_MS));
  }

  /** Tells the client how many are before it, when that is new. */
  tell(ahead: number): void {
    if (ahead === this.#ahead) return;
    this.#ahead = ahead;
    this.#deps.onWaiting(ahead);
  }

  take(lease: Lease): void {
    this.#end();
    this.#resolve(lease);
  }

  refuse(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#deps.signal.removeEventListener("abort", this.#deps.onAbort);
  }
}
