/** One export on its way in: where the builder sends it, and the check that it passes before anybody imports it. */
import type { Readable } from "node:stream";
import type { BlobStore } from "./blob-store.js";
import type { CacheGraph, LayerBlob } from "./cache-graph.js";
import type { CacheIndex, ExportSummary, NewExport } from "./cache-index.js";
import type { Digest } from "./digest.js";
import { CACHE_DOCUMENT_MAX_BYTES, cacheConfigOf, parseCacheManifest } from "./parse-cache-manifest.js";

/** A builder's cache export or import: BuildKit's type and attributes. */
export interface CacheEntry {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
}

/** What is known of the build whose cache it is. */
export interface ExportedBuild extends Omit<NewExport, "graph" | "createdAtMs"> {
  /** Steps whose results can be cached; 0 where that is not known. */
  readonly stepCount: number;
}

export interface ExportSlot {
  /** For the builder's request. */
  readonly entry: CacheEntry;
  /** Checks what came, and adds it to what builds import. The slot takes no more. @throws ExportRejected */
  publish(build: ExportedBuild): Promise<ExportSummary>;
  /** Takes no more, and drops what came; more than once, or after `publish`, does no harm. */
  discard(): void;
}

/** What came is not what an export of this build must be. */
export class ExportRejected extends Error {
  override readonly name = "ExportRejected";
}

/** Of the steps of a build, the part that must have results: identical steps have one together, and old ones may be gone. */
const RESULTS_MIN_SHARE = 0.5;

/** @throws ExportRejected where it is not plausible that this is the cache of the build. */
export function checkPlausible(graph: CacheGraph, stepCount: number): void {
  const results = graph.records.filter((record) => record.results.length > 0).length;
  if (results === 0) throw new ExportRejected("it has no results");
  if (results < stepCount * RESULTS_MIN_SHARE) {
    throw new ExportRejected(`it has ${results} results for ${stepCount} steps`);
  }
}

/** Reads the graph from what the builder sent. @throws ExportRejected */
export async function readExport(manifest: Buffer, store: BlobStore): Promise<CacheGraph> {
  try {
    const { digest, sizeBytes } = cacheConfigOf(manifest);
    return parseCacheManifest(manifest, await readDocument(store, digest, sizeBytes));
  } catch (error) {
    throw new ExportRejected(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function readDocument(store: BlobStore, digest: Digest, sizeBytes: number): Promise<Buffer> {
  if (sizeBytes > CACHE_DOCUMENT_MAX_BYTES) throw new ExportRejected(`its config has ${sizeBytes} bytes`);
  const reading = await store.get(digest, undefined, AbortSignal.timeout(READ_TIMEOUT_MS));
  if (reading === undefined) throw new ExportRejected("its config is missing");
  return collect(reading.bytes);
}

const READ_TIMEOUT_MS = 10_000;

async function collect(bytes: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of bytes) {
    if (!Buffer.isBuffer(piece)) throw new TypeError("a store reads bytes");
    sizeBytes += piece.length;
    if (sizeBytes > CACHE_DOCUMENT_MAX_BYTES) throw new ExportRejected("its config is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The layers' blobs, each once. */
export function blobsOf(graph: CacheGraph): readonly LayerBlob[] {
  const blobs = new Map(graph.layers.map(({ blob }) => [blob.digest, blob]));
  return [...blobs.values()];
}

/** Blobs of which store and index agree that they are whole, and have been so since they were verified. */
export async function presentBlobs(
  blobs: readonly LayerBlob[],
  { index, store }: { readonly index: CacheIndex; readonly store: BlobStore },
): Promise<{ readonly present: ReadonlySet<Digest>; readonly doubtful: readonly Digest[] }> {
  const known = await index.blobs(blobs.map(({ digest }) => digest));
  const present = new Set<Digest>();
  const doubtful: Digest[] = [];
  for (const { digest, sizeBytes } of blobs) {
    const row = known.get(digest);
    const stat = await store.stat(digest);
    const isPresent =
      row !== undefined &&
      stat !== undefined &&
      stat.version === row.version &&
      stat.sizeBytes === sizeBytes &&
      row.sizeBytes === sizeBytes;
    if (isPresent) present.add(digest);
    // Unknown to both: dropped before, nothing to look into.
    else if (row !== undefined || stat !== undefined) doubtful.push(digest);
  }
  return { present, doubtful };
}
