/** Takes out of a graph what needs a blob that is lost. */
import type { CacheGraph } from "./cache-graph.js";
import type { Digest } from "./digest.js";

/**
 * Results whose layers include the blob go, and layers that nothing needs any more. Records stay: they lead to others.
 */
export function withoutBlob({ layers, records }: CacheGraph, digest: Digest): CacheGraph {
  const isLost = new Map<number, boolean>();
  const lost = (index: number): boolean => {
    const layer = layers[index];
    if (layer === undefined) return false;
    let known = isLost.get(index);
    if (known === undefined) {
      known = layer.blob.digest === digest || lost(layer.parent);
      isLost.set(index, known);
    }
    return known;
  };
  const kept = records.map((record) => ({ ...record, results: record.results.filter(({ layer }) => !lost(layer)) }));
  const used = new Set<number>();
  for (const { results } of kept) {
    for (const result of results) {
      for (let at = result.layer; at >= 0 && !used.has(at); at = layers[at]?.parent ?? -1) used.add(at);
    }
  }
  const newIndex = new Map(layers.flatMap((_, index) => (used.has(index) ? [index] : [])).map((old, at) => [old, at]));
  const moved = (old: number): number => newIndex.get(old) ?? -1;
  return {
    layers: layers.flatMap((layer, index) => (used.has(index) ? [{ ...layer, parent: moved(layer.parent) }] : [])),
    records: kept.map((record) => ({
      ...record,
      results: record.results.map((result) => ({ ...result, layer: moved(result.layer) })),
    })),
  };
}
