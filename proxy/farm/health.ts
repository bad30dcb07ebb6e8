/** Keeps asking whether a builder answers and may be used, and tells when that changes. */
import type { Workers } from "../buildkit/workers.js";
import type { Logger } from "../log/create-logger.js";
import { isOlderVersion } from "./builder-version.js";
import type { Clock } from "./clock.js";
import { withDeadline } from "./deadline.js";

const CHECK_INTERVAL_MS = 5_000;
/** A check that is younger than this answers for now. */
const FRESH_MS = 500;
const BACK_OFF_MIN_MS = 1_000;
const BACK_OFF_MAX_MS = 30_000;
/** Of the back-off, more or less: builders that went down together are not asked together. */
const JITTER = 0.1;
/** What went down before it was up for so long is not trusted at once when it answers again. */
const STABLE_MS = 60_000;
const FIRST_SAFE_VERSION = "v0.28.1";
/** Where nobody listens. A host that is powered off says neither. */
const REFUSALS: ReadonlySet<unknown> = new Set(["ECONNREFUSED", "ENOENT"]);

/** `sinceMs`: the state began then, in milliseconds since 1970. */
export type Health =
  | { readonly state: "unknown"; readonly sinceMs: number }
  | { readonly state: "up"; readonly workers: Workers; readonly sinceMs: number }
  | { readonly state: "down"; readonly cause: string; readonly sinceMs: number }
  /** It answers, and is not used. */
  | { readonly state: "refused"; readonly cause: string; readonly workers: Workers; readonly sinceMs: number };

export interface HealthDeps {
  /** For the log. */
  readonly name: string;
  /** Asks the builder for its workers; rejects with the cause when it cannot. */
  readonly listWorkers: (signal: AbortSignal) => Promise<Workers>;
  /** For its answer. */
  readonly timeoutMs: number;
  /** Of BuildKit; undefined: any will do. */
  readonly minVersion: string | undefined;
  /** The state is another one, or another daemon answers. */
  readonly onChange: (health: Health) => void;
  /** A check was not even refused; told of each, after its change. */
  readonly onSilent: () => void;
  readonly logger: Logger;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  /** Whether there are builders beside it: to leave the only one alone helps nobody. */
  readonly hasOthers: () => boolean;
}

/** `isSilent`: it did not even refuse, so what was sent to it may be lost without a word. */
type Outcome = { readonly workers: Workers } | { readonly cause: string; readonly isSilent: boolean };

export class HealthMonitor {
  readonly #deps: HealthDeps;
  readonly #stopped = new AbortController();
  #health: Health = { state: "unknown", sinceMs: Date.now() };
  #changedAtMs: number;
  #checkedAtMs = -Infinity;
  #running: Promise<Health> | undefined;
  #cancelNext: () => void = () => undefined;
  /** Back-offs since it was last up for long. */
  #failures = 0;
  /** While it is down: the end of the back-off. */
  #backOffEndsAtMs = -Infinity;
  /** It was up for a moment only, and stays down until the back-off is over. */
  #isHeld = false;
  /** Something failed there after the last check had begun. */
  #isSuspected = false;
  #hasLoggedVersion = false;

  constructor(deps: HealthDeps) {
    this.#deps = deps;
    this.#changedAtMs = deps.clock.now();
  }

  get health(): Health {
    return this.#health;
  }

  start(): void {
    void this.#begin();
  }

  /** The builder's health now: of a check under way, of a fresh one, or of one made for the caller. Never rejects. */
  async check(): Promise<Health> {
    return this.#running === undefined && this.#isFresh() ? this.#health : this.#begin();
  }

