/** The seam to what keeps builds: while they run, and afterwards until they are too old or too many. */
import type {
  BuildOutcome,
  BuildRecord,
  BuildSummary,
  CauseKind,
  ExportNote,
  FileList,
  TransferRecord,
} from "./build-record.js";
import type { BuildIdentity } from "../cache/cache-index.js";

export interface BuildQuery {
  /** Projects that contain this text. */
  readonly project?: string | undefined;
  readonly builder?: string | undefined;
  readonly outcome?: BuildOutcome | undefined;
  readonly group?: string | undefined;
  /** Builds that started at this time or later. */
  readonly sinceMs?: number | undefined;
  /** From an earlier page. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface BuildPage {
  /** Latest start first. */
  readonly builds: readonly BuildSummary[];
  /** Of the next page; undefined where this is the last. */
  readonly cursor?: string | undefined;
}

/** A piece of a step's log. */
export interface LogPiece {
  /** Digest of the step's vertex. */
  readonly step: string;
  /** 1 is stdout, 2 stderr. */
  readonly stream: number;
  /** Milliseconds since 1970 by the builder's clock. */
  readonly atMs: number;
  readonly text: string;
}

export interface LogQuery {
  /** Only of this step. */
  readonly step?: string | undefined;
  /** Continues after this position; 0 is the beginning. */
  readonly after: number;
  readonly limit: number;
}

export interface LogPage {
  readonly pieces: readonly LogPiece[];
  /** Where the next page begins. */
  readonly next: number;
  /** There is more by now. */
  readonly hasMore: boolean;
}

/**
 * What is known of earlier builds that had the same step. Times are the ends of those builds, by our clock; the ref of
 * one that is no longer kept is "".
 */
export interface StepHistory {
  /** When it was last complete on the builder in question; undefined where never. */
  readonly onBuilder?: { readonly ref: string; readonly atMs: number } | undefined;
  /** When it last ran, rather than being cached, on any builder. */
  readonly run?: { readonly ref: string; readonly atMs: number; readonly builder: string; readonly durationMs: number };
}

/** What became of the export of a build. */
export interface ExportHistory extends ExportNote {
  readonly ref: string;
  /** Set where it is gone from the shared cache. */
  readonly removed?: { readonly atMs: number; readonly rule: RemovalRule } | undefined;
}

/** Why an export was removed: too large a cache, too little free space, unused for too long, or by hand. */
export const REMOVAL_RULES = ["size", "free_space", "age", "prune"] as const;
export type RemovalRule = (typeof REMOVAL_RULES)[number];

export interface FiguresQuery {
  readonly sinceMs: number;
  readonly project?: string | undefined;
}

export interface Figures {
  readonly sinceMs: number;
  readonly builds: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
  readonly lost: number;
  readonly running: number;
  readonly durationMs: number;
  /** Of builds that have ended. */
  readonly cacheableSteps: number;
  readonly cachedSteps: number;
  readonly cachedBuilderSteps: number;
  readonly cachedSharedSteps: number;
  readonly ranSteps: number;
  /** `cachedSteps / cacheableSteps`; undefined where there was nothing to cache. */
  readonly hitRate?: number | undefined;
  readonly savedMs: number;
  readonly contextBytes: number;
  readonly fetchedBytes: number;
  readonly exportedBytes: number;
  readonly slowestSteps: readonly SlowStep[];
  readonly causes: readonly CauseCount[];
  /** Of the window, by number of builds; only where not one was asked for. */
  readonly projects: readonly ProjectFigures[];
  /** What took most of the time that builds of the window took and need not have; undefined where nothing did. */
  readonly costsMost?: Cost | undefined;
}

export interface Cost {
  /** One sentence for people. */
  readonly text: string;
  /** What to do about it; "" where nothing. */
  readonly hint: string;
  /** Time of the steps that ran because of it. */
  readonly durationMs: number;
}

export interface SlowStep {
  readonly ref: string;
  readonly project: string;
  readonly name: string;
  readonly durationMs: number;
}

/** Root causes only: what they cascaded to counts in `steps` and `durationMs`. */
export interface CauseCount {
  readonly kind: CauseKind;
  readonly count: number;
  readonly steps: number;
  readonly durationMs: number;
}

