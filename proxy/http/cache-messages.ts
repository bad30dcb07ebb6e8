/** The JSON of the API that is about the cache: questions and answers, each checked where it arrives. */
import { z } from "zod";
import type { CacheUsage, ListOptions, PruneOptions, PruneResult } from "../cache/cache-admin.js";
import type { VerifyProgress, VerifyResult } from "../cache/cache-admin.js";
import {
  type CacheProject,
  EVICTION_REASONS,
  type ExportSummary,
  type Removal,
  REMOVALS_MAX,
} from "../cache/cache-index.js";
import { type ApiFailure, apiFailure } from "./api-error.js";
import { amount, count, numberInUrl, textInUrl } from "./message-values.js";

export const LIST_LIMIT_DEFAULT = 100;
export const LIST_LIMIT_MAX = 10_000;

const projectText = textInUrl.describe("only of projects that contain this text");

export const exportName: z.ZodType<{ readonly id: number }> = z.strictObject({
  id: numberInUrl(0, Number.MAX_SAFE_INTEGER).describe("of the export"),
});

export const listOptions: z.ZodType<ListOptions> = z.strictObject({
  project: projectText.exactOptional(),
  limit: numberInUrl(1, LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT).describe("so many at most"),
});

export const pruneOptions: z.ZodType<PruneOptions> = z.strictObject({
  unusedForMs: count.describe("only exports not used for this long").exactOptional(),
  project: projectText.exactOptional(),
  keepBytes: count.describe("stop when the store is no larger; without it, all that matches goes").exactOptional(),
  minFreeBytes: count.describe("stop when this much of the file system is free").exactOptional(),
  isDryRun: z.boolean().describe("only say what would go").exactOptional(),
});

export const exportSummary: z.ZodType<ExportSummary> = z.object({
  id: count,
  tenant: z.string(),
  project: z.string(),
  dockerfile: z.string(),
  target: z.string(),
  platform: z.string(),
  revision: z.string(),
  builder: z.string(),
  ref: z.string(),
  createdAtMs: z.number(),
  lastUsedAtMs: z.number(),
  hits: count,
  isPinned: z.boolean(),
  sizeBytes: count,
  recordCount: count,
  resultCount: count,
  blobCount: count,
});

export interface ExportList {
  /** Last used first. */
  readonly exports: readonly ExportSummary[];
}

export const exportList: z.ZodType<ExportList> = z.object({ exports: z.array(exportSummary) });

export interface CacheProjects {
  /** Largest first. */
  readonly projects: readonly CacheProject[];
}

export const cacheProjects: z.ZodType<CacheProjects> = z.object({
  projects: z.array(
    z.object({
      project: z.string(),
      exports: count,
      pinnedExports: count,
      sizeBytes: count,
      lastUsedAtMs: z.number(),
      hits: count,
    }),
  ),
});

export const REMOVALS_LIMIT_DEFAULT = 100;

export interface RemovalsQuestion {
  readonly limit: number;
}

export const removalsQuestion: z.ZodType<RemovalsQuestion> = z.strictObject({
  limit: numberInUrl(1, REMOVALS_MAX).default(REMOVALS_LIMIT_DEFAULT).describe("so many at most"),
});

export interface Removals {
  /** Latest first. */
  readonly removals: readonly Removal[];
}

export const removals: z.ZodType<Removals> = z.object({
  removals: z.array(
    z.object({
      project: z.string(),
      dockerfile: z.string(),
      target: z.string(),
      platform: z.string(),
      ref: z.string(),
      atMs: z.number(),
      rule: z.enum(EVICTION_REASONS),
      createdAtMs: z.number(),
      lastUsedAtMs: z.number(),
      sizeBytes: count,
    }),
  ),
});

export const cacheUsage: z.ZodType<CacheUsage> = z.object({
  exports: count,
  pinnedExports: count,
  records: count,
  blobs: count,
  blobBytes: amount,
  unreferencedBytes: amount,
  storeBytes: amount,
  softMaxBytes: amount,
  hardMaxBytes: amount,
  freeBytes: amount,
  minFreeBytes: amount,
});

export const pruneResult: z.ZodType<PruneResult> = z.object({
  exports: z.array(exportSummary),
  blobs: count,
  bytes: count,
});

const progress = { checkedBlobs: count, checkedBytes: count, totalBlobs: count };

/** One line of the answer to a verification; one with a result or an error is the last. */
export type VerifyLine = { readonly progress: VerifyProgress } | { readonly result: VerifyResult } | ApiFailure;

export const verifyLine: z.ZodType<VerifyLine> = z.union([
  z.object({ progress: z.object(progress) }),
  z.object({ result: z.object({ ...progress, missing: count, corrupt: count, adopted: count }) }),
  apiFailure,
]);
