/** Keeps the cache within its limits: by age, by size, and by what must stay free on the disk. */
import type { PruneOptions, PruneResult } from "./cache-admin.js";
import { Evictor, type EvictorParts } from "./evictor.js";
import type { EvictionReason } from "./cache-index.js";
import type { CacheLevels } from "./retention-metrics.js";
import { WorkSlices } from "./work-slices.js";

/** How often limits are looked at without being told to. */
const INTERVAL_MS = 30_000;
/** A blob that no export needs may be about to be needed: the next export of the build would send it again. */
const UNREFERENCED_KEPT_MS = 10 * 60_000;

/** What the store takes up, and what it may. */
export interface StoreSpace extends CacheLevels {
  /** Of the file system. */
  freeBytes(): Promise<number>;
}

export interface RetentionOptions extends EvictorParts {
  readonly space: StoreSpace;
  /** Exports that were not used for this long go; may change. */
  readonly maxAgeMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicNow: () => number;
  readonly intervalMs?: number;
}

interface Need {
  readonly bytes: number;
  readonly reason: EvictionReason;
}

/** One pass or one prune at a time. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #evictor: Evictor;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isPassWaiting = false;
  #wantedBytes = 0;
  #isStuck = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#evictor = new Evictor(options);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.nudge();
    }, this.#options.intervalMs ?? INTERVAL_MS);
    this.#timer.unref();
    this.nudge();
  }

  /** Something was published, or a put of so many bytes was refused: a pass runs soon. */
  nudge(wantedBytes = 0): void {
    this.#wantedBytes = Math.max(this.#wantedBytes, wantedBytes);
    if (this.#isPassWaiting || this.#stop.signal.aborted) return;
    this.#isPassWaiting = true;
    this.#alone(this.#stop.signal, async (signal) => {
      this.#isPassWaiting = false;
      await this.#pass(signal);
    }).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#options.logger.error({ error: String(error) }, "cache retention failed");
    });
  }

  /** Ends the pass that runs, at its next step. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort(new Error("the cache is being closed"));
    await this.#running;
  }

  /** Removes what matches, least recently used first. */
  async prune(options: PruneOptions, signal: AbortSignal): Promise<PruneResult> {
    const { unusedForMs, project, isDryRun = false } = options;
    const { now } = this.#options;
    return this.#alone(signal, async (signal) => {
      const slices = this.#slices();
      const toFree = await this.#toFree(options);
      const swept = isDryRun
        ? await this.#evictor.sweepable(slices, signal)
        : await this.#evictor.sweep(now() + 1, "prune", slices, signal);
      const goal = {
        ...(unusedForMs === undefined ? {} : { usedBeforeMs: now() - unusedForMs }),
        ...(project === undefined ? {} : { project }),
        bytesToFree: toFree - swept.bytes,
        keepsInUse: true,
      };
      const evicted = await this.#evictor.evict({ ...goal, reason: "prune", isDryRun }, slices, signal);
      const after = isDryRun ? evicted : await this.#evictor.sweep(now() + 1, "prune", slices, signal);
      return { exports: evicted.exports, blobs: swept.blobs + after.blobs, bytes: swept.bytes + after.bytes };
    });
  }

  /** Does now what the timer does from time to time. */
  async pass(signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async (signal) => this.#pass(signal));
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { index, now, maxAgeMs } = this.#options;
    const slices = this.#slices();
    const wantedBytes = this.#wantedBytes;
    this.#wantedBytes = 0;
    const old = { usedBeforeMs: now() - maxAgeMs, bytesToFree: Infinity, keepsInUse: true };
    await this.#evictor.evict({ ...old, reason: "age", isDryRun: false }, slices, signal);
    await this.#evictor.sweep(now() - UNREFERENCED_KEPT_MS, "age", slices, signal);
    for (;;) {
      const { bytes, reason } = await this.#need(wantedBytes);
      if (bytes <= 0) break;
      const swept = await this.#evictor.sweep(now() + 1, reason, slices, signal);
      // What is left of the unreferenced is held, and goes when it is let go of.
      const { unreferencedBytes } = await index.totals();
      const bytesToFree = bytes - swept.bytes - unreferencedBytes;
      // Builds that go on hold the exports of their project all the time: to spare them would cost the newest ones.
      const goal = { bytesToFree, keepsInUse: false, reason, isDryRun: false };
      const evicted = await this.#evictor.evict(goal, slices, signal);
      if (evicted.exports.length > 0 || swept.blobs > 0) continue;
      if (bytesToFree > 0) this.#stuck(bytes, reason);
      return;
    }
    this.#isStuck = false;
  }

  #slices(): WorkSlices {
    return new WorkSlices(this.#options.monotonicNow);
  }

  async #need(wantedBytes: number): Promise<Need> {
    const { space } = this.#options;
    const { storeBytes, softMaxBytes, hardMaxBytes, minFreeBytes } = space;
    const freeBytes = await space.freeBytes();
    // For what never fits, nothing has to go.
    const fits = wantedBytes <= Math.min(hardMaxBytes, storeBytes + freeBytes - minFreeBytes);
    const wanted = fits ? wantedBytes : 0;
    const size = Math.max(storeBytes - softMaxBytes, wanted > 0 ? storeBytes + wanted - hardMaxBytes : 0);
    const free = minFreeBytes + wanted - freeBytes;
    return size >= free ? { bytes: size, reason: "size" } : { bytes: free, reason: "free_space" };
  }

  async #toFree({ keepBytes, minFreeBytes }: PruneOptions): Promise<number> {
    if (keepBytes === undefined && minFreeBytes === undefined) return Infinity;
    const { space } = this.#options;
    const above = keepBytes === undefined ? 0 : space.storeBytes - keepBytes;
    const short = minFreeBytes === undefined ? 0 : minFreeBytes - (await space.freeBytes());
    return Math.max(above, short, 0);
  }

  #stuck(bytes: number, reason: EvictionReason): void {
    if (this.#isStuck) return;
    this.#isStuck = true;
    this.#options.logger.warn({ bytes, reason }, "cache is over its limit, but all of it is pinned or in use");
  }

  /** The work gets a signal that `close` aborts, too. */
  async #alone<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const done = this.#running.then(async () => {
      const ended = new AbortController();
      const end = (): void => {
        ended.abort(signal.aborted ? signal.reason : this.#stop.signal.reason);
      };
      const signals = [signal, this.#stop.signal];
      for (const one of signals) one.addEventListener("abort", end);
      try {
        if (signals.some(({ aborted }) => aborted)) end();
        ended.signal.throwIfAborted();
        return await work(ended.signal);
      } finally {
        for (const one of signals) one.removeEventListener("abort", end);
      }
    });
    // Its failure is its caller's; the next one runs all the same.
    this.#running = done.catch(() => undefined);
    return done;
  }
}