export interface ProjectFigures {
  readonly project: string;
  readonly builds: number;
  readonly cacheableSteps: number;
  readonly cachedSteps: number;
  readonly savedMs: number;
}

export const FIGURES_LIST_MAX = 10;

export interface TrendQuery {
  readonly sinceMs: number;
  /** Builds that started later, by a clock that has gone back since, count in the last part. */
  readonly untilMs: number;
  readonly project?: string | undefined;
  /** Into so many equal parts. */
  readonly buckets: number;
}

/** How builds went over time. */
export interface Trend {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly bucketMs: number;
  /** Oldest first, empty ones too; a build counts where it started. */
  readonly buckets: readonly TrendBucket[];
  /** Of the whole window: how long clients waited for builds that ended well. */
  readonly waitMs: Spread;
  /** Of the whole window: from the client's answer to the complete export. */
  readonly exportLagMs: Spread;
}

export interface TrendBucket {
  readonly startMs: number;
  readonly builds: number;
  readonly failed: number;
  readonly cacheableSteps: number;
  readonly cachedSteps: number;
  readonly savedMs: number;
  readonly waitMs: Spread;
  readonly exportLagMs: Spread;
}

/** Of `count` durations; both are 0 where there is none. */
export interface Spread {
  readonly count: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export const TREND_BUCKETS_MAX = 200;

/** Every method rejects when the store itself failed; nothing is changed then. */
export interface History {
  /** A build began; an ended one of the same ref is replaced. */
  begin(build: BuildSummary): Promise<void>;
  /** How it stands now: what is left of it should we be killed. */
  checkpoint(record: BuildRecord): Promise<void>;
  /** It has ended. Its steps that completed are found by `stepHistory` from here on. */
  finish(record: BuildRecord): Promise<void>;
  /** What became of its export, which may end long after the build. */
  noteExport(ref: string, note: ExportNote): Promise<void>;
  /** Its export left the shared cache. */
  noteRemoval(refs: readonly string[], rule: RemovalRule, atMs: number): Promise<void>;
  appendLog(ref: string, pieces: readonly LogPiece[]): Promise<void>;
  /** Keeps a list of files, once however often; returns its name. */
  keepFileList(files: FileList): Promise<string>;

  build(ref: string): Promise<BuildRecord | undefined>;
  logs(ref: string, query: LogQuery): Promise<LogPage | undefined>;
  /** @throws BadCursorError */
  list(query: BuildQuery): Promise<BuildPage>;
  /** Refs that begin with the text, latest first, at most `limit`. */
  refs(prefix: string, limit: number): Promise<readonly string[]>;
  /** The ref of the n-th latest build, from 1. */
  latest(n: number): Promise<string | undefined>;
  fileList(name: string): Promise<FileList | undefined>;
  /** The latest ended builds of the same project, Dockerfile, target and platform before that time. */
  alike(identity: BuildIdentity, beforeMs: number, limit: number): Promise<readonly string[]>;
  /** The latest list of files of that name in the project on that builder: for hashes of files that are not sent again. */
  latestTransfer(
    build: Pick<BuildSummary, "tenant" | "project" | "builder">,
    name: string,
  ): Promise<TransferRecord | undefined>;
  /** By key of the step; without those that are not known. @param builder see `builderKeyOf`. */
  stepHistory(keys: readonly string[], builder: string): Promise<ReadonlyMap<string, StepHistory>>;
  exportsOf(refs: readonly string[]): Promise<readonly ExportHistory[]>;
  figures(query: FiguresQuery): Promise<Figures>;
  trend(query: TrendQuery): Promise<Trend>;

  /** Removes ended builds with all that belongs to them. Returns how many there were. */
  remove(refs: readonly string[]): Promise<number>;
  /** Removes the oldest ended builds beyond the limits. Returns how many. */
  retain(limits: { readonly maxBuilds: number; readonly startedAfterMs: number }): Promise<number>;
  /** Marks builds that are still running as lost: for the start. Returns how many. */
  markLost(): Promise<number>;
}

/** What tells a builder from others, and from what was at its address before. */
export const builderKeyOf = ({ builder, worker }: Pick<BuildSummary, "builder" | "worker">): string =>
  worker === undefined ? builder : `${builder} ${worker}`;
