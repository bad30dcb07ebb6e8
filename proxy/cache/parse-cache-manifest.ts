/** Reads a cache export as BuildKit writes it: a manifest that names layers, and a config that names records. */
import { createHash } from "node:crypto";
import type { CacheGraph, CacheInput, CacheLayer, CacheRecord, CacheResult, LayerBlob } from "./cache-graph.js";
import { isCreatedAt } from "./created-at.js";
import { dependenciesFirst, layerParents, recordLinks } from "./dependency-order.js";
import { parseDigest, type Digest } from "./digest.js";

export const CACHE_CONFIG_MEDIA_TYPE = "application/vnd.buildkit.cacheconfig.v0";
/** Names the digest of a layer's uncompressed form. */
export const DIFF_ID_ANNOTATION = "containerd.io/uncompressed";
/** Of the manifest and of the config: BuildKit reads no larger one. */
export const CACHE_DOCUMENT_MAX_BYTES: number = 1024 * 1024;
/** Of one result: more than any snapshotter stacks. */
export const CHAIN_MAX_LAYERS = 1024;

const IMAGE_MEDIA_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
/** With `image-manifest=false` the config is one of the entries. */
const INDEX_MEDIA_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

export class CacheManifestError extends Error {
  override readonly name = "CacheManifestError";
}

