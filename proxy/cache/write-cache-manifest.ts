/** Writes a graph as the manifest and config that BuildKit imports: equal graphs give equal bytes. */
import { createHash } from "node:crypto";
import type { CacheGraph, CacheLayer, CacheRecord, LayerBlob } from "./cache-graph.js";
import { dependenciesFirst, layerParents, recordLinks, type Dependencies } from "./dependency-order.js";
import type { Digest } from "./digest.js";
import { jsonText } from "./json-text.js";
import { CACHE_CONFIG_MEDIA_TYPE } from "./parse-cache-manifest.js";

export const CACHE_MANIFEST_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json";

export interface WrittenCacheManifest {
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Buffer };
  readonly config: { readonly digest: Digest; readonly bytes: Buffer };
}

/** Old indexes in their new order, and the way back. */
interface Ranking {
  readonly order: readonly number[];
  /** New index by old index. */
  readonly ranks: readonly number[];
}

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/**
 * What depends on nothing comes first, then level by level, so that `compare` may use the ranks of what an item
 * depends on: that makes the order independent of the one in which the items came.
 */
function rankByLevel(
  count: number,
  dependencies: Dependencies,
  compareWith: (ranks: readonly number[]) => (a: number, b: number) => number,
): Ranking {
  const levels: number[][] = [];
  const levelOf = new Int32Array(count);
  for (const index of dependenciesFirst(count, dependencies) ?? []) {
    let level = 0;
    dependencies(index, (dependency) => (level = Math.max(level, 1 + (levelOf[dependency] ?? 0))));
    levelOf[index] = level;
    (levels[level] ??= []).push(index);
  }
  const order: number[] = [];
  const ranks: number[] = Array.from({ length: count });
  const compare = compareWith(ranks);
  for (const level of levels) {
    for (const index of level.sort(compare)) ranks[index] = order.push(index) - 1;
  }
  return { order, ranks };
}

function rankLayers(layers: readonly CacheLayer[]): Ranking {
  const parentOf = (index: number): number => layers[index]?.parent ?? -1;
  const digestOf = (index: number): string => layers[index]?.blob.digest ?? "";
  return rankByLevel(
    layers.length,
    layerParents(layers),
    (ranks) => (a, b) =>
      compareText(digestOf(a), digestOf(b)) || (ranks[parentOf(a)] ?? -1) - (ranks[parentOf(b)] ?? -1),
  );
}

function recordText(record: CacheRecord, recordRanks: readonly number[], layerRanks: readonly number[]): string {
  const inputs = record.inputs.map((alternatives) => {
    const texts = alternatives
      .map(({ selector, link }) => ({ selector, link: recordRanks[link] ?? -1 }))
      .sort((a, b) => a.link - b.link || compareText(a.selector, b.selector))
      .map(({ selector, link }) => `{${selector === "" ? "" : `"selector":${jsonText(selector)},`}"link":${link}}`);
    return `[${texts.join()}]`;
  });
  const results = record.results
    .map(({ layer, createdAt }) => ({ layer: layerRanks[layer] ?? -1, createdAt }))
    .sort((a, b) => compareText(b.createdAt, a.createdAt) || a.layer - b.layer)
    .map(({ layer, createdAt }) => `{"layer":${layer},"createdAt":${jsonText(createdAt)}}`);
  const layersField = results.length > 0 ? `"layers":[${results.join()}],` : "";
  const inputsField = inputs.length > 0 ? `,"inputs":[${inputs.join()}]` : "";
  return `{${layersField}"digest":${jsonText(record.digest)}${inputsField}}`;
}

function recordTexts(records: readonly CacheRecord[], layerRanks: readonly number[]): readonly string[] {
  const texts: string[] = [];
  const { order, ranks } = rankByLevel(records.length, recordLinks(records), (known) => {
    const textOf = (index: number, record: CacheRecord): string =>
      (texts[index] ??= recordText(record, known, layerRanks));
    return (a, b) => {
      const [recordA, recordB] = [records[a], records[b]];
      if (recordA === undefined || recordB === undefined) return 0;
      return compareText(recordA.digest, recordB.digest) || compareText(textOf(a, recordA), textOf(b, recordB));
    };
  });
  const ordered = order.map((index) => records[index]).filter((record) => record !== undefined);
  return ordered.map((record) => recordText(record, ranks, layerRanks));
}

function descriptorText({ mediaType, digest, sizeBytes, annotations }: LayerBlob): string {
  const fields = Object.keys(annotations)
    .sort(compareText)
    .map((name) => `${jsonText(name)}:${jsonText(annotations[name] ?? "")}`);
  return `{"mediaType":${jsonText(mediaType)},"digest":"${digest}","size":${sizeBytes},"annotations":{${fields.join()}}}`;
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

export function writeCacheManifest({ layers, records }: CacheGraph): WrittenCacheManifest {
  const ranking = rankLayers(layers);
  const ordered = ranking.order.map((index) => layers[index]).filter((layer) => layer !== undefined);
  const layerTexts = ordered.map(
    ({ blob, parent }) => `{"blob":"${blob.digest}","parent":${ranking.ranks[parent] ?? -1}}`,
  );
  const config = Buffer.from(
    `{"layers":[${layerTexts.join()}],"records":[${recordTexts(records, ranking.ranks).join()}]}`,
  );
  const blobs = new Map(ordered.map(({ blob }) => [blob.digest, blob]));
  const manifest = Buffer.from(
    `{"schemaVersion":2,"mediaType":"${CACHE_MANIFEST_MEDIA_TYPE}",` +
      `"config":{"mediaType":"${CACHE_CONFIG_MEDIA_TYPE}","digest":"${digestOf(config)}","size":${config.length}},` +
      `"layers":[${Array.from(blobs.values(), descriptorText).join()}]}`,
  );
  return {
    manifest: { digest: digestOf(manifest), mediaType: CACHE_MANIFEST_MEDIA_TYPE, bytes: manifest },
    config: { digest: digestOf(config), bytes: config },
  };
}
