/** Makes one cache graph out of several exports: every record that leads to a result, with its newest usable one. */
import type { CacheGraph, CacheInput, CacheLayer, CacheRecord, LayerBlob } from "./cache-graph.js";
import { compareCreatedAt } from "./created-at.js";
import { dependenciesFirst, recordLinks } from "./dependency-order.js";
import { jsonText } from "./json-text.js";
import { LayerChains } from "./layer-chains.js";
import { RecordMerger, type LayerChain, type MergedRecord, type MergedResult } from "./merge-records.js";

/** Reading one costs the builder 0.12 ms, and every build that waits for it. */
export const SYNTHESIS_MAX_RECORDS = 1500;
/** Of the manifest and of the config; BuildKit refuses more than 1 MiB. */
export const SYNTHESIS_MAX_BYTES: number = 768 * 1024;

export interface Synthesis {
  /** Best first: where there is no room for all records, those of the first graphs are taken. */
  readonly graphs: readonly { readonly graph: CacheGraph }[];
  /** Whether the blob is there, and has this size. */
  readonly isUsable: (layer: LayerBlob) => boolean;
  readonly maxRecords?: number;
  readonly maxBytes?: number;
}

/** Undefined where no record has a result that can be used. */
export function synthesize({
  graphs,
  isUsable,
  maxRecords = SYNTHESIS_MAX_RECORDS,
  maxBytes = SYNTHESIS_MAX_BYTES,
}: Synthesis): CacheGraph | undefined {
  const chains = new LayerChains();
  const merger = new RecordMerger(maxRecords, (a, b) => (compareResults(a, b) >= 0 ? a : b));
  for (const { graph } of graphs) addGraph(merger, graph, chains.of(graph.layers, isUsable));
  const records = merger.records();
  breakCircles(records);
  const kept = leadingToResults(cutToBytes(records, chains, maxBytes));
  return kept.length === 0 ? undefined : toGraph(kept, chains);
}

/** Positive where `a` is better: newer; of two of the same time the choice only has to be the same each time. */
function compareResults(a: MergedResult, b: MergedResult): number {
  return compareCreatedAt(a.createdAt, b.createdAt) || compareChains(a.chain, b.chain);
}

function compareChains(a: LayerChain | undefined, b: LayerChain | undefined): number {
  let [chainA, chainB] = [a, b];
  while (chainA !== chainB) {
    if (chainA === undefined) return -1;
    if (chainB === undefined) return 1;
    if (chainA.digest !== chainB.digest) return chainA.digest > chainB.digest ? 1 : -1;
    [chainA, chainB] = [chainA.parent, chainB.parent];
  }
  return 0;
}

function bestResult({ results }: CacheRecord, chains: readonly (LayerChain | undefined)[]): MergedResult | undefined {
  let best: MergedResult | undefined;
  for (const { layer, createdAt } of results) {
    const chain = chains[layer];
    if (chain === undefined) continue;
    if (best === undefined || compareResults({ chain, createdAt }, best) > 0) best = { chain, createdAt };
  }
  return best;
}

function addGraph(merger: RecordMerger, { records }: CacheGraph, chains: readonly (LayerChain | undefined)[]): void {
  const order = dependenciesFirst(records.length, recordLinks(records));
  if (order === undefined) throw new Error("a graph is free of loops");
  const results: (MergedResult | undefined)[] = [];
  const isNeeded = new Uint8Array(records.length);
  for (const index of order.toReversed()) {
    const record = records[index];
    if (record === undefined) continue;
    results[index] = bestResult(record, chains);
    if (results[index] === undefined && isNeeded[index] === 0) continue;
    isNeeded[index] = 1;
    for (const alternatives of record.inputs) for (const { link } of alternatives) isNeeded[link] = 1;
  }
  const merged: (MergedRecord | undefined)[] = [];
  for (const index of order) {
    const record = records[index];
    if (record !== undefined && isNeeded[index] === 1) merged[index] = merger.add(record, merged, results[index]);
  }
}

/**
 * What is no circle in any export can become one when they are merged. Such a circle is broken where a later record
 * leads to an earlier one: each input has an alternative that does not.
 */
function breakCircles(records: readonly MergedRecord[]): void {
  if (!records.some(hasLaterSource)) return;
  const inCircles = new Set(records);
  const sourcesOf = ({ inputs }: MergedRecord): MergedRecord[] =>
    inputs.flatMap((input) => Array.from(input, ({ source }) => source));
  const dependentsOf = ({ links }: MergedRecord): MergedRecord[] =>
    [...links.values()].flatMap(({ dependents }) => [...dependents.values()].flatMap((group) => [...group]));
  peel(inCircles, records, sourcesOf);
  peel(inCircles, [...records].reverse(), dependentsOf);
  for (const record of inCircles) {
    for (const input of record.inputs) {
      for (const link of input) {
        if (link.source.position > record.position && inCircles.has(link.source)) input.delete(link);
      }
    }
  }
}

