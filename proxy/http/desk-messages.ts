/** The JSON of questions about builds, and of the answers that are more or less than one build. */
import { z } from "zod";
import type { BuildEvent, Comparison, EventPage, Explanation, StepComparison } from "../builds/build-desk.js";
import { BUILD_OUTCOMES, type BuildOutcome } from "../builds/build-record.js";
import type { BuildPage, Figures, LogPage, LogPiece, LogQuery, Spread, Trend } from "../builds/history.js";
import type { BuildGraph } from "./build-graph.js";
import {
  buildSummary,
  cacheSource,
  causeKind,
  stepCause,
  stepKind,
  stepProgress,
  stepResult,
} from "./build-messages.js";
import { TREND_BUCKETS_MAX } from "../builds/history.js";
import { amount, count, numberInUrl, textInUrl } from "./message-values.js";

export const BUILDS_LIMIT_DEFAULT = 50;
export const BUILDS_LIMIT_MAX = 500;
export const LOG_LIMIT_DEFAULT = 500;
export const LOG_LIMIT_MAX = 1000;
export const EVENTS_LIMIT_DEFAULT = 100;
export const EVENTS_LIMIT_MAX = 500;
/** Below what proxies and browsers wait for an answer. */
export const EVENTS_WAIT_MAX_MS = 25_000;
export const FIGURES_SINCE_DEFAULT = "24h";
const NAME_MAX_CHARS = 100;
const CURSOR_MAX_CHARS = 256;
const LOG_POSITION_MAX = Number.MAX_SAFE_INTEGER;

const since = z
  .string()
  .regex(
    /^(\d{1,15}|\d{1,12}(ms|s|m|h|d|w))$/,
    "is neither milliseconds since 1970 nor a duration, as in 90m, 24h or 7d",
  );
const cursor = z.string().max(CURSOR_MAX_CHARS);
const buildName = z
  .string()
  .min(1)
  .max(NAME_MAX_CHARS)
  .describe("a ref, a beginning of it that no other ref has, or ^n: the n-th latest build");
const sinceText = since.describe("milliseconds since 1970, or how long ago, as in 90m, 24h or 7d");
const projectText = textInUrl.describe("only of projects that contain this text");

