/** Makes imports out of exports, and keeps them: until there is a new export, equal builds get the same one. */
import { LRUCache } from "lru-cache";
import type { CacheGraph, LayerBlob } from "./cache-graph.js";
import type { Digest } from "./digest.js";
import { blobsOf } from "./export-slot.js";
import { synthesize } from "./synthesize.js";
import { writeCacheManifest, type WrittenCacheManifest } from "./write-cache-manifest.js";

/** Of manifests and configs; an import has some 100 KiB. */
const KEPT_MAX_BYTES = 32 << 20;

export interface MadeImport extends WrittenCacheManifest {
  /** Sizes of the blobs that it refers to. */
  readonly layers: ReadonlyMap<Digest, number>;
  readonly recordCount: number;
}

interface Kept {
  /** What it was made of; an index gives the same object as long as nothing changed. */
  readonly graphs: readonly CacheGraph[];
  readonly unusable: ReadonlySet<Digest>;
  readonly maxRecords: number;
  readonly made: MadeImport;
}

export class ImportMaker {
  readonly #maxRecords: () => number;
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: KEPT_MAX_BYTES,
    sizeCalculation: ({ made }) => made.manifest.bytes.length + made.config.bytes.length,
  });

  /** @param maxRecords of an import that is made now. */
  constructor(maxRecords: () => number) {
    this.#maxRecords = maxRecords;
  }

  /**
   * Undefined where no record has a result that can be used.
   *
   * @param key of builds that are given the same graphs.
   * @param graphs best first.
   * @param unusable digests of blobs.
   */
  make(key: string, graphs: readonly CacheGraph[], unusable: ReadonlySet<Digest>): MadeImport | undefined {
    const kept = this.#kept.get(key);
    const maxRecords = this.#maxRecords();
    const isSame =
      kept?.maxRecords === maxRecords && areEqual(kept.graphs, graphs) && haveSame(kept.unusable, unusable);
    if (isSame) return kept.made;
    const made = make(graphs, unusable, maxRecords);
    if (made !== undefined) this.#kept.set(key, { graphs, unusable, maxRecords, made });
    return made;
  }
}

function make(
  graphs: readonly CacheGraph[],
  unusable: ReadonlySet<Digest>,
  maxRecords: number,
): MadeImport | undefined {
  const isUsable = ({ digest }: LayerBlob): boolean => !unusable.has(digest);
  const graph = synthesize({ graphs: graphs.map((each) => ({ graph: each })), isUsable, maxRecords });
  if (graph === undefined) return undefined;
  return {
    ...writeCacheManifest(graph),
    layers: new Map(blobsOf(graph).map(({ digest, sizeBytes }) => [digest, sizeBytes])),
    recordCount: graph.records.length,
  };
}

const areEqual = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

const haveSame = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean =>
  a.size === b.size && [...a].every((item) => b.has(item));
