/** The JSON of a build: its summary, and its record with steps, transfers and causes. */
import { z } from "zod";
import {
  BUILD_OUTCOMES,
  type BuildRecord,
  type BuildSummary,
  CACHE_SOURCES,
  CAUSE_KINDS,
  FILE_CHANGES,
  STEP_KINDS,
  STEP_RESULTS,
  type StepCause,
  type StepCounts,
  type StepProgress,
  type StepRecord,
  type TransferRecord,
} from "../builds/build-record.js";
import { amount, count } from "./message-values.js";

export const causeKind: z.ZodType<StepCause["kind"]> = z.enum(CAUSE_KINDS);
export const stepResult: z.ZodType<StepRecord["result"]> = z.enum(STEP_RESULTS);
export const stepKind: z.ZodType<StepRecord["kind"]> = z.enum(STEP_KINDS);
export const cacheSource: z.ZodType<NonNullable<StepRecord["cachedFrom"]>> = z.enum(CACHE_SOURCES);

export const stepCounts: z.ZodType<StepCounts> = z.object({
  total: count,
  completed: count,
  user: count,
  cacheable: count,
  cached: count,
  cachedBuilder: count,
  cachedShared: count,
  ran: count,
  warnings: count,
});

const summary = {
  tenant: z.string(),
  project: z.string(),
  dockerfile: z.string(),
  target: z.string(),
  platform: z.string(),
  ref: z.string(),
  group: z.string(),
  revision: z.string(),
  builder: z.string(),
  worker: z.string().optional(),
  outputs: z.array(z.string()),
  startedAtMs: z.number(),
  endedAtMs: z.number().optional(),
  outcome: z.enum(BUILD_OUTCOMES),
  error: z.string(),
  counts: stepCounts,
  savedMs: amount,
  addedMs: amount,
  contextBytes: count,
  import: z.object({
    result: z.string(),
    from: z.array(z.string()),
    records: count,
    fetchedLayers: count,
    fetchedBytes: count,
  }),
  export: z.object({ result: z.string(), bytes: count, durationMs: amount }),
  firstMiss: z.object({ step: z.string(), kind: causeKind, text: z.string() }).optional(),
};

export const buildSummary: z.ZodType<BuildSummary> = z.object(summary);

export const stepCause: z.ZodType<StepCause> = z.object({
  kind: causeKind,
  text: z.string(),
  hint: z.string(),
  root: count.optional(),
  before: z.string().optional(),
  after: z.string().optional(),
  names: z.array(z.string()).optional(),
  files: z
    .array(z.object({ path: z.string(), change: z.enum(FILE_CHANGES), before: z.string(), after: z.string() }))
    .optional(),
  fileCount: count.optional(),
  cascade: z.object({ steps: count, durationMs: amount }).optional(),
});

export const stepProgress: z.ZodType<StepProgress> = z.object({
  id: z.string(),
  name: z.string(),
  current: z.number(),
  total: z.number(),
  isDone: z.boolean(),
});

const texts = z.record(z.string(), z.string());

export const stepRecord: z.ZodType<StepRecord> = z.object({
  digest: z.string(),
  key: z.string(),
  name: z.string(),
  kind: stepKind,
  inputs: z.array(count),
  isUser: z.boolean(),
  stage: z.string(),
  instruction: z.string(),
  lines: z.object({ file: z.string(), first: count, last: count }).optional(),
  platform: z.string(),
  ignoresCache: z.boolean(),
  parts: texts,
  shown: texts,
  selections: z.array(
    z.object({
      source: count,
      path: z.string(),
      includePatterns: z.array(z.string()),
      excludePatterns: z.array(z.string()),
    }),
  ),
  result: stepResult,
  cachedFrom: cacheSource.optional(),
  startedAtMs: z.number().optional(),
  completedAtMs: z.number().optional(),
  durationMs: amount,
  error: z.string(),
  progress: z.array(stepProgress),
  warnings: z.array(z.string()),
  logBytes: count,
  isLogCut: z.boolean(),
  cause: stepCause.optional(),
});

export const transferRecord: z.ZodType<TransferRecord> = z.object({
  name: z.string(),
  fileList: z.string(),
  fileCount: count,
  isComplete: z.boolean(),
  requestedFiles: count,
  sentBytes: count,
});

export const buildRecord: z.ZodType<BuildRecord> = z.object({
  ...summary,
  steps: z.array(stepRecord),
  transfers: z.array(transferRecord),
  argumentNames: z.array(z.string()),
  noCache: z.array(z.string()),
  baseline: z.string(),
  isCut: z.boolean(),
});
