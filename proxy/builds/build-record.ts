/** What is kept of a build: its summary, its steps with what they are made of, and why those that ran did. */
import type { BuildIdentity } from "../cache/cache-index.js";

/** `lost`: MemoBuild ended before the build did. */
export const BUILD_OUTCOMES = ["running", "succeeded", "failed", "canceled", "lost"] as const;
export type BuildOutcome = (typeof BUILD_OUTCOMES)[number];

/** `skipped`: never began, because nothing needed it or the build ended before. */
export const STEP_RESULTS = ["waiting", "running", "cached", "ran", "failed", "canceled", "skipped"] as const;
export type StepResult = (typeof STEP_RESULTS)[number];

/** Which cache a cached step came from; `unknown` where what was seen does not tell. */
export const CACHE_SOURCES = ["builder", "shared", "unknown"] as const;
export type CacheSource = (typeof CACHE_SOURCES)[number];

export const STEP_KINDS = ["exec", "file", "image", "local", "git", "http", "merge", "diff", "build", "other"] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** Counted as `buildctl --debug-json-cache-metrics` counts: without internal, auth, import and export steps. */
export interface StepCounts {
  /** All steps that the builder told of, internal ones included. */
  readonly total: number;
  /** Those that have ended. */
  readonly completed: number;
  /** Without internal steps. */
  readonly user: number;
  /** Of `user`, those that are not base images. */
  readonly cacheable: number;
  /** Of `cacheable`; `cachedBuilder`, `cachedShared` and the rest of unknown source together. */
  readonly cached: number;
  readonly cachedBuilder: number;
  readonly cachedShared: number;
  /** Of `cacheable`, those that ran, whether well or not. */
  readonly ran: number;
  readonly warnings: number;
}

/** How the import of the shared cache went, as the metric `memobuild_cache_imports_total` calls it; "none": not asked. */
export interface ImportNote {
  readonly result: string;
  /** Refs of the builds whose exports it was made of. */
  readonly from: readonly string[];
  readonly records: number;
  /** Layers that the builder fetched while the build ran. */
  readonly fetchedLayers: number;
  readonly fetchedBytes: number;
}

/** How the export to the shared cache went, as the metric `memobuild_cache_exports_total` calls it. */
export interface ExportNote {
  /** "none": there was nothing to export; "pending": under way. */
  readonly result: string;
  readonly bytes: number;
  /** From the end of the build. */
  readonly durationMs: number;
}

export interface BuildSummary extends BuildIdentity {
  /** BuildKit's. */
  readonly ref: string;
  /** The same for all builds of one client process, such as the targets of a bake. */
  readonly group: string;
  /** Of the source, "" where unknown. */
  readonly revision: string;
  /** Address of the builder. */
  readonly builder: string;
  /** Id of the builder's worker: a builder that begins with nothing has another one. Undefined where unknown. */
  readonly worker?: string | undefined;
  /** Types of the outputs, such as "image" or "local". */
  readonly outputs: readonly string[];
  /** Milliseconds since 1970, by our clock. */
  readonly startedAtMs: number;
  /** Undefined as long as it runs. */
  readonly endedAtMs?: number | undefined;
  readonly outcome: BuildOutcome;
  /** Of a build that failed, else "". */
  readonly error: string;
  readonly counts: StepCounts;
  /** What running the reused steps took when they were last seen to run. */
  readonly savedMs: number;
  /** How long its messages waited for us. */
  readonly addedMs: number;
  /** Bytes of files that the client sent. */
  readonly contextBytes: number;
  readonly import: ImportNote;
  readonly export: ExportNote;
  /** The cause of the first step that missed; undefined where none did, and as long as the build runs. */
  readonly firstMiss?: { readonly step: string; readonly kind: CauseKind; readonly text: string } | undefined;
}

export interface StepLines {
  /** Name of the Dockerfile. */
  readonly file: string;
  /** From 1. */
  readonly first: number;
  readonly last: number;
}

/** What one action of a COPY or ADD takes from a local source. */
export interface FileSelection {
  /** Index of the local source in the record's steps. */
  readonly source: number;
  /** As in the Dockerfile, maybe with wildcards; "/" for all. */
  readonly path: string;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
}

