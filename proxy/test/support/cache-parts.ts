/** A shared cache whose blobs are in memory, with its registry on loopback; and exports as a builder pushes them. */
import { join } from "node:path";
import { Registry } from "prom-client";
import { BlobHolds } from "../../cache/blob-holds.js";
import { BuildOverlap } from "../../cache/build-overlap.js";
import type { CacheGraph } from "../../cache/cache-graph.js";
import type { CacheIndex } from "../../cache/cache-index.js";
import { CacheRegistry } from "../../cache/cache-registry.js";
import type { Digest } from "../../cache/digest.js";
import type { CacheEntry } from "../../cache/export-slot.js";
import { ImportMetrics } from "../../cache/import-metrics.js";
import { DIFF_ID_ANNOTATION } from "../../cache/parse-cache-manifest.js";
import { SharedCache } from "../../cache/shared-cache.js";
import { openSqliteIndex } from "../../cache/sqlite-index.js";
import { writeCacheManifest } from "../../cache/write-cache-manifest.js";
import { formatHostPort } from "../../config/host-port.js";
import { createLogger } from "../../log/create-logger.js";
import { testBlob, type TestBlob } from "./blob-store-contract.js";
import { createdAt, digestOf } from "./cache-graphs.js";
import { send } from "./cache-registry.js";
import { MemoryBlobStore } from "./memory-blob-store.js";
import { makeTempDir, removeDir } from "./temp-dir.js";

const LAYER_BYTES = 200;

export interface CacheParts {
  readonly cache: SharedCache;
  readonly store: MemoryBlobStore;
  /** Its methods may be replaced. */
  readonly index: CacheIndex;
  readonly overlap: BuildOverlap;
  readonly importMetrics: ImportMetrics;
  /** `host:port` of the registry. */
  readonly address: string;
  readonly base: string;
  readonly metrics: Registry;
  /** Blobs that somebody doubted, in turn. */
  readonly rechecked: readonly Digest[];
  readonly dir: string;
  /** Of a counter, by its one label. */
  counted(name: string): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** What is released after a build goes at once. */
export async function startCacheParts(): Promise<CacheParts> {
  const dir = await makeTempDir("cache");
  const logger = createLogger({ level: "error", format: "json", stream: process.stderr });
  const [store, holds, metrics, overlap] = [
    new MemoryBlobStore(),
    new BlobHolds(),
    new Registry(),
    new BuildOverlap(0),
  ];
  const index: CacheIndex = openSqliteIndex({ path: join(dir, "index.db"), logger });
  const importMetrics = new ImportMetrics(metrics);
  const listener = { address: { host: "127.0.0.1", port: 0 }, now: Date.now, onNoSpace: () => undefined };
  const registry = new CacheRegistry({ ...listener, store, index, holds, registry: metrics, log: logger });
  const address = formatHostPort(await registry.start());
  const rechecked: Digest[] = [];
  const cache = new SharedCache({
    ...{ store, index, holds, registry, metrics: importMetrics, logger },
    recheck: (digest) => {
      rechecked.push(digest);
      return Promise.resolve();
    },
    onPublished: () => undefined,
    ...{ maxRecords: 1_000, compression: "gzip", now: () => performance.now(), wallClock: Date.now },
  });
  return {
    ...{ cache, store, index, overlap, importMetrics, address, base: `http://${address}`, metrics, rechecked, dir },
    counted: async (name) => {
      const values = (await metrics.getSingleMetric(name)?.get())?.values ?? [];
      const seen = values.filter(({ value }) => value > 0);
      return Object.fromEntries(seen.map(({ labels, value }) => [Object.values(labels).join(), value]));
    },
    close: async () => {
      overlap.close();
      await registry.close();
      await index.close();
      await removeDir(dir);
    },
  };
}

export interface TestExport {
  readonly graph: CacheGraph;
  readonly layers: readonly TestBlob[];
}

/** An export of steps in a row, each with a layer of its own. */
export function testExport(...steps: readonly string[]): TestExport {
  const layers = steps.map(() => testBlob(LAYER_BYTES));
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const graph: CacheGraph = {
    layers: layers.map(({ digest }, at) => ({
      blob: { digest, sizeBytes: LAYER_BYTES, mediaType, annotations: { [DIFF_ID_ANNOTATION]: digestOf(digest) } },
      parent: at - 1,
    })),
    records: steps.map((name, at) => ({
      digest: digestOf(name),
      inputs: at === 0 ? [] : [[{ selector: "", link: at - 1 }]],
      results: [{ layer: at, createdAt: createdAt(at) }],
    })),
  };
  return { graph, layers };
}

/** `/v2/<repository>` of what an entry names. */
export const pathOf = ({ attrs }: CacheEntry): string =>
  `/v2/${(attrs["ref"] ?? "").replace(/^[^/]*\//, "").replace(/(@|:export).*$/, "")}`;

/** Sends an export where the entry says; without what `isSent` refuses. */
export async function pushExport(
  base: string,
  entry: CacheEntry,
  { graph, layers }: TestExport,
  isSent: (kind: "config" | "manifest", digest: Digest) => boolean = () => true,
): Promise<void> {
  const { config, manifest } = writeCacheManifest(graph);
  const path = pathOf(entry);
  const blobs = isSent("config", config.digest) ? [...layers, config] : layers;
  for (const { bytes, digest } of blobs) {
    const { status } = await send(base, "POST", `${path}/blobs/uploads/?digest=${digest}`, { body: bytes });
    if (status !== 201) throw new Error(`the blob was answered with ${status}`);
  }
  if (!isSent("manifest", manifest.digest)) return;
  const { status } = await send(base, "PUT", `${path}/manifests/export`, { body: manifest.bytes });
  if (status !== 201) throw new Error(`the manifest was answered with ${status}`);
}
