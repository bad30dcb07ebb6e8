/** Records builds: begins the record of each, and lets what is kept of them be kept one after the other. */
import { setTimeout as delay } from "node:timers/promises";
import type { SolveRequest } from "../buildkit/build-messages.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { RecordPart } from "./build-metrics.js";
import type { BuildRecord } from "./build-record.js";
import type { LogPiece } from "./history.js";
import { hasTooManyArguments } from "./live-build.js";
import { Recording, type RecordedBuild, type RecorderDeps } from "./recording.js";

/** Builds that are recorded at the same time; further ones are only forwarded. */
export const LIVE_BUILDS_MAX = 1_000;
/** Of logs of all builds that wait to be written. */
const QUEUED_LOGS_MAX_BYTES = 64 << 20;
const SETTLE_TIMEOUT_MS = 2_000;
const REF_MAX_CHARS = 512;

export interface NewBuild {
  readonly request: SolveRequest;
  readonly group: string;
  readonly builder: string;
  readonly identity: BuildIdentity;
}

export class BuildRecorder {
  readonly #deps: RecorderDeps;
  readonly #live = new Map<string, Recording>();
  /** Ends of builds are worked on one after the other. */
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  #queuedLogBytes = 0;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  /** Undefined where there are too many, one of that ref runs, or it cannot be kept without its arguments' values. */
  begin(build: NewBuild): RecordedBuild | undefined {
    const { metrics, wallClock } = this.#deps;
    const { ref } = build.request;
    if (this.#isClosed) return undefined;
    if (hasTooManyArguments(build.request)) {
      metrics.failed("begin", new Error("more build arguments than can be kept out of the record"));
      return undefined;
    }
    if (this.#live.size >= LIVE_BUILDS_MAX || this.#live.has(ref) || ref === "" || ref.length > REF_MAX_CHARS) {
      metrics.failed("begin", new Error("too many builds at once, two of one ref, or a ref that is none"));
      return undefined;
    }
    const recording = new Recording({ ...build, startedAtMs: wallClock() }, this.#deps, {
      enqueue: (part, work) => this.#enqueue(part, work),
      keepLog: (buildRef, pieces) => this.#keepLog(buildRef, pieces),
      gone: () => this.#live.delete(ref),
    });
    this.#live.set(ref, recording);
    return recording;
  }

  /** The record as it stands, of a build that runs. */
  record(ref: string): BuildRecord | undefined {
    return this.#live.get(ref)?.record();
  }

  /** Builds that run on the builder at that address. */
  runningOn(builder: string): number {
    return [...this.#live.values()].filter((build) => build.isRunning && build.builder === builder).length;
  }

  get running(): number {
    return [...this.#live.values()].filter(({ isRunning }) => isRunning).length;
  }

  /**
   * Resolves when the builds that have ended by now are explained and kept, a moment behind their clients' answers; or
   * when one takes so long that it is looked at as it stands.
   */
  async settled(): Promise<void> {
    const waited = new AbortController();
    const late = delay(SETTLE_TIMEOUT_MS, undefined, { ref: false, signal: waited.signal }).catch(() => undefined);
    await Promise.race([Promise.all([...this.#live.values()].map(({ finished }) => finished)), late]);
    waited.abort();
  }

  /** What is kept of the log until now is readable. */
  flushLog(ref: string): Promise<void> {
    return this.#live.get(ref)?.flushLog() ?? Promise.resolve();
  }

  /** Keeps what there is of builds that have ended; those that run are lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const recordings = [...this.#live.values()];
    for (const recording of recordings) recording.stop();
    await Promise.all(recordings.map(({ finished }) => finished));
    await this.#work;
  }

  #keepLog(ref: string, pieces: readonly LogPiece[]): Promise<void> {
    const bytes = pieces.reduce((sum, { text }) => sum + text.length, 0);
    // Where the disk is slower than the builds, memory must not make up for it.
    if (this.#queuedLogBytes + bytes > QUEUED_LOGS_MAX_BYTES) {
      this.#deps.metrics.failed("log", new Error("logs come faster than they can be written"));
      return this.#work;
    }
    this.#queuedLogBytes += bytes;
    return this.#enqueue("log", () =>
      this.#deps.history.appendLog(ref, pieces).finally(() => {
        this.#queuedLogBytes -= bytes;
      }),
    );
  }

  /** Nothing that goes wrong here is the build's fault, or its business. */
  #enqueue(part: RecordPart, work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#deps.metrics.failed(part, error);
    });
    return this.#work;
  }
}