function hasLaterSource({ inputs, position }: MergedRecord): boolean {
  for (const input of inputs) for (const { source } of input) if (source.position > position) return true;
  return false;
}

/** Takes away, again and again, what none of the others leads to. */
function peel(
  left: Set<MergedRecord>,
  order: readonly MergedRecord[],
  neighboursOf: (record: MergedRecord) => readonly MergedRecord[],
): void {
  for (let before = Infinity; left.size > 0 && left.size < before;) {
    before = left.size;
    for (const record of order) {
      if (left.has(record) && !neighboursOf(record).some((neighbour) => left.has(neighbour))) left.delete(record);
    }
  }
}

/** JSON around the texts of a record, an input, and so on; indexes of five digits, sizes of sixteen. */
const RECORD_BYTES = 24;
const INPUT_BYTES = 3;
const ALTERNATIVE_BYTES = 15;
const SELECTOR_BYTES = 12;
const RESULT_BYTES = 42;
const LAYER_BYTES = 27;
const DESCRIPTOR_BYTES = 68;
const ANNOTATION_BYTES = 2;
/** Around the lists of the manifest and the config. */
const DOCUMENT_BYTES = 512;

const jsonBytes = (text: string): number => Buffer.byteLength(jsonText(text));

function recordBytes({ digest, inputs, result }: MergedRecord): number {
  let bytes = RECORD_BYTES + jsonBytes(digest);
  for (const input of inputs) {
    bytes += INPUT_BYTES;
    for (const { selector } of input)
      bytes += ALTERNATIVE_BYTES + (selector === "" ? 0 : SELECTOR_BYTES + jsonBytes(selector));
  }
  return result === undefined ? bytes : bytes + RESULT_BYTES + result.createdAt.length;
}

function descriptorBytes({ mediaType, digest, annotations }: LayerBlob): number {
  let bytes = DESCRIPTOR_BYTES + jsonBytes(mediaType) + digest.length;
  for (const name in annotations) bytes += ANNOTATION_BYTES + jsonBytes(name) + jsonBytes(annotations[name] ?? "");
  return bytes;
}

/** The first records, as many as the manifest and the config have room for. */
function cutToBytes(records: readonly MergedRecord[], chains: LayerChains, maxBytes: number): readonly MergedRecord[] {
  let [configBytes, manifestBytes] = [DOCUMENT_BYTES, DOCUMENT_BYTES];
  const counted = new Set<LayerChain>();
  const described = new Set<string>();
  for (const [count, record] of records.entries()) {
    configBytes += recordBytes(record);
    for (let chain = record.result?.chain; chain !== undefined && !counted.has(chain); chain = chain.parent) {
      counted.add(chain);
      configBytes += LAYER_BYTES + chain.digest.length;
      if (described.has(chain.digest)) continue;
      described.add(chain.digest);
      manifestBytes += descriptorBytes(chains.blob(chain));
    }
    if (configBytes > maxBytes || manifestBytes > maxBytes) return records.slice(0, count);
  }
  return records;
}

/** Of the records those with a result and those that lead to them. */
function leadingToResults(records: readonly MergedRecord[]): readonly MergedRecord[] {
  const given = new Set(records);
  const needed = new Set<MergedRecord>();
  const open = records.filter(({ result }) => result !== undefined);
  for (let record = open.pop(); record !== undefined; record = open.pop()) {
    if (needed.has(record)) continue;
    needed.add(record);
    for (const input of record.inputs) for (const { source } of input) if (given.has(source)) open.push(source);
  }
  return records.filter((record) => needed.has(record));
}

function toGraph(records: readonly MergedRecord[], chains: LayerChains): CacheGraph {
  const indexes = new Map(records.map((record, index) => [record, index]));
  const layers: CacheLayer[] = [];
  const layerIndexes = new Map<LayerChain, number>();
  const layerOf = (chain: LayerChain): number => {
    const missing: LayerChain[] = [];
    for (let at: LayerChain | undefined = chain; at !== undefined && !layerIndexes.has(at); at = at.parent) {
      missing.push(at);
    }
    for (const at of missing.reverse()) {
      const parent = at.parent === undefined ? -1 : (layerIndexes.get(at.parent) ?? -1);
      layerIndexes.set(at, layers.push({ blob: chains.blob(at), parent }) - 1);
    }
    return layerIndexes.get(chain) ?? -1;
  };
  return {
    records: records.map(({ digest, inputs, result }) => ({
      digest,
      inputs: inputs.map((input) => alternativesOf(input, indexes)),
      results: result === undefined ? [] : [{ layer: layerOf(result.chain), createdAt: result.createdAt }],
    })),
    layers,
  };
}

function alternativesOf(
  input: MergedRecord["inputs"][number],
  indexes: ReadonlyMap<MergedRecord, number>,
): readonly CacheInput[] {
  const alternatives: CacheInput[] = [];
  for (const { source, selector } of input) {
    const link = indexes.get(source);
    if (link !== undefined) alternatives.push({ selector, link });
  }
  return alternatives;
}
