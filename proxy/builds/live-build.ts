/** One build while it runs: what its calls, its progress and its session tell, kept within limits. */
import { z } from "zod";
import type { SolveRequest, StatusResponse } from "../buildkit/build-messages.js";
import { millisecondsOf } from "../buildkit/build-messages.js";
import type { LlbGraph } from "../buildkit/llb-graph.js";
import type { FileTransfer } from "../buildkit/tunnel/file-transfer.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import type { BuildOutcome, ExportNote, ImportNote } from "./build-record.js";
import type { LogPiece } from "./history.js";
import { LiveSteps } from "./live-steps.js";
import { LogKeeper } from "./log-keeper.js";
import { LogTexts } from "./log-texts.js";
import { maskValues } from "./mask-values.js";

const GRAPHS_MAX = 64;
const TRANSFERS_MAX = 64;
const FETCHED_LAYERS_MAX = 10_000;
/** All of their values are looked for in every text that is kept. */
const ARGUMENTS_MAX = 1_000;
const TEXT_MAX_CHARS = 4_000;
/** Of a repository of our registry: who knows its token may use it. */
const CACHE_ADDRESS = /[^\s/"]{1,255}:\d+\/(?:v2\/)?[0-9a-f]{32}(?:[/@:][\w@:./-]*)?/g;
/** Quick to look for where there is none, as in nearly all texts. */
const CACHE_PATH = /:\d{1,5}\/(?:v2\/)?[0-9a-f]{32}/;
const THE_CACHE = "the shared cache";
/** User and password in an address. */
const CREDENTIALS = /\b((?:https?|git|ssh|ftp):\/\/)[^\s/@]+@/gi;
const STDOUT = 1;
const STDERR = 2;
/** Option of the Dockerfile frontend: a JSON list. */
const CACHE_IMPORTS = "cache-imports";
/** Shorter values are words such as "max", "true" and "registry". */
const CACHE_VALUE_MIN_CHARS = 9;
const HIDDEN_MAX = 2_000;
const BUILD_ARGUMENT = "build-arg:";
const LOCAL_SESSION = "local-sessionid:";

export interface BuildStart {
  readonly request: SolveRequest;
  /** Of the client process. */
  readonly group: string;
  readonly builder: string;
  readonly identity: BuildIdentity;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

export interface LiveBuildEvents {
  /** Something of it is new. */
  readonly changed: () => void;
  readonly logged: (pieces: readonly LogPiece[]) => void;
}

export const NO_IMPORT: ImportNote = { result: "none", from: [], records: 0, fetchedLayers: 0, fetchedBytes: 0 };
export const NO_EXPORT: ExportNote = { result: "none", bytes: 0, durationMs: 0 };

export class LiveBuild {
  readonly ref: string;
  readonly start: BuildStart;
  readonly steps: LiveSteps = new LiveSteps((text) => this.masked(text));
  readonly logs: LogKeeper = new LogKeeper();
  readonly graphs: LlbGraph[] = [];
  readonly transfers: FileTransfer[] = [];
  /** Values of build arguments by name: to leave them out of everything that is kept. Never to be kept themselves. */
  readonly argumentValues: Map<string, string> = new Map();
  /** Ids of sessions that send its files. */
  readonly sessions: ReadonlySet<string>;
  /** Digests of layers that the builder fetched from the shared cache. */
  readonly fetchedLayers: Set<string> = new Set();
  identity: BuildIdentity;
  /** Address of the builder; "" where it never came to one. */
  builder: string;
  /** Id of the builder's worker, once it is known. */
  worker: string | undefined;
  /** Of its latest transfer. */
  sharedKey = "";
  import: ImportNote = NO_IMPORT;
  export: ExportNote = NO_EXPORT;
  /** The client named caches of its own to import. */
  hasOwnImports = false;
  noCache: readonly string[] = [];
  addedMs = 0;
  endedAtMs: number | undefined;
  outcome: BuildOutcome = "running";
  error = "";
  readonly #events: LiveBuildEvents;
  /** Those of arguments, and of what caches are named by: addresses of these may hold tokens. */
  readonly #hidden = new Map<string, string>();
  readonly #logTexts = new LogTexts(this.#hidden);
  /** Messages of the logs that came, by step. */
  readonly #logsSeen = new Map<string, number>();
  /** Of those, how many are yet to come again. */
  #logsAgain = new Map<string, number>();

  constructor(start: BuildStart, events: LiveBuildEvents) {
    this.start = start;
    this.ref = start.request.ref;
    this.identity = start.identity;
    this.builder = start.builder;
    this.#events = events;
    const { cache, frontendAttrs, session } = start.request;
    this.hasOwnImports = (cache?.imports.length ?? 0) > 0;
    for (const { attrs } of [...(cache?.exports ?? []), ...(cache?.imports ?? [])]) this.#hideCache(attrs);
    const shared = Object.entries(frontendAttrs).filter(([name]) => name.startsWith(LOCAL_SESSION));
    this.sessions = new Set([session, ...shared.map(([, id]) => id)]);
    this.#readOptions(frontendAttrs);
  }

  get argumentNames(): readonly string[] {
    return [...this.argumentValues.keys()].sort();
  }

  /** A frontend runs, or LLB. @param options of the frontend. */
  solving(identity: BuildIdentity, options: Readonly<Record<string, string>>): void {
    this.identity = identity;
    this.#readOptions(options);
    this.#events.changed();
  }

  progress(message: StatusResponse): void {
    const completed = this.steps.add(message);
    const pieces: LogPiece[] = [];
    const keep = (piece: LogPiece): void => {
      const text = withoutCacheAddress(piece.text);
      const kept = text === "" ? undefined : this.logs.add({ ...piece, text });
      if (kept !== undefined) pieces.push(kept);
    };
    for (const log of message.logs) {
      if (!this.steps.all.has(log.vertex) || this.#cameBefore(log.vertex)) continue;
      const stream = log.stream === STDOUT ? STDOUT : STDERR;
      const atMs = log.timestamp === null ? 0 : millisecondsOf(log.timestamp);
      keep({ step: log.vertex, stream, atMs, text: this.#logTexts.add(log.vertex, stream, log.msg) });
    }
    for (const step of completed) {
      const atMs = this.steps.all.get(step)?.completedAtMs ?? 0;
      for (const { stream, text } of this.#logTexts.end(step)) keep({ step, stream, atMs, text });
      pieces.push(...this.logs.end(step));
    }
    if (pieces.length > 0) this.#events.logged(pieces);
    this.#events.changed();
  }

  /** From here on the progress comes from its beginning again: steps take that, logs would come twice. */
  progressRestarts(): void {
    this.#logsAgain = new Map(this.#logsSeen);
  }

  /** No more of the progress comes: the rest of the logs of steps that did not end. */
  progressEnded(): void {
    const atMs = this.start.startedAtMs;
    const rest = this.#logTexts.endAll().flatMap(({ step, stream, text }) => {
      return this.logs.add({ step, stream, atMs, text: withoutCacheAddress(text) }) ?? [];
    });
    const pieces = [...rest, ...this.logs.endAll()];
    if (pieces.length > 0) this.#events.logged(pieces);
  }

  defined(graph: LlbGraph): void {
    if (this.graphs.length < GRAPHS_MAX) this.graphs.push(graph);
    this.#events.changed();
  }

  /** @param sharedKey equal for the same folder of the same client; "" where unknown. */
  transferred(transfer: FileTransfer, sharedKey: string): void {
    this.sharedKey = sharedKey;
    if (this.transfers.length < TRANSFERS_MAX) this.transfers.push(transfer);
    this.#events.changed();
  }

  imported(note: Omit<ImportNote, "fetchedLayers" | "fetchedBytes">): void {
    this.import = { ...this.import, ...note };
    this.#events.changed();
  }

  fetched(layer: string, bytes: number): void {
    const isNew = !this.fetchedLayers.has(layer) && this.fetchedLayers.size < FETCHED_LAYERS_MAX;
    if (isNew) this.fetchedLayers.add(layer);
    const { fetchedBytes } = this.import;
    this.import = { ...this.import, fetchedLayers: this.fetchedLayers.size, fetchedBytes: fetchedBytes + bytes };
  }

  /** Its builder was lost, and another one does it from the beginning. */
  moved(builder: string): void {
    this.builder = builder;
    this.worker = undefined;
    this.progressRestarts();
    this.#events.changed();
  }

  /** A message of the client's waited for us. */
  held(ms: number): void {
    this.addedMs += ms;
  }

  /** The client has its answer, or is gone. */
  ended(code: GrpcCode, message: string, atMs: number): void {
    this.endedAtMs = atMs;
    this.outcome = code === "OK" ? "succeeded" : code === "CANCELLED" ? "canceled" : "failed";
    if (this.outcome === "failed") this.error = this.masked(message === "" ? code : message);
  }

  /** Without what must not be kept. */
  masked(text: string): string {
    const bare = withoutCacheAddress(text).replace(CREDENTIALS, "$1");
    return maskValues(bare, this.#hidden).slice(0, TEXT_MAX_CHARS);
  }

  #cameBefore(step: string): boolean {
    const again = this.#logsAgain.get(step) ?? 0;
    if (again > 0) this.#logsAgain.set(step, again - 1);
    else this.#logsSeen.set(step, (this.#logsSeen.get(step) ?? 0) + 1);
    return again > 0;
  }

  #readOptions(options: Readonly<Record<string, string>>): void {
    for (const [option, value] of Object.entries(options)) {
      if (!option.startsWith(BUILD_ARGUMENT) || this.argumentValues.size >= ARGUMENTS_MAX) continue;
      const name = option.slice(BUILD_ARGUMENT.length);
      this.argumentValues.set(name, value);
      this.#hidden.set(name, value);
    }
    for (const attrs of cachesIn(options[CACHE_IMPORTS] ?? "")) this.#hideCache(attrs);
    const stages = options["no-cache"];
    if (stages !== undefined) this.noCache = stages === "" ? ["*"] : stages.split(",");
    if ((options[CACHE_IMPORTS] ?? "[]") !== "[]") this.hasOwnImports = true;
  }

  #hideCache(attrs: Readonly<Record<string, string>>): void {
    for (const [attr, value] of Object.entries(attrs)) {
      if (value.length < CACHE_VALUE_MIN_CHARS || this.#hidden.size >= HIDDEN_MAX) continue;
      const name = `cache ${attr}`;
      this.#hidden.set(this.#hidden.has(name) ? `${name} ${this.#hidden.size}` : name, value);
    }
  }
}

/** Whether it has more build arguments than can be hidden. */
export const hasTooManyArguments = ({ frontendAttrs }: SolveRequest): boolean =>
  Object.keys(frontendAttrs).filter((name) => name.startsWith(BUILD_ARGUMENT)).length > ARGUMENTS_MAX;

const withoutCacheAddress = (text: string): string =>
  CACHE_PATH.test(text) ? text.replace(CACHE_ADDRESS, THE_CACHE) : text;

const entries = z.array(z.object({ Attrs: z.record(z.string(), z.string()).nullish() }));

/** Attributes of each cache in the frontend's option. */
function cachesIn(option: string): readonly Readonly<Record<string, string>>[] {
  try {
    return (entries.safeParse(JSON.parse(option)).data ?? []).map(({ Attrs }) => Attrs ?? {});
  } catch {
    return []; // it is the frontend's to judge
  }
}
