/** The rows of the index, as JSON arrays: what is selected, and what it means. */
import { z } from "zod";
import {
  type BlobReference,
  type CacheProject,
  type CacheScope,
  EVICTION_REASONS,
  type ExportSummary,
  type IndexedBlob,
  type Removal,
} from "./cache-index.js";
import type { Digest } from "./digest.js";

const PREFIX = "sha256:";

/** For parameters: SQLite's `unhex` turns it into what the tables hold. */
export const hexOf = (digest: Digest): string => digest.slice(PREFIX.length);

export const hexesOf = (digests: Iterable<Digest>): string => JSON.stringify(Array.from(digests, hexOf));

const digest = z.string().transform((hex) => `${PREFIX}${hex}` as Digest);
const text = z.string();
const number = z.number();

export const EXPORT_COLUMNS = `json_array(id, tenant, project, dockerfile, target, platform, revision, builder, ref,
  created_at, last_used_at, hits, pinned, size, records, results, blobs)`;
const EXPORT_WORDS = z.tuple([number, text, text, text, text, text, text, text, text]).rest(number);
const EXPORT_NUMBERS = z.tuple([number, number, number, number, number, number, number, number]);

export function exportOf(row: unknown): ExportSummary {
  const [id, tenant, project, dockerfile, target, platform, revision, builder, ref, ...rest] = EXPORT_WORDS.parse(row);
  const [createdAtMs, lastUsedAtMs, hits, pinned, sizeBytes, recordCount, resultCount, blobCount] =
    EXPORT_NUMBERS.parse(rest);
  const identity = { tenant, project, dockerfile, target, platform };
  const use = { createdAtMs, lastUsedAtMs, hits, isPinned: pinned === 1 };
  return { id, ...identity, revision, builder, ref, ...use, sizeBytes, recordCount, resultCount, blobCount };
}

export const REMOVAL_COLUMNS = `json_object('project', project, 'dockerfile', dockerfile, 'target', target,
  'platform', platform, 'ref', ref, 'atMs', removed_at, 'rule', rule, 'createdAtMs', created_at,
  'lastUsedAtMs', last_used_at, 'sizeBytes', size)`;
const REMOVAL: z.ZodType<Removal> = z.object({
  ...{ project: text, dockerfile: text, target: text, platform: text, ref: text },
  ...{ atMs: number, rule: z.enum(EVICTION_REASONS), createdAtMs: number, lastUsedAtMs: number, sizeBytes: number },
});

export const removalOf = (row: unknown): Removal => REMOVAL.parse(row);

/** Of exports, by project; the size is summed up elsewhere. */
export const PROJECT_COLUMNS = `json_object('project', project, 'exports', count(*), 'pinnedExports', sum(pinned),
  'lastUsedAtMs', max(last_used_at), 'hits', sum(hits))`;
const PROJECT: z.ZodType<Omit<CacheProject, "sizeBytes">> = z.object({
  ...{ project: text, exports: number, pinnedExports: number, lastUsedAtMs: number, hits: number },
});

export const projectOf = (row: unknown): Omit<CacheProject, "sizeBytes"> => PROJECT.parse(row);

const PROJECT_SIZE = z.tuple([text, number, number]);

export function projectSizeOf(row: unknown): {
  readonly project: string;
  readonly sizeBytes: number;
  readonly lastBlob: number;
} {
  const [project, sizeBytes, lastBlob] = PROJECT_SIZE.parse(row);
  return { project, sizeBytes, lastBlob };
}

const SCOPED_ID = z.tuple([number, text, text]);

export function scopedIdOf(row: unknown): { readonly id: number; readonly scope: CacheScope } {
  const [id, tenant, project] = SCOPED_ID.parse(row);
  return { id, scope: { tenant, project } };
}

export const BLOB_COLUMNS = "json_array(lower(hex(digest)), size, version, stored_at)";
const BLOB = z.tuple([digest, number, text, number]);

export function blobOf(row: unknown): IndexedBlob {
  const [blob, sizeBytes, version, storedAtMs] = BLOB.parse(row);
  return { digest: blob, sizeBytes, version, storedAtMs };
}

export const REFERENCE_COLUMNS = "json_array(export_id, lower(hex(digest)), size, exports)";
const REFERENCE = z.tuple([number, digest, number, number]);

export function referenceOf(row: unknown): { readonly exportId: number; readonly reference: BlobReference } {
  const [exportId, blob, sizeBytes, exports] = REFERENCE.parse(row);
  return { exportId, reference: { digest: blob, sizeBytes, exports } };
}

export function digestOfBytes(bytes: unknown): Digest {
  if (!(bytes instanceof Uint8Array)) throw new Error("a digest in the index is not of bytes");
  return digest.parse(Buffer.from(bytes).toString("hex"));
}

export const idOf = (row: unknown): number => number.parse(row);

const NUMBERS = z.array(number);
export const numbersOf = (row: unknown): number[] => NUMBERS.parse(row);
