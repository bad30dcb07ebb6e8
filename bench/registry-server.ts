/** The cache registry in a process of its own, as `memobuild serve` puts it together: `registry-server.ts <folder>`. */
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Registry } from "prom-client";
import { BlobHolds } from "../proxy/cache/blob-holds.js";
import { CacheRegistry } from "../proxy/cache/cache-registry.js";
import { sha256Digest, type Digest } from "../proxy/cache/digest.js";
import { DiskBlobStore } from "../proxy/cache/disk-blob-store.js";
import { withHotBlobs } from "../proxy/cache/hot-blobs.js";
import { SpaceGuard } from "../proxy/cache/space-guard.js";
import { openSqliteIndex } from "../proxy/cache/sqlite-index.js";
import { createLogger } from "../proxy/log/create-logger.js";

const HOT_BLOBS = { maxBytes: 32 << 20, blobMaxBytes: 256 << 10 };

const dir = process.argv[2] ?? "";
const log = createLogger({ level: "error", format: "text", stream: process.stderr });
const limits = { softMaxBytes: Infinity, hardMaxBytes: Infinity, minFreeBytes: 0, now: () => performance.now() };
const disk = new DiskBlobStore({ dir, space: new SpaceGuard({ dir, ...limits }) });
await disk.start();
const index = openSqliteIndex({ path: join(dir, "index.db"), logger: log });
const registry = new CacheRegistry({
  address: { host: "127.0.0.1", port: 0 },
  store: withHotBlobs(disk, HOT_BLOBS),
  index,
  holds: new BlobHolds(),
  registry: new Registry(),
  log,
  now: Date.now,
  onNoSpace: () => undefined,
});
const { port } = await registry.start();
const writer = registry.allowWrite();
console.log(JSON.stringify({ base: `http://127.0.0.1:${port}`, repository: writer.repository }));

// Each line asks for a repository that offers all that is stored.
const lines = createInterface({ input: process.stdin });
lines.on("line", () => void offerAll());
await once(lines, "close");
await registry.close();
await index.close();

async function offerAll(): Promise<void> {
  const layers = new Map<Digest, number>();
  for await (const { digest, sizeBytes } of disk.list()) layers.set(digest, sizeBytes);
  const bytes = Buffer.from("{}");
  const [manifest, config] = [
    { digest: sha256Digest(bytes), mediaType: "", bytes },
    { digest: sha256Digest(bytes), bytes },
  ];
  const onBadLayer = (digest: Digest, reason: string): void => {
    log.error(`${digest} ${reason}`);
  };
  const grant = registry.allowRead({ manifest, config, layers, onBadLayer });
  console.log(JSON.stringify({ repository: grant?.repository }));
}
