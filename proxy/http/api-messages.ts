/** The JSON of the API: what its server takes and what its client gets, each checked where it arrives. */
import { z } from "zod";
import type { CacheUsage, ListOptions, PruneOptions, PruneResult } from "../cache/cache-admin.js";
import type { VerifyProgress, VerifyResult } from "../cache/cache-admin.js";
import type { ExportSummary } from "../cache/cache-index.js";

export const LIST_LIMIT_DEFAULT = 100;
export const LIST_LIMIT_MAX = 10_000;
const PROJECT_MAX_CHARS = 1024;
const ID_MAX_DIGITS = 15;

const count = z.int().nonnegative();
/** Of a limit or a disk, which may be a fraction. */
const size = z.number().nonnegative();
const project = z.string().max(PROJECT_MAX_CHARS).exactOptional();
const digits = z
  .string()
  .regex(new RegExp(`^\\d{1,${ID_MAX_DIGITS}}$`), "is not a whole number")
  .transform(Number);

export const exportId: z.ZodType<number> = digits;

/** Of a query string, where everything is text. */
export const listOptions: z.ZodType<ListOptions> = z.strictObject({
  project,
  limit: digits.pipe(z.int().min(1).max(LIST_LIMIT_MAX)).default(LIST_LIMIT_DEFAULT),
});

export const pruneOptions: z.ZodType<PruneOptions> = z.strictObject({
  unusedForMs: count.exactOptional(),
  project,
  keepBytes: count.exactOptional(),
  minFreeBytes: count.exactOptional(),
  isDryRun: z.boolean().exactOptional(),
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
  isPinned: z.boolean(),
  sizeBytes: count,
  recordCount: count,
  resultCount: count,
  blobCount: count,
});

export const exportList: z.ZodType<{ readonly exports: readonly ExportSummary[] }> = z.object({
  exports: z.array(exportSummary),
});

export const cacheUsage: z.ZodType<CacheUsage> = z.object({
  exports: count,
  pinnedExports: count,
  records: count,
  blobs: count,
  blobBytes: size,
  unreferencedBytes: size,
  storeBytes: size,
  softMaxBytes: size,
  hardMaxBytes: size,
  freeBytes: size,
  minFreeBytes: size,
});

export const pruneResult: z.ZodType<PruneResult> = z.object({
  exports: z.array(exportSummary),
  blobs: count,
  bytes: count,
});

const progress = { checkedBlobs: count, checkedBytes: count, totalBlobs: count };

/** `cache_off`, `busy`: the state of MemoBuild stands against it, and may change. */
export const API_ERROR_CODES = ["bad_request", "not_found", "cache_off", "busy", "timeout", "internal"] as const;
export type ApiErrorCode = (typeof API_ERROR_CODES)[number];

export interface ApiFailure {
  readonly error: { readonly code: ApiErrorCode; readonly message: string };
}

export const apiFailure: z.ZodType<ApiFailure> = z.object({
  error: z.object({ code: z.enum(API_ERROR_CODES), message: z.string() }),
});

/** One line of the answer to a verification; one with a result or an error is the last. */
export type VerifyLine = { readonly progress: VerifyProgress } | { readonly result: VerifyResult } | ApiFailure;

export const verifyLine: z.ZodType<VerifyLine> = z.union([
  z.object({ progress: z.object(progress) }),
  z.object({ result: z.object({ ...progress, missing: count, corrupt: count, adopted: count }) }),
  apiFailure,
]);

/** Why the API did not do what it was asked for; the message is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
