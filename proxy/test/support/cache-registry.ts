/** A cache registry on loopback, before a disk store of its own; and requests as a builder sends them. */
import { once } from "node:events";
import { type Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Registry } from "prom-client";
import { BlobHolds } from "../../cache/blob-holds.js";
import type { IndexedBlob } from "../../cache/cache-index.js";
import { CacheRegistry } from "../../cache/cache-registry.js";
import { sha256Digest, type Digest } from "../../cache/digest.js";
import { DiskBlobStore } from "../../cache/disk-blob-store.js";
import type { BadLayerReason, CacheImport } from "../../cache/registry-reads.js";
import { SpaceGuard } from "../../cache/space-guard.js";
import { formatHostPort } from "../../config/host-port.js";
import { createLogger } from "../../log/create-logger.js";
import { never, testBlob, type TestBlob } from "./blob-store-contract.js";
import { makeTempDir, removeDir } from "./temp-dir.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | AsyncIterable<Buffer>;
  readonly agent?: Agent;
}

/** Rejects when the connection ends before the answer does. */
export async function send(base: string, method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  const { headers, body, agent } = options;
  const request = httpRequest(base + path, { method, headers: { ...headers }, agent: agent ?? false });
  const answered = once(request, "response");
  // The server may answer, and end the connection, before it has read all.
  const sent = pipeline(Readable.from(body === undefined ? [] : Buffer.isBuffer(body) ? [body] : body), request);
  sent.catch(() => undefined);
  const [response] = (await answered) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
}

export interface TestRegistry {
  readonly dir: string;
  readonly base: string;
  readonly registry: CacheRegistry;
  readonly store: DiskBlobStore;
  readonly holds: BlobHolds;
  readonly index: ReadonlyMap<Digest, IndexedBlob>;
  readonly logLines: readonly string[];
  /** Times that the registry said that there was no room. */
  noSpaceCount(): number;
  pathOf(digest: Digest): string;
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  close(): Promise<void>;
}

export async function startTestRegistry(hardMaxBytes: number, port = 0): Promise<TestRegistry> {
  const dir = await makeTempDir("registry");
  const limits = { softMaxBytes: hardMaxBytes, hardMaxBytes, minFreeBytes: 0, now: () => performance.now() };
  const store = new DiskBlobStore({ dir, space: new SpaceGuard({ dir, ...limits }) });
  await store.start();
  const index = new Map<Digest, IndexedBlob>();
  const holds = new BlobHolds();
  const logLines: string[] = [];
  const metrics = new Registry();
  let noSpaceCount = 0;
  const registry = new CacheRegistry({
    address: { host: "127.0.0.1", port },
    store,
    holds,
    index: {
      addBlob: (digest, stat, storedAtMs) => {
        index.set(digest, { digest, ...stat, storedAtMs });
        return Promise.resolve();
      },
      blob: (digest) => Promise.resolve(index.get(digest)),
    },
    registry: metrics,
    log: createLogger({ level: "trace", format: "json", stream: { write: (line) => logLines.push(line) } }),
    now: Date.now,
    onNoSpace: () => {
      noSpaceCount += 1;
    },
  });
  const address = await registry.start().catch(async (error: unknown) => {
    await removeDir(dir);
    throw error;
  });
  return {
    ...{ dir, base: `http://${formatHostPort(address)}`, registry, store, holds, index, logLines },
    noSpaceCount: () => noSpaceCount,
    pathOf: (digest) => {
      const hex = digest.slice("sha256:".length);
      return join(dir, "blobs/sha256", hex.slice(0, 2), hex);
    },
    metric: async (name, labels = {}) => {
      const found = (await metrics.getSingleMetric(name)?.get())?.values ?? [];
      const isWanted = (given: Partial<Record<string, string | number>>): boolean =>
        Object.entries(labels).every(([label, value]) => given[label] === value);
      return found.filter((value) => isWanted(value.labels)).reduce((sum, { value }) => sum + value, 0);
    },
    close: async () => {
      await registry.close();
      await removeDir(dir);
    },
  };
}

/** Puts blobs into the store, as an export does, and offers them to a build. */
export async function offer(
  { store, registry }: TestRegistry,
  layers: readonly TestBlob[],
): Promise<{
  readonly given: CacheImport;
  readonly repository: string;
  readonly revoke: () => void;
  readonly bad: string[];
}> {
  for (const { digest, bytes } of layers) await store.put(digest, Readable.from([bytes]), bytes.length, never);
  const bad: string[] = [];
  const manifest = Buffer.from('{"schemaVersion":2}');
  const given: CacheImport = {
    manifest: {
      digest: sha256Digest(manifest),
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      bytes: manifest,
    },
    config: testBlob(300),
    layers: new Map(layers.map(({ digest, bytes }) => [digest, bytes.length])),
    onBadLayer: (digest: Digest, reason: BadLayerReason) => bad.push(`${digest} ${reason}`),
  };
  const grant = registry.allowRead(given);
  if (grant === undefined) throw new Error("a layer is being deleted");
  return {
    given,
    bad,
    repository: grant.repository,
    revoke: () => {
      grant.revoke();
    },
  };
}
