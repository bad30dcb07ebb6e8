/** What people ask of the cache is answered by its parts. */
import { expect } from "chai";
import { join } from "node:path";
import { Registry } from "prom-client";
import { createLogger } from "../log/create-logger.js";
import { never, pieces, testBlob } from "../test/support/blob-store-contract.js";
import { publishChain } from "../test/support/cache-index-contract.js";
import { MemoryBlobStore } from "../test/support/memory-blob-store.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { BlobHealer } from "./blob-healer.js";
import { BlobHolds } from "./blob-holds.js";
import type { VerifyProgress } from "./cache-admin.js";
import { CacheKeeper } from "./cache-keeper.js";
import { RetentionMetrics } from "./retention-metrics.js";
import { Retention } from "./retention.js";
import { openSqliteIndex, type SqliteIndex } from "./sqlite-index.js";

describe("CacheKeeper", () => {
  let dir: string;
  let index: SqliteIndex;
  let store: MemoryBlobStore;
  let retention: Retention;
  let registry: Registry;
  let keeper: CacheKeeper;

  beforeEach(async () => {
    dir = await makeTempDir("keeper");
    registry = new Registry();
    const logger = createLogger({ level: "error", format: "json", stream: { write: () => undefined } });
    index = openSqliteIndex({ path: join(dir, "index.db"), logger });
    store = new MemoryBlobStore();
    const levels = { softMaxBytes: 100, hardMaxBytes: 200, minFreeBytes: 5, storeBytes: 7 };
    const space = { ...levels, freeBytes: () => Promise.resolve(300) };
    const metrics = new RetentionMetrics({ registry, levels: space, totals: () => index.totals() });
    const parts = { index, store, holds: new BlobHolds(), metrics, logger, now: () => 10_000 };
    const monotonicNow = (): number => performance.now();
    retention = new Retention({ ...parts, space, maxAgeMs: 1e9, monotonicNow });
    keeper = new CacheKeeper({ index, store, healer: new BlobHealer(parts), now: monotonicNow, space, retention });
  });

  afterEach(async () => {
    await retention.close();
    await index.close();
    await removeDir(dir);
  });

  it("lists exports, newest use first, of the projects that contain a text", async () => {
    for (let i = 0; i < 120; i += 1) {
      await publishChain(index, ["a"], { project: i % 40 === 0 ? `git/app ${i}` : `other ${i}`, createdAtMs: i });
    }

    const projects = async (project: string, limit: number): Promise<string[]> =>
      (await keeper.list({ project, limit })).map((one) => one.project);
    expect(await projects("/app", 10)).to.deep.equal(["git/app 80", "git/app 40", "git/app 0"]);
    expect(await projects("/app", 1)).to.deep.equal(["git/app 80"]);
    expect((await keeper.list({ limit: 2 })).map((one) => one.project)).to.deep.equal(["other 119", "other 118"]);
  });

  it("tells what is used and what may be", async () => {
    await publishChain(index, ["a", "b"]);

    expect(await keeper.usage()).to.deep.equal({
      exports: 1,
      pinnedExports: 0,
      records: 2,
      blobs: 2,
      blobBytes: 2000,
      unreferencedBytes: 0,
      storeBytes: 7,
      softMaxBytes: 100,
      hardMaxBytes: 200,
      freeBytes: 300,
      minFreeBytes: 5,
    });
  });

  it("tells what projects have", async () => {
    await publishChain(index, ["a", "b"], { createdAtMs: 5 });
    const counts = { exports: 1, pinnedExports: 0, sizeBytes: 2000, lastUsedAtMs: 5, hits: 0 };
    expect(await keeper.projects()).to.deep.equal([{ project: "p", ...counts }]);
  });

  it("pins and unpins, and knows what is not there", async () => {
    const { id } = await publishChain(index, ["a"]);

    expect(await keeper.setPinned(id, true)).to.include({ id, isPinned: true });
    expect(await keeper.setPinned(id, false)).to.include({ id, isPinned: false });
    expect(await keeper.setPinned(id + 1, true)).to.equal(undefined);
  });

  it("prunes", async () => {
    const { id } = await publishChain(index, ["a"]);

    const { exports } = await keeper.prune({ unusedForMs: 5000 }, never);

    expect(exports.map((one) => one.id)).to.deep.equal([id]);
    expect(await keeper.projects()).to.deep.equal([]);
    const [removal] = await keeper.removals(10);
    expect(removal).to.include({ project: "p", rule: "prune", atMs: 10_000, lastUsedAtMs: 1000, sizeBytes: 1000 });
    expect(await index.totals()).to.include({ exports: 0, blobs: 0 });
  });

  it("verifies every blob", async () => {
    const { digest, bytes } = testBlob(10);
    await index.addBlob(digest, await store.put(digest, pieces(bytes), 10, never), 1);
    const told: VerifyProgress[] = [];

    const result = await keeper.verify((progress) => told.push(progress), never);

    const checked = { checkedBlobs: 1, checkedBytes: 10, totalBlobs: 1 };
    expect(result).to.deep.equal({ ...checked, missing: 0, corrupt: 0, adopted: 0 });
    expect(told.at(-1)).to.deep.equal(checked);
  });

  it("shows its levels among the metrics, also when the index fails", async () => {
    await publishChain(index, ["a", "b"]);
    const shown = async (): Promise<string[]> =>
      (await registry.metrics())
        .split("\n")
        .filter((line) => /^memobuild_cache_(store|limit|exports|rec|blobs)/.test(line));
    const lines = [
      "memobuild_cache_store_bytes 7",
      'memobuild_cache_limit_bytes{kind="soft"} 100',
      'memobuild_cache_limit_bytes{kind="hard"} 200',
      'memobuild_cache_limit_bytes{kind="min_free"} 5',
      "memobuild_cache_exports 1",
      "memobuild_cache_records 2",
      "memobuild_cache_blobs 2",
    ];

    expect(await shown()).to.deep.equal(lines);
    await index.close();
    expect(await shown()).to.deep.equal(lines);
  });
});
