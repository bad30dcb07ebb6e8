/** The rows of the index, as JSON arrays: what is selected, and what it means. */
import { z } from "zod";
import type { BlobReference, CacheScope, ExportSummary, IndexedBlob } from "./cache-index.js";
import type { Digest } from "./digest.js";

const PREFIX = "sha256:";

/** For parameters: SQLite's `unhex` turns it into what the tables hold. */
export const hexOf = (digest: Digest): string => digest.slice(PREFIX.length);

export const hexesOf = (digests: Iterable<Digest>): string => JSON.stringify(Array.from(digests, hexOf));

const digest = z.string().transform((hex) => `${PREFIX}${hex}` as Digest);
const text = z.string();
const number = z.number();

export const EXPORT_COLUMNS = `json_array(id, tenant, project, dockerfile, target, platform, revision, builder, ref,
  created_at, last_used_at, pinned, size, records, results, blobs)`;
const EXPORT_WORDS = z.tuple([number, text, text, text, text, text, text, text, text]).rest(number);
const EXPORT_NUMBERS = z.tuple([number, number, number, number, number, number, number]);

export function exportOf(row: unknown): ExportSummary {
  const [id, tenant, project, dockerfile, target, platform, revision, builder, ref, ...rest] = EXPORT_WORDS.parse(row);
  const [createdAtMs, lastUsedAtMs, pinned, sizeBytes, recordCount, resultCount, blobCount] =
    EXPORT_NUMBERS.parse(rest);
  const identity = { tenant, project, dockerfile, target, platform };
  const use = { createdAtMs, lastUsedAtMs, isPinned: pinned === 1 };
  return { id, ...identity, revision, builder, ref, ...use, sizeBytes, recordCount, resultCount, blobCount };
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