  /** Something failed there: checks it now, or soon where a check has just begun, unless it is known to be down. */
  suspect(): void {
    if (this.#health.state === "down") return;
    this.#isSuspected = this.#running !== undefined || this.#isFresh();
    if (this.#running !== undefined) return;
    if (this.#isSuspected) this.#planNext();
    else void this.#begin();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#cancelNext();
    await this.#running;
  }

  #isFresh(): boolean {
    return this.#deps.clock.now() - this.#checkedAtMs < FRESH_MS;
  }

  async #begin(): Promise<Health> {
    if (this.#stopped.signal.aborted) return this.#health;
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(): Promise<Health> {
    this.#cancelNext();
    const outcome = await this.#ask();
    if (this.#stopped.signal.aborted) return this.#health;
    this.#checkedAtMs = this.#deps.clock.now();
    this.#become("workers" in outcome ? this.#answered(outcome.workers) : this.#failed(outcome.cause));
    if ("cause" in outcome && outcome.isSilent) this.#deps.onSilent();
    this.#planNext();
    this.#isSuspected = false;
    return this.#health;
  }

  async #ask(): Promise<Outcome> {
    try {
      const { listWorkers, timeoutMs } = this.#deps;
      const timedOut = `no answer within ${timeoutMs / 1000} s`;
      return { workers: await withDeadline(this.#stopped.signal, timeoutMs, timedOut, listWorkers) };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return { cause, isSilent: !isRefusal(error) };
    }
  }

  #answered(workers: Workers): Health {
    const sinceMs = Date.now();
    const problem = this.#versionProblem(workers.version);
    if (problem !== undefined) return { state: "refused", cause: problem, workers, sinceMs };
    const waitMs = this.#backOffEndsAtMs - this.#deps.clock.now();
    if (!this.#isHeld || waitMs <= 0 || !this.#deps.hasOthers()) return { state: "up", workers, sinceMs };
    const cause = `it answers, but went down within a minute of coming up: not used for ${seconds(waitMs)} more`;
    return { state: "down", cause, sinceMs };
  }

  #failed(cause: string): Health {
    const now = this.#deps.clock.now();
    const wasUp = this.#health.state === "up";
    if (wasUp) {
      this.#isHeld = now - this.#changedAtMs < STABLE_MS;
      if (!this.#isHeld) this.#failures = 0;
    }
    // Checks that somebody asked for in between do not make it longer.
    if (wasUp || now >= this.#backOffEndsAtMs) {
      this.#failures++;
      this.#backOffEndsAtMs = now + backOffMs(this.#failures, this.#deps.random());
    }
    return { state: "down", cause, sinceMs: Date.now() };
  }

  #planNext(): void {
    this.#cancelNext();
    this.#cancelNext = this.#deps.clock.after(this.#nextInMs(), () => {
      void this.#begin();
    });
  }

  #nextInMs(): number {
    if (this.#health.state === "down") {
      const waitMs = Math.max(0, this.#backOffEndsAtMs - this.#deps.clock.now());
      return this.#deps.hasOthers() ? waitMs : Math.min(waitMs, CHECK_INTERVAL_MS);
    }
    return this.#isSuspected ? FRESH_MS : CHECK_INTERVAL_MS;
  }

  #become(health: Health): void {
    const before = this.#health;
    const isSameState = health.state === before.state;
    this.#health = isSameState ? { ...health, sinceMs: before.sinceMs } : health;
    if (isSameState && !isOtherDaemon(before, health)) return;
    this.#changedAtMs = this.#deps.clock.now();
    this.#log(health);
    this.#deps.onChange(this.#health);
  }

  #log(health: Health): void {
    const { name: builder, logger } = this.#deps;
    if (health.state === "up") {
      const { id, version, platforms } = health.workers;
      logger.info({ builder, id, version, platforms }, "builder up");
    }
    if (health.state === "down") logger.warn({ builder, cause: health.cause }, "builder down");
    if (health.state === "refused") logger.warn({ builder, cause: health.cause }, "builder refused");
  }

  #versionProblem(version: string): string | undefined {
    const { minVersion, name: builder, logger } = this.#deps;
    if (minVersion === undefined) return undefined;
    const isOlder = isOlderVersion(version, minVersion);
    if (isOlder === undefined && !this.#hasLoggedVersion) {
      this.#hasLoggedVersion = true;
      logger.info({ builder, version, minVersion }, "builder version cannot be compared, and is taken as it is");
    }
    if (isOlder !== true) return undefined;
    const problem = `runs BuildKit ${version}, older than ${minVersion} of --builder-min-version`;
    return isOlderVersion(version, FIRST_SAFE_VERSION) === true
      ? `${problem}: earlier ones let a build's frontend write outside of its folder (CVE-2026-33747)`
      : problem;
  }
}

const isRefusal = (error: unknown): boolean => error instanceof Error && "code" in error && REFUSALS.has(error.code);

const seconds = (durationMs: number): string => `${Math.ceil(durationMs / 1000)} s`;

function backOffMs(failures: number, random: number): number {
  const plainMs = Math.min(BACK_OFF_MIN_MS * 2 ** (failures - 1), BACK_OFF_MAX_MS);
  return plainMs * (1 - JITTER + 2 * JITTER * random);
}

/** A daemon may be replaced between two checks. */
function isOtherDaemon(before: Health, now: Health): boolean {
  if (!("workers" in before) || !("workers" in now)) return false;
  return before.workers.id !== now.workers.id || before.workers.version !== now.workers.version;
}
