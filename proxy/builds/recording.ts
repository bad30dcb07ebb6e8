/** One build that is recorded: what its calls tell goes into it, and from there to the history and to those who look. */
import type { StatusResponse } from "../buildkit/build-messages.js";
import type { LlbReader } from "../buildkit/llb-graph.js";
import type { FileTransfer } from "../buildkit/tunnel/file-transfer.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import { assembleRecord, hideSelected, type Descriptions } from "./assemble-record.js";
import type { BuildEvent, RunningStep } from "./build-desk.js";
import type { BuildEvents } from "./build-events.js";
import type { BuildMetrics, RecordPart } from "./build-metrics.js";
import type { BuildRecord, ExportNote, ImportNote } from "./build-record.js";
import type { FinishRecord } from "./finish-record.js";
import type { History, LogPiece } from "./history.js";
import { LiveBuild, type BuildStart } from "./live-build.js";
import { summaryOf } from "./summary-of.js";

/** How often those who look are told of changes, and what is left of a build should we be killed is kept. */
const TELL_INTERVAL_MS = 250;
/** More with each step, as all of them are looked at. */
const TELL_STEP_INTERVAL_MS = 0.25;
const CHECKPOINT_INTERVAL_MS = 5_000;
/** More with each step, as all of them are written. */
const CHECKPOINT_STEP_INTERVAL_MS = 10;
/** Logs are kept together, to write seldom. */
const LOG_PIECES_MAX = 2_000;
const LOG_BATCH_BYTES = 256 << 10;
const LOG_INTERVAL_MS = 500;
/** A client that wants to see the progress asks for it at once. */
const OWN_STATUS_AFTER_MS = 1_000;
/** The last of the progress comes after the end of the build, as fast as the client reads it. */
const PROGRESS_REST_MAX_MS = 60_000;
const OWN_PROGRESS_REST_MAX_MS = 1_000;
/** Of one build together; what comes beyond that is not described. */
const DEFINITIONS_MAX_BYTES = 16 << 20;
const RUNNING_STEPS_TOLD_MAX = 4;