export interface BuildQuestion {
  readonly project?: string | undefined;
  readonly builder?: string | undefined;
  readonly outcome?: BuildOutcome | undefined;
  readonly group?: string | undefined;
  readonly since?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export const buildQuestion: z.ZodType<BuildQuestion> = z.strictObject({
  project: projectText.optional(),
  builder: textInUrl.describe("only of the builder with this address").optional(),
  outcome: z.enum(BUILD_OUTCOMES).optional(),
  group: textInUrl.describe("only of this group, such as the targets of one bake").optional(),
  since: sinceText.optional(),
  cursor: cursor.describe("from an earlier page").optional(),
  limit: numberInUrl(1, BUILDS_LIMIT_MAX).default(BUILDS_LIMIT_DEFAULT).describe("so many at most"),
});

export interface BuildName {
  readonly name: string;
}

export const buildNameQuestion: z.ZodType<BuildName> = z.strictObject({ name: buildName });

export type LogQuestion = BuildName & LogQuery;

export const logQuestion: z.ZodType<LogQuestion> = z.strictObject({
  name: buildName,
  step: textInUrl.describe("only of the step with this digest").optional(),
  after: numberInUrl(0, LOG_POSITION_MAX).default(0).describe("continues after this position"),
  limit: numberInUrl(1, LOG_LIMIT_MAX).default(LOG_LIMIT_DEFAULT).describe("so many pieces at most"),
});

export interface CompareQuestion {
  readonly before: string;
  readonly after: string;
}

export const compareQuestion: z.ZodType<CompareQuestion> = z.strictObject({ before: buildName, after: buildName });

export interface FiguresQuestion {
  readonly since: string;
  readonly project?: string | undefined;
}

export const figuresQuestion: z.ZodType<FiguresQuestion> = z.strictObject({
  since: since
    .default(FIGURES_SINCE_DEFAULT)
    .describe("milliseconds since 1970, or how long ago, as in 90m, 24h or 7d"),
  project: projectText.optional(),
});

export const TREND_BUCKETS_DEFAULT = 24;

export interface TrendQuestion extends FiguresQuestion {
  readonly buckets: number;
}

export const trendQuestion: z.ZodType<TrendQuestion> = z.strictObject({
  since: sinceText.default(FIGURES_SINCE_DEFAULT),
  project: projectText.optional(),
  buckets: numberInUrl(1, TREND_BUCKETS_MAX).default(TREND_BUCKETS_DEFAULT).describe("parts of the window"),
});

export interface FollowQuestion {
  readonly cursor?: string | undefined;
}

const eventCursor = cursor.describe("what comes after it; without one, from now on").optional();

export const followQuestion: z.ZodType<FollowQuestion> = z.strictObject({ cursor: eventCursor });

export interface PollQuestion extends FollowQuestion {
  readonly limit: number;
  readonly wait: number;
}

export const pollQuestion: z.ZodType<PollQuestion> = z.strictObject({
  cursor: eventCursor,
  limit: numberInUrl(1, EVENTS_LIMIT_MAX).default(EVENTS_LIMIT_DEFAULT).describe("so many at most"),
  wait: numberInUrl(0, EVENTS_WAIT_MAX_MS).default(0).describe("milliseconds to wait for an event where there is none"),
});

export const buildPage: z.ZodType<BuildPage> = z.object({
  builds: z.array(buildSummary),
  cursor: z.string().optional(),
});

export const buildGraph: z.ZodType<BuildGraph> = z.object({
  ref: z.string(),
  outcome: z.enum(BUILD_OUTCOMES),
  nodes: z.array(
    z.object({
      step: count,
      digest: z.string(),
      name: z.string(),
      kind: stepKind,
      stage: z.string(),
      instruction: z.string(),
      platform: z.string(),
      isUser: z.boolean(),
      result: stepResult,
      lines: z.object({ file: z.string(), first: count, last: count }).optional(),
      cachedFrom: cacheSource.optional(),
      startedAtMs: z.number().optional(),
      completedAtMs: z.number().optional(),
      durationMs: amount,
      error: z.string(),
      progress: z.array(stepProgress),
      warnings: z.array(z.string()),
      logBytes: count,
      cause: stepCause.optional(),
    }),
  ),
  edges: z.array(z.object({ from: count, to: count })),
  stages: z.array(z.string()),
  isCut: z.boolean(),
});

export const logPiece: z.ZodType<LogPiece> = z.object({
  step: z.string(),
  stream: count,
  atMs: z.number(),
  text: z.string(),
});

export const logPage: z.ZodType<LogPage> = z.object({
  pieces: z.array(logPiece),
  next: count,
  hasMore: z.boolean(),
});

export const explanation: z.ZodType<Explanation> = z.object({
  ref: z.string(),
  baseline: z.string(),
  isRunning: z.boolean(),
  misses: z.array(
    z.object({ step: count, name: z.string(), file: z.string(), line: count.optional(), cause: stepCause }),
  ),
});

const comparedStep = z.object({ result: stepResult, durationMs: amount });

export const stepComparison: z.ZodType<StepComparison> = z.object({
  name: z.string(),
  before: comparedStep.optional(),
  after: comparedStep.optional(),
  changes: z.array(z.string()),
});

export const comparison: z.ZodType<Comparison> = z.object({
  before: buildSummary,
  after: buildSummary,
  steps: z.array(stepComparison),
});

export interface Removed {
  readonly removed: number;
}

export const removed: z.ZodType<Removed> = z.object({ removed: count });

export const buildEvent: z.ZodType<BuildEvent> = z.object({
  seq: count,
  type: z.enum(["started", "changed", "ended", "exported", "removed"]),
  build: buildSummary,
  running: z.array(z.object({ name: z.string(), startedAtMs: z.number() })),
});

export const eventPage: z.ZodType<EventPage> = z.object({
  events: z.array(buildEvent),
  cursor: z.string(),
  isReset: z.boolean(),
});

export const figures: z.ZodType<Figures> = z.object({
  sinceMs: z.number(),
  builds: count,
  succeeded: count,
  failed: count,
  canceled: count,
  lost: count,
  running: count,
  durationMs: amount,
  cacheableSteps: count,
  cachedSteps: count,
  cachedBuilderSteps: count,
  cachedSharedSteps: count,
  ranSteps: count,
  hitRate: z.number().optional(),
  savedMs: amount,
  contextBytes: count,
  fetchedBytes: count,
  exportedBytes: count,
  slowestSteps: z.array(z.object({ ref: z.string(), project: z.string(), name: z.string(), durationMs: amount })),
  causes: z.array(z.object({ kind: causeKind, count, steps: count, durationMs: amount })),
  projects: z.array(
    z.object({
      project: z.string(),
      builds: count,
      cacheableSteps: count,
      cachedSteps: count,
      savedMs: amount,
    }),
  ),
  costsMost: z.object({ text: z.string(), hint: z.string(), durationMs: amount }).optional(),
});

const spread: z.ZodType<Spread> = z.object({ count, medianMs: amount, p95Ms: amount });

export const trend: z.ZodType<Trend> = z.object({
  sinceMs: z.number(),
  untilMs: z.number(),
  bucketMs: amount,
  buckets: z.array(
    z.object({
      startMs: z.number(),
      builds: count,
      failed: count,
      cacheableSteps: count,
      cachedSteps: count,
      savedMs: amount,
      waitMs: spread,
      exportLagMs: spread,
    }),
  ),
  waitMs: spread,
  exportLagMs: spread,
});
