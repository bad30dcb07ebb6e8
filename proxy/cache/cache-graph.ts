/** What a cache export says: layers, and the records (cache keys) that lead to them; independent of its wire form. */
import type { Digest } from "./digest.js";

/** A layer blob as the manifest describes it. */
export interface LayerBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** With `containerd.io/uncompressed`, the digest of the uncompressed layer, without which BuildKit refuses it. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface CacheLayer {
  readonly blob: LayerBlob;
  /** Index of the layer below among the graph's layers; -1 where it is the lowest. */
  readonly parent: number;
}

export interface CacheInput {
  readonly selector: string;
  /** Index of a record among the graph's records. */
  readonly link: number;
}

/** One result: the filesystem of which `layer` is the highest. */
export interface CacheResult {
  /** Index among the graph's layers. */
  readonly layer: number;
  /** RFC 3339, as BuildKit wrote it. */
  readonly createdAt: string;
}

export interface CacheRecord {
  /** BuildKit's cache key; not the digest of a blob. */
  readonly digest: string;
  /** For each input of the step, the alternatives that lead to it. */
  readonly inputs: readonly (readonly CacheInput[])[];
  readonly results: readonly CacheResult[];
}

/** Free of loops; every index is in range. */
export interface CacheGraph {
  readonly layers: readonly CacheLayer[];
  readonly records: readonly CacheRecord[];
}