export interface RecorderDeps {
  readonly history: Pick<History, "begin" | "checkpoint" | "finish" | "noteExport" | "appendLog">;
  readonly events: BuildEvents;
  readonly metrics: BuildMetrics;
  readonly readLlb: LlbReader;
  /** Explains the record, and keeps it. */
  readonly finish: FinishRecord;
  /** What the definitions of a build say of its steps, as far as is known while it runs. */
  readonly describe: (build: LiveBuild) => Descriptions;
  /** The progress of a build, from its beginning to its end. */
  readonly followStatus: (
    builder: string,
    ref: string,
    onStatus: (status: StatusResponse) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Id of the worker that the builder has now; undefined where it does not tell. */
  readonly worker: (builder: string) => Promise<string | undefined>;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

/** The part of the record that one build's calls know. */
export interface RecordedBuild {
  readonly sessions: ReadonlySet<string>;
  solving(identity: BuildIdentity, options: Readonly<Record<string, string>>): void;
  statusBegan(): void;
  status(message: StatusResponse): void;
  /** @param isComplete false where some of it was not seen. */
  statusEnded(isComplete: boolean): void;
  defined(definition: Buffer): void;
  transferred(transfer: FileTransfer, sharedKey: string): void;
  imported(note: Omit<ImportNote, "fetchedLayers" | "fetchedBytes">): void;
  fetched(layer: string, bytes: number): void;
  held(ms: number): void;
  /** Another builder does it from the beginning. */
  moved(builder: string): void;
  ended(code: GrpcCode, message: string): void;
  exported(note: ExportNote): void;
}

export interface RecordingParts {
  readonly keepLog: (ref: string, pieces: readonly LogPiece[]) => Promise<void>;
  readonly enqueue: (part: RecordPart, work: () => Promise<void>) => Promise<void>;
  /** The recording is over. */
  readonly gone: () => void;
}

export class Recording implements RecordedBuild {
  readonly #build: LiveBuild;
  readonly #deps: RecorderDeps;
  readonly #parts: RecordingParts;
  readonly #ownStatus = new AbortController();
  #checkpointTimer: NodeJS.Timeout | undefined;
  readonly #ownStatusTimer: NodeJS.Timeout;
  readonly #progressEnd: PromiseWithResolvers;
  #status: "none" | "client" | "own" = "none";
  #tellTimer: NodeJS.Timeout | undefined;
  #logTimer: NodeJS.Timeout | undefined;
  #definitionBytes = 0;
  #log: LogPiece[] = [];
  #logBytes = 0;
  /** Until something of it changes. */
  #assembled: BuildRecord | undefined;
  /** As it was kept at its end. */
  #final: BuildRecord | undefined;
  /** No more of its progress counts: it ends, or we do. */
  #isOver = false;
  #isStopped = false;
  #logKept: Promise<void> = Promise.resolve();
  #finished: Promise<void> = Promise.resolve();

  constructor(start: BuildStart, deps: RecorderDeps, parts: RecordingParts) {
    this.#deps = deps;
    this.#parts = parts;
    this.#progressEnd = withResolvers();
    this.#build = new LiveBuild(start, {
      changed: () => {
        this.#changed();
      },
      logged: (pieces) => {
        this.#logged(pieces);
      },
    });
    void parts.enqueue("begin", () => deps.history.begin(summaryOf(this.record())));
    this.#askWorker();
    this.#tell("started");
    deps.metrics.began();
    this.#checkpointSoon();
    this.#ownStatusTimer = setTimeout(() => {
      if (this.#status === "none") void this.#followStatus();
    }, OWN_STATUS_AFTER_MS).unref();
  }

  get sessions(): ReadonlySet<string> {
    return this.#build.sessions;
  }

  get builder(): string {
    return this.#build.builder;
  }

  get isRunning(): boolean {
    return this.#build.endedAtMs === undefined;
  }

  /** Resolves when nothing of it is left to be done. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  record(): BuildRecord {
    // Its export may end long after it.
    if (this.#final !== undefined) return { ...this.#final, export: this.#build.export };
    this.#assembled ??= hideSelected(assembleRecord(this.#build, this.#deps.describe(this.#build), []), this.#build);
    return this.#assembled;
  }

  solving(identity: BuildIdentity, options: Readonly<Record<string, string>>): void {
    this.#build.solving(identity, options);
  }

  statusBegan(): void {
    if (this.#status === "none") this.#status = "client";
  }

  status(message: StatusResponse): void {
    if (this.#status !== "own") this.#progress(message);
  }

  statusEnded(isComplete: boolean): void {
    if (this.#status === "own") return;
    if (isComplete) this.#progressEnd.resolve();
    else void this.#followStatus();
  }

  defined(definition: Buffer): void {
    this.#definitionBytes += definition.length;
    if (this.#definitionBytes > DEFINITIONS_MAX_BYTES) return;
    // Behind the message that it came with, which must not wait for it.
    void this.#parts.enqueue("definition", () => {
      this.#build.defined(this.#deps.readLlb(definition));
      return Promise.resolve();
    });
  }

  transferred(transfer: FileTransfer, sharedKey: string): void {
    this.#build.transferred(transfer, sharedKey);
  }

  imported(note: Omit<ImportNote, "fetchedLayers" | "fetchedBytes">): void {
    this.#build.imported(note);
  }

  fetched(layer: string, bytes: number): void {
    this.#build.fetched(layer, bytes);
  }

  held(ms: number): void {
    this.#build.held(ms);
  }

  moved(builder: string): void {
    this.#build.moved(builder);
    this.#askWorker();
  }

  ended(code: GrpcCode, message: string): void {
    if (!this.isRunning || this.#isStopped) return;
    this.#build.ended(code, message, this.#deps.wallClock());
    this.#changed();
    clearTimeout(this.#ownStatusTimer);
    this.#deps.metrics.gone();
    // The builder tells it for some time after the end, too.
    if (this.#status === "none") void this.#followStatus();
    this.#finished = this.#finish();
  }

  exported(note: ExportNote): void {
    if (this.#isStopped) return;
    this.#build.export = note;
    this.#changed();
    if (this.isRunning) return;
    // Behind the record of the build itself.
    void this.#finished.then(() =>
      this.#parts.enqueue("export", async () => {
        await this.#deps.history.noteExport(this.#build.ref, note);
        if (note.result !== "pending") this.#tell("exported");
      }),
    );
  }

  /** The process ends. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#isOver = true;
    this.#clearTimers();
    this.#ownStatus.abort();
    this.#progressEnd.resolve();
    if (!this.isRunning) return;
    this.#build.progressEnded();
    void this.flushLog();
    this.#checkpoint();
  }

  flushLog(): Promise<void> {
    clearTimeout(this.#logTimer);
    this.#logTimer = undefined;
    this.#logBytes = 0;
    const pieces = this.#log.splice(0);
    if (pieces.length > 0) this.#logKept = this.#parts.keepLog(this.#build.ref, pieces);
    return this.#logKept;
  }

  #askWorker(): void {
    const { builder } = this.#build;
    this.#deps.worker(builder).then(
      (worker) => {
        if (this.#build.builder === builder) this.#build.worker = worker;
      },
      () => undefined, // the builder does not answer: its build tells that
    );
  }

  async #finish(): Promise<void> {
    const restMaxMs = this.#status === "client" ? PROGRESS_REST_MAX_MS : OWN_PROGRESS_REST_MAX_MS;
    const restTimer = setTimeout(this.#progressEnd.resolve, restMaxMs).unref();
    await this.#progressEnd.promise;
    clearTimeout(restTimer);
    this.#isOver = true;
    this.#ownStatus.abort();
    this.#build.progressEnded();
    void this.flushLog();
    this.#assembled = undefined;
    await this.#parts.enqueue("finish", () => this.#keep());
    this.#clearTimers();
    this.#guarded("finish", () => {
      this.#deps.metrics.ended(this.record());
    });
    this.#tell("ended");
    this.#parts.gone();
  }

  async #keep(): Promise<void> {
    try {
      this.#final = await this.#deps.finish(this.#build);
    } catch (error) {
      this.#deps.metrics.failed("finish", error);
      // Better without reasons than as one that runs.
      await this.#deps.history.finish(this.record());
    }
  }

  /** The client did not ask for the progress, or not all of it was seen. */
  async #followStatus(): Promise<void> {
    if (this.#isOver) return;
    this.#status = "own";
    this.#build.progressRestarts();
    const onStatus = (message: StatusResponse): void => {
      this.#progress(message);
    };
    try {
      await this.#deps.followStatus(this.#build.builder, this.#build.ref, onStatus, this.#ownStatus.signal);
    } catch (error) {
      const isMissed = this.isRunning && !this.#ownStatus.signal.aborted;
      if (isMissed) this.#deps.metrics.failed("status", error);
    }
    this.#progressEnd.resolve();
  }

  #progress(message: StatusResponse): void {
    if (this.#isOver) return;
    this.#build.progress(message);
  }

  #changed(): void {
    this.#assembled = undefined;
    if (this.#isOver) return;
    const intervalMs = TELL_INTERVAL_MS + this.#build.steps.all.size * TELL_STEP_INTERVAL_MS;
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      if (this.isRunning) this.#tell("changed");
    }, intervalMs).unref();
  }

  #logged(pieces: readonly LogPiece[]): void {
    for (const piece of pieces) {
      this.#log.push(piece);
      this.#logBytes += piece.text.length;
    }
    // What comes with its end is written by it.
    if (this.#isOver) return;
    if (this.#log.length >= LOG_PIECES_MAX || this.#logBytes >= LOG_BATCH_BYTES) void this.flushLog();
    else
      this.#logTimer ??= setTimeout(() => {
        void this.flushLog();
      }, LOG_INTERVAL_MS).unref();
  }

  #clearTimers(): void {
    clearTimeout(this.#checkpointTimer);
    clearTimeout(this.#ownStatusTimer);
    clearTimeout(this.#tellTimer);
    clearTimeout(this.#logTimer);
  }

  #checkpointSoon(): void {
    const intervalMs = CHECKPOINT_INTERVAL_MS + this.#build.steps.all.size * CHECKPOINT_STEP_INTERVAL_MS;
    this.#checkpointTimer = setTimeout(() => {
      this.#checkpoint();
      this.#checkpointSoon();
    }, intervalMs).unref();
  }

  #checkpoint(): void {
    void this.#parts.enqueue("checkpoint", async () => {
      if (this.isRunning) await this.#deps.history.checkpoint(this.record());
    });
  }

  #tell(type: BuildEvent["type"]): void {
    this.#guarded("events", () => {
      const record = this.record();
      this.#deps.events.add({ type, build: summaryOf(record), running: runningSteps(record) });
    });
  }

  #guarded(part: RecordPart, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#deps.metrics.failed(part, error);
    }
  }
}

function runningSteps({ steps }: BuildRecord): RunningStep[] {
  const running = steps.filter(({ result }) => result === "running");
  return running
    .map(({ name, startedAtMs }) => ({ name, startedAtMs: startedAtMs ?? 0 }))
    .sort((a, b) => a.startedAtMs - b.startedAtMs)
    .slice(0, RUNNING_STEPS_TOLD_MAX);
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
