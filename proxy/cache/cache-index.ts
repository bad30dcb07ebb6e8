/** The seam to what knows which exports there are, what they need and when they were used. */
import type { BlobStat } from "./blob-store.js";
import type { CacheGraph } from "./cache-graph.js";
import type { Digest } from "./digest.js";

/** Builds that share a cache. */
export interface CacheScope {
  readonly tenant: string;
  /** See `projectOf`. */
  readonly project: string;
}

/** What a build is, within its scope. */
export interface BuildIdentity extends CacheScope {
  /** Name of the Dockerfile in its context; "" where there is none. */
  readonly dockerfile: string;
  readonly target: string;
  /** As the client asked for it, such as "linux/amd64,linux/arm64"; "" for the builder's own. */
  readonly platform: string;
}

export interface NewExport extends BuildIdentity {
  /** Of the source, "" where unknown. */
  readonly revision: string;
  /** Address of the builder that made it. */
  readonly builder: string;
  /** BuildKit's ref of the build. */
  readonly ref: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly graph: CacheGraph;
}

/** Rules by which exports are removed. */
export const EVICTION_REASONS = ["age", "size", "free_space", "prune"] as const;
export type EvictionReason = (typeof EVICTION_REASONS)[number];

export interface ExportSummary extends BuildIdentity {
  readonly id: number;
  readonly revision: string;
  readonly builder: string;
  readonly ref: string;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number;
  /** Builds that were given some of it. */
  readonly hits: number;
  readonly isPinned: boolean;
  /** Of its layers, each once. */
  readonly sizeBytes: number;
  readonly recordCount: number;
  /** Records that have a result. */
  readonly resultCount: number;
  readonly blobCount: number;
}

export interface IndexedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Of the store, when the bytes were last verified. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly storedAtMs: number;
}

/** A blob that an export refers to. */
export interface BlobReference {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** How many exports refer to it, this one included. */
  readonly exports: number;
}

export interface IndexTotals {
  readonly exports: number;
  readonly pinnedExports: number;
  readonly records: number;
  readonly blobs: number;
  readonly blobBytes: number;
  /** Of blobs that no export refers to. */
  readonly unreferencedBytes: number;
}

/** What the cache holds of one project. */
export interface CacheProject {
  readonly project: string;
  readonly exports: number;
  readonly pinnedExports: number;
  /** Of the layers of its exports, each once. */
  readonly sizeBytes: number;
  readonly lastUsedAtMs: number;
  /** Of its exports, together. */
  readonly hits: number;
}

/** An export that is gone from the cache. */
export interface Removal extends Pick<ExportSummary, "project" | "dockerfile" | "target" | "platform" | "ref"> {
  readonly atMs: number;
  readonly rule: EvictionReason;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number;
  readonly sizeBytes: number;
}

/** How many removed exports are remembered. */
export const REMOVALS_MAX = 1000;

export interface ExportQuery {
  readonly scope?: CacheScope;
  /** Only exports of the same Dockerfile, target and platform. */
  readonly like?: Omit<BuildIdentity, keyof CacheScope>;
  /** Only exports last used before this time. */
  readonly usedBeforeMs?: number;
  /** Default: newest use first. */
  readonly order?: "newest-use" | "oldest-use" | "newest-export";
  readonly isPinned?: boolean;
  readonly limit: number;
  readonly offset?: number;
}

/** Every method rejects when the index itself failed; nothing is changed then. */
export interface CacheIndex {
  /**
   * Adds an export and its references to blobs, all or nothing. An earlier export that says exactly the same of the
   * same build is replaced: its age ends, its pin and its hits stay.
   *
   * @throws UnknownBlobError where a blob of it is not in the index with that size.
   */
  publish(newExport: NewExport): Promise<ExportSummary>;
  exports(query: ExportQuery): Promise<readonly ExportSummary[]>;
  export(id: number): Promise<ExportSummary | undefined>;
  /** The blobs of exports that are there, by id of the export. */
  references(ids: readonly number[]): Promise<ReadonlyMap<number, readonly BlobReference[]>>;
  /** Graphs of exports that are there, by id. */
  graphs(ids: readonly number[]): Promise<ReadonlyMap<number, CacheGraph>>;
  /** A build was given some of each of the exports. */
  touch(ids: readonly number[], atMs: number): Promise<void>;
  /** Whether there is such an export. */
  setPinned(id: number, isPinned: boolean): Promise<boolean>;
  /** Removes exports; their blobs stay until they are removed for themselves. Returns how many there were. */
  removeExports(ids: readonly number[], why: Pick<Removal, "atMs" | "rule">): Promise<number>;
  /** Exports that were removed by `removeExports`, latest first. */
  removals(limit: number): Promise<readonly Removal[]>;
  /** Largest first. */
  projects(): Promise<readonly CacheProject[]>;

  /** A verified blob is in the store; one that was known gets the new version. */
  addBlob(digest: Digest, stat: BlobStat, storedAtMs: number): Promise<void>;
  blob(digest: Digest): Promise<IndexedBlob | undefined>;
  blobs(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, IndexedBlob>>;
  /** Blobs in order of digest, `limit` of them after `after`. */
  blobsAfter(after: Digest | undefined, limit: number): Promise<readonly IndexedBlob[]>;
  /** Blobs that no export refers to, stored before `storedBeforeMs`, oldest first. */
  unreferencedBlobs(storedBeforeMs: number, limit: number, offset?: number): Promise<readonly IndexedBlob[]>;
  /** Forgets those of the blobs that no export refers to, and returns them. */
  removeUnreferencedBlobs(digests: readonly Digest[]): Promise<readonly Digest[]>;
  /** The blob is lost or bad: forgets it and every export's results that need it. Returns the scopes that lost some. */
  dropBlob(digest: Digest): Promise<readonly CacheScope[]>;

  totals(): Promise<IndexTotals>;
  close(): Promise<void>;
}

export class UnknownBlobError extends Error {
  override readonly name = "UnknownBlobError";
}
