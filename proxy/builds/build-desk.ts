/** The seam for people and programs that look at builds: those that run and those that have ended, in one. */
import type { BuildRecord, BuildSummary, StepCause, StepResult } from "./build-record.js";
import type { BuildPage, BuildQuery, Figures, FiguresQuery, LogPage, LogQuery, Trend, TrendQuery } from "./history.js";

/** What happened to a build. */
export interface BuildEvent {
  /** Grows by one with each event. */
  readonly seq: number;
  readonly type: "started" | "changed" | "ended" | "exported" | "removed";
  readonly build: BuildSummary;
  /** Names of steps that are at work, the longest first; at most a few. */
  readonly running: readonly RunningStep[];
}

export interface RunningStep {
  readonly name: string;
  /** Milliseconds since 1970 by the builder's clock. */
  readonly startedAtMs: number;
}

export interface EventPage {
  readonly events: readonly BuildEvent[];
  /** For the next question: what comes after these events. */
  readonly cursor: string;
  /**
   * Events between the given cursor and the first of these are lost, because they are too old or another process sent
   * them: what is shown must be read anew.
   */
  readonly isReset: boolean;
}

export interface Explanation {
  readonly ref: string;
  /** The build that it was compared with, "" where there was none. */
  readonly baseline: string;
  readonly isRunning: boolean;
  /** Root causes, in the order in which the steps began. */
  readonly misses: readonly Miss[];
}

export interface Miss {
  /** Index of the step in the record. */
  readonly step: number;
  readonly name: string;
  readonly file: string;
  readonly line?: number | undefined;
  readonly cause: StepCause;
}

/** How a step of one build relates to that of another. */
export interface StepComparison {
  readonly name: string;
  readonly before?: ComparedStep | undefined;
  readonly after?: ComparedStep | undefined;
  /** In words, such as "the command changed"; empty where nothing did. */
  readonly changes: readonly string[];
}

export interface ComparedStep {
  readonly result: StepResult;
  readonly durationMs: number;
}

export interface Comparison {
  readonly before: BuildSummary;
  readonly after: BuildSummary;
  readonly steps: readonly StepComparison[];
}

/**
 * A build is named by its ref, by a beginning of it that no other ref has, or by `^n`: the n-th latest build.
 * Everything but `resolve` takes whole refs.
 */
export interface BuildDesk {
  /** @throws BuildNameError */
  resolve(name: string): Promise<string>;
  list(query: BuildQuery): Promise<BuildPage>;
  build(ref: string): Promise<BuildRecord | undefined>;
  logs(ref: string, query: LogQuery): Promise<LogPage | undefined>;
  explain(ref: string): Promise<Explanation | undefined>;
  /** Undefined where one of them is not there. */
  compare(before: string, after: string): Promise<Comparison | undefined>;
  /** Removes ended builds. Returns how many there were. @throws BuildNameError where one still runs */
  remove(refs: readonly string[]): Promise<number>;
  figures(query: FiguresQuery): Promise<Figures>;
  trend(query: TrendQuery): Promise<Trend>;

  /** Events after the cursor; without one, from now on. */
  events(cursor: string | undefined, limit: number): EventPage;
  /** Calls back when there are events that were not there before; returns how to stop that. */
  onEvents(listener: () => void): () => void;
}

/** The name of a build that names none, or more than one. */
export class BuildNameError extends Error {
  override readonly name = "BuildNameError";
  readonly code: "unknown" | "ambiguous" | "running";

  constructor(code: BuildNameError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