export interface StepRecord {
  /** Of the vertex; it may differ between equal steps of different builds. */
  readonly digest: string;
  /** Equal for steps that do the same to the same inputs, files included; "" where the definition was not seen. */
  readonly key: string;
  /** As people see it, such as "[build 3/7] RUN make"; without values of build arguments. */
  readonly name: string;
  readonly kind: StepKind;
  /** Indexes of the steps that it needs. */
  readonly inputs: readonly number[];
  /** Those of them of which only the files matter, as of `COPY --from`, not how they were made. */
  readonly contentInputs?: readonly number[] | undefined;
  /** Whether it counts as a user's step. */
  readonly isUser: boolean;
  /** Name or number of the stage of the Dockerfile, "" where there is none. */
  readonly stage: string;
  /** Text in the Dockerfile, variables not replaced; "" where unknown. */
  readonly instruction: string;
  readonly lines?: StepLines | undefined;
  /** Such as "linux/arm64"; "" where unknown. */
  readonly platform: string;
  /** The client asked to run it whatever caches have. */
  readonly ignoresCache: boolean;
  /**
   * What the operation is made of: names to keyed hashes of values, such as "command", "env:FOO", "mount:/src". What
   * differs between two builds changed.
   */
  readonly parts: Readonly<Record<string, string>>;
  /** What of it may be shown, by name: "image", "digest", "url". */
  readonly shown: Readonly<Record<string, string>>;
  readonly selections: readonly FileSelection[];
  readonly result: StepResult;
  /** Of a cached step. */
  readonly cachedFrom?: CacheSource | undefined;
  /** Milliseconds since 1970 by the builder's clock; undefined where it did not. */
  readonly startedAtMs?: number | undefined;
  readonly completedAtMs?: number | undefined;
  /** The times that it was at work, together. */
  readonly durationMs: number;
  /** Of a step that failed, else "". */
  readonly error: string;
  /** The latest of its progress, such as "extracting sha256:…": at most a few. */
  readonly progress: readonly StepProgress[];
  readonly warnings: readonly string[];
  readonly logBytes: number;
  /** Parts of the log were left out. */
  readonly isLogCut: boolean;
  /** Why it ran; undefined where it did not, or where it is no user's step. */
  readonly cause?: StepCause | undefined;
}

export interface StepProgress {
  readonly id: string;
  readonly name: string;
  readonly current: number;
  readonly total: number;
  readonly isDone: boolean;
}

/** A folder that the client sent, such as the build context. */
export interface TransferRecord {
  /** "context", "dockerfile", or what a named context is called. */
  readonly name: string;
  /** Of the list of its files, see `FileList`; "" where it was not seen. */
  readonly fileList: string;
  readonly fileCount: number;
  /** False where the list is cut. */
  readonly isComplete: boolean;
  readonly requestedFiles: number;
  readonly sentBytes: number;
}

export interface BuildRecord extends BuildSummary {
  readonly steps: readonly StepRecord[];
  readonly transfers: readonly TransferRecord[];
  /** Names of build arguments that the client gave, sorted. */
  readonly argumentNames: readonly string[];
  /** Stages to which `--no-cache` applies: "*" for all. */
  readonly noCache: readonly string[];
  /** The build that this one was compared with; "" where there was none. */
  readonly baseline: string;
  /** Steps that were seen are more than these. */
  readonly isCut: boolean;
}

export interface ListedFile {
  /** Relative to the root of its folder. */
  readonly path: string;
  /** Go's `os.FileMode`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly linkname: string;
  /** Keyed; "" where the bytes were not seen. */
  readonly contentHash: string;
  /** The builder asked for its bytes. */
  readonly wasRequested: boolean;
}

export type FileList = readonly ListedFile[];

export const CAUSE_KINDS = [
  "first_build",
  "instruction_added",
  "instruction_changed",
  "argument_changed",
  "environment_changed",
  "base_image_changed",
  "source_changed",
  "platform_changed",
  "context_changed",
  "files_changed",
  "file_modes_changed",
  "input_changed",
  "no_cache",
  "evicted",
  "not_exported",
  "import_failed",
  "nondeterministic",
  "unknown",
] as const;
export type CauseKind = (typeof CAUSE_KINDS)[number];

/** `added`, `removed`, `content`: its bytes; `mode`, `owner`, `time`: only that; `link`, `type`; `size`. */
export const FILE_CHANGES = ["added", "removed", "type", "link", "size", "content", "mode", "owner", "time"] as const;
export type FileChange = (typeof FILE_CHANGES)[number];

export interface ChangedFile {
  readonly path: string;
  /** The first of `FILE_CHANGES` that applies. */
  readonly change: FileChange;
  /** Such as "0644" or "12 B"; "" where that tells nothing. */
  readonly before: string;
  readonly after: string;
}

export interface StepCause {
  readonly kind: CauseKind;
  /** One sentence for people. */
  readonly text: string;
  /** What to do about it; "" where nothing. */
  readonly hint: string;
  /** Index of the step where it began, where that is another. */
  readonly root?: number | undefined;
  /** Of an instruction, a base image, a platform: what it was and is. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Of arguments or variables. */
  readonly names?: readonly string[] | undefined;
  /** The first of them. */
  readonly files?: readonly ChangedFile[] | undefined;
  readonly fileCount?: number | undefined;
  /** Of a root: the steps that ran because of it, and how long they took. */
  readonly cascade?: { readonly steps: number; readonly durationMs: number } | undefined;
}