export interface CacheConfigDescriptor {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

type Json = Readonly<Record<string, unknown>>;

function refuse(reason: string): never {
  throw new CacheManifestError(reason);
}

function parseJson(bytes: Buffer, what: string): Json {
  if (bytes.length > CACHE_DOCUMENT_MAX_BYTES) refuse(`the ${what} is larger than ${CACHE_DOCUMENT_MAX_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new CacheManifestError(`the ${what} is not JSON`, { cause: error });
  }
  return objectOf(value, what);
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(`the ${what} is not an object`);
  return value as Json;
}

/** Go writes no list as null or not at all. */
function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) refuse(`the ${what} are not a list`);
  return value;
}

function textOf(value: unknown, what: string): string {
  return typeof value === "string" ? value : refuse(`the ${what} is not a text`);
}

function indexOf(value: unknown, count: number, what: string): number {
  const isIndex = typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count;
  return isIndex ? value : refuse(`the ${what} is not among ${count}`);
}

function describedBlob({ digest, size }: Json, what: string): CacheConfigDescriptor {
  const parsed = typeof digest === "string" ? parseDigest(digest) : undefined;
  if (parsed === undefined) refuse(`the digest of a ${what} is not a SHA-256 digest`);
  const isSize = typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
  return { digest: parsed, sizeBytes: isSize ? size : refuse(`the size of ${what} ${parsed} is not a size`) };
}

function parseLayerBlob(descriptor: Json): LayerBlob {
  const { digest, sizeBytes } = describedBlob(descriptor, "layer");
  const annotations: Record<string, string> = {};
  for (const [name, value] of Object.entries(objectOf(descriptor["annotations"] ?? {}, "list of annotations"))) {
    annotations[name] = textOf(value, `annotation ${name}`);
  }
  if (parseDigest(annotations[DIFF_ID_ANNOTATION] ?? "") === undefined) {
    refuse(`layer ${digest} has no ${DIFF_ID_ANNOTATION}`);
  }
  return { digest, sizeBytes, mediaType: textOf(descriptor["mediaType"], "media type of a layer"), annotations };
}

interface Manifest {
  readonly config: CacheConfigDescriptor;
  readonly layers: readonly Json[];
}

function parseManifest(bytes: Buffer): Manifest {
  const manifest = parseJson(bytes, "manifest");
  const { mediaType } = manifest;
  if (typeof mediaType !== "string") refuse("the manifest does not say its media type");
  const isIndex = INDEX_MEDIA_TYPES.includes(mediaType);
  if (!isIndex && !IMAGE_MEDIA_TYPES.includes(mediaType)) refuse("the manifest has an unknown media type");
  if ((manifest["manifests"] !== undefined) !== isIndex) refuse("the manifest does not look like its media type");
  const listed = listOf(manifest[isIndex ? "manifests" : "layers"], "layers").map((entry) => objectOf(entry, "layer"));
  const entries = isIndex ? listed : [...listed, objectOf(manifest["config"], "config's descriptor")];
  const [config, ...others] = entries.filter((entry) => entry["mediaType"] === CACHE_CONFIG_MEDIA_TYPE);
  if (config === undefined || others.length > 0) refuse("the manifest does not name one cache config");
  return { config: describedBlob(config, "config"), layers: entries.filter((entry) => entry !== config) };
}

/** Layers of a config under construction: chains that the config spells out become layers with parents. */
class Layers {
  readonly all: CacheLayer[];
  readonly #depths: readonly number[];
  readonly #blobs: ReadonlyMap<Digest, LayerBlob>;
  readonly #added = new Map<string, number>();

  constructor(entries: readonly unknown[], blobs: ReadonlyMap<Digest, LayerBlob>) {
    this.#blobs = blobs;
    this.all = entries.map((entry) => this.#parse(objectOf(entry, "layer"), entries.length));
    this.#depths = depthsOf(this.all);
  }

  #parse({ blob, parent }: Json, count: number): CacheLayer {
    const described = this.#blobs.get(textOf(blob, "blob of a layer") as Digest);
    if (described === undefined) refuse("the manifest does not describe the blob of a layer");
    // Go leaves out a zero.
    return { blob: described, parent: parent === -1 ? -1 : indexOf(parent ?? 0, count, "parent of a layer") };
  }

  result(layer: number): number {
    if ((this.#depths[layer] ?? 0) > CHAIN_MAX_LAYERS) refuse(`a result has more than ${CHAIN_MAX_LAYERS} layers`);
    return layer;
  }

  /** `layers` lie upon each other whatever their parents are. */
  chain(layers: readonly number[]): number {
    if (layers.length > CHAIN_MAX_LAYERS) refuse(`a result has more than ${CHAIN_MAX_LAYERS} layers`);
    return layers.reduce((parent, index) => this.#upon(parent, index), -1);
  }

  #upon(parent: number, index: number): number {
    const layer = this.all[index];
    if (layer === undefined || layer.parent === parent) return index;
    const key = `${parent} ${layer.blob.digest}`;
    const known = this.#added.get(key);
    if (known !== undefined) return known;
    this.#added.set(key, this.all.length);
    return this.all.push({ blob: layer.blob, parent }) - 1;
  }
}

function depthsOf(layers: readonly CacheLayer[]): readonly number[] {
  const order = dependenciesFirst(layers.length, layerParents(layers));
  if (order === undefined) refuse("layers are parents of each other in a circle");
  const depths: number[] = Array.from({ length: layers.length });
  for (const index of order) depths[index] = 1 + (depths[layers[index]?.parent ?? -1] ?? 0);
  return depths;
}

function createdAtOf({ createdAt }: Json): string {
  return typeof createdAt === "string" && isCreatedAt(createdAt)
    ? createdAt
    : refuse("a result does not say when it was created");
}

function parseResults({ layers: results, chains }: Json, layers: Layers, layerCount: number): CacheResult[] {
  const parsed = listOf(results, "results of a record").map((value): CacheResult => {
    const result = objectOf(value, "result");
    const layer = layers.result(indexOf(result["layer"], layerCount, "layer of a result"));
    return { layer, createdAt: createdAtOf(result) };
  });
  for (const value of listOf(chains, "chains of a record")) {
    const chain = objectOf(value, "chain");
    const indexes = listOf(chain["layers"], "layers of a chain");
    if (indexes.length === 0) refuse("a chain has no layers");
    const layer = layers.chain(indexes.map((index) => indexOf(index, layerCount, "layer of a chain")));
    parsed.push({ layer, createdAt: createdAtOf(chain) });
  }
  return parsed;
}

function parseInput(value: unknown, recordCount: number): CacheInput {
  const { selector, link } = objectOf(value, "input");
  return {
    selector: selector === undefined ? "" : textOf(selector, "selector of an input"),
    link: indexOf(link, recordCount, "record of an input"),
  };
}

function parseRecord(record: Json, layers: Layers, layerCount: number, recordCount: number): CacheRecord {
  const digest = textOf(record["digest"], "digest of a record");
  // BuildKit makes no record of a key that holds for one build only, and fails at the next link to it.
  if (digest === "" || digest.startsWith("random:")) refuse("the digest of a record names nothing");
  const inputs = listOf(record["inputs"], "inputs of a record").map((value) => {
    const alternatives = listOf(value, "alternatives of an input").map((input) => parseInput(input, recordCount));
    return alternatives.length > 0 ? alternatives : refuse("an input of a record has no alternatives");
  });
  return { digest, inputs, results: parseResults(record, layers, layerCount) };
}

/** Where the config of a manifest is found. @throws CacheManifestError */
export function cacheConfigOf(manifest: Buffer): CacheConfigDescriptor {
  return parseManifest(manifest).config;
}

/** Fields that BuildKit does not know either are ignored. @throws CacheManifestError */
export function parseCacheManifest(manifest: Buffer, config: Buffer): CacheGraph {
  const { config: described, layers: descriptors } = parseManifest(manifest);
  const digest = `sha256:${createHash("sha256").update(config).digest("hex")}`;
  if (described.digest !== digest || described.sizeBytes !== config.length) refuse("the config is another one");
  const { layers: entries, records: values } = parseJson(config, "config");
  const blobs = new Map<Digest, LayerBlob>();
  for (const blob of descriptors.map(parseLayerBlob)) blobs.set(blob.digest, blob);
  const layers = new Layers(listOf(entries, "layers"), blobs);
  const layerCount = layers.all.length;
  const list = listOf(values, "records");
  const records = list.map((value) => parseRecord(objectOf(value, "record"), layers, layerCount, list.length));
  if (dependenciesFirst(records.length, recordLinks(records)) === undefined) {
    refuse("records lead to each other in a circle");
  }
  return { layers: layers.all, records };
}
