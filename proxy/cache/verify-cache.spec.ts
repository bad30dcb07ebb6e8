/** Whatever happens to the files, index and store agree afterwards, and nothing bad stays. */
import { expect } from "chai";
import { readdir, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { createLogger } from "../log/create-logger.js";
import { never, testBlob, type TestBlob } from "../test/support/blob-store-contract.js";
import { newExport } from "../test/support/cache-index-contract.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { BlobHealer } from "./blob-healer.js";
import { BlobHolds } from "./blob-holds.js";
import type { VerifyProgress } from "./cache-admin.js";
import type { CacheGraph } from "./cache-graph.js";
import type { Digest } from "./digest.js";
import { DiskBlobStore } from "./disk-blob-store.js";
import { RetentionMetrics } from "./retention-metrics.js";
import { SpaceGuard } from "./space-guard.js";
import { openSqliteIndex, type SqliteIndex } from "./sqlite-index.js";
import { verifyCache, type VerifyOptions } from "./verify-cache.js";

const LIMITS = { softMaxBytes: 2 ** 30, hardMaxBytes: 2 ** 30, minFreeBytes: 0 };
const CHECK: VerifyOptions = { isThorough: false, isGentle: false, onProgress: () => undefined };
const FULL: VerifyOptions = { ...CHECK, isThorough: true };

describe("verifyCache", () => {
  let dir: string;
  let index: SqliteIndex;
  let store: DiskBlobStore;
  let holds: BlobHolds;
  let healer: BlobHealer;
  let registry: Registry;

  beforeEach(async () => {
    dir = await makeTempDir("verify");
    registry = new Registry();
    const space = new SpaceGuard({ dir, ...LIMITS, now: () => performance.now() });
    const logger = createLogger({ level: "error", format: "json", stream: { write: () => undefined } });
    store = new DiskBlobStore({ dir, space });
    await store.start();
    index = openSqliteIndex({ path: join(dir, "index.db"), logger });
    const metrics = new RetentionMetrics({ registry, levels: space, totals: () => index.totals() });
    holds = new BlobHolds();
    healer = new BlobHealer({ index, store, holds, metrics, logger, now: () => Date.now() });
  });

  afterEach(async () => {
    await index.close();
    await removeDir(dir);
  });

  const check = (options = CHECK) =>
    verifyCache({ index, store, healer, now: () => performance.now() }, options, never);

  const put = async ({ digest, bytes }: TestBlob) => store.put(digest, new Blob([bytes]).stream(), bytes.length, never);

  const add = async (): Promise<TestBlob> => {
    const blob = testBlob(1000);
    await index.addBlob(blob.digest, await put(blob), 1);
    return blob;
  };

  const graphOf = (...blobs: readonly TestBlob[]): CacheGraph => ({
    layers: blobs.map(({ digest, bytes }, at) => {
      const blob = { digest, sizeBytes: bytes.length, mediaType: "m", annotations: {} };
      return { blob, parent: at - 1 };
    }),
    records: blobs.map((_, layer) => ({ digest: `r${layer}`, inputs: [], results: [{ layer, createdAt: "x" }] })),
  });

  const fileOf = (digest: Digest): string => join(dir, "blobs/sha256", digest.slice(7, 9), digest.slice(7));

  const expectAgreement = async (...blobs: readonly TestBlob[]): Promise<void> => {
    const digests = blobs.map(({ digest }) => digest).sort();
    expect((await index.blobsAfter(undefined, 100)).map(({ digest }) => digest)).to.deep.equal(digests);
    const stored: Digest[] = [];
    for await (const { digest } of store.list()) stored.push(digest);
    expect(stored.sort()).to.deep.equal(digests);
  };

  const quarantined = async (reason: string): Promise<number> => {
    const { values } = (await registry.getSingleMetric("memobuild_cache_quarantined_blobs_total")?.get()) ?? {};
    return values?.find(({ labels }) => labels["reason"] === reason)?.value ?? NaN;
  };

  const nothing = { missing: 0, corrupt: 0, adopted: 0 };

  for (const [which, options] of [["the start check", CHECK] as const, ["the full one", FULL] as const]) {
    it(`finds nothing where nothing is wrong: ${which}`, async () => {
      const blobs = [await add(), await add()];

      expect(await check(options)).to.deep.equal({ checkedBlobs: 2, checkedBytes: 2000, totalBlobs: 2, ...nothing });
      await expectAgreement(...blobs);
    });

    it(`drops a blob that is gone, and the results that need it: ${which}`, async () => {
      const [below, gone, above] = [await add(), await add(), await add()];
      const { id } = await index.publish(newExport(graphOf(below, gone, above)));
      await rm(fileOf(gone.digest));

      expect(await check(options)).to.include({ ...nothing, missing: 1 });

      await expectAgreement(below, above);
      expect(await index.export(id)).to.include({ blobCount: 1, resultCount: 1, recordCount: 3 });
      expect(await quarantined("missing")).to.equal(1);
    });

    for (const [what, spoil] of [
      ["is cut short", (file: string) => truncate(file, 999)],
      ["is longer", (file: string) => writeFile(file, "x", { flag: "a" })],
      ["has other bytes", (file: string) => writeFile(file, Buffer.alloc(1000))],
    ] as const) {
      it(`deletes a blob that ${what}, and drops the results that need it: ${which}`, async () => {
        const [good, bad] = [await add(), await add()];
        await index.publish(newExport(graphOf(good, bad)));
        await spoil(fileOf(bad.digest));

        expect(await check(options)).to.include({ ...nothing, corrupt: 1 });

        await expectAgreement(good);
        expect(await quarantined("corrupt")).to.equal(1);
      });
    }

    it(`takes up a good blob that the index does not know, and deletes a bad one: ${which}`, async () => {
      const [good, bad] = [testBlob(10), testBlob(10)];
      await put(good);
      await put(bad);
      await writeFile(fileOf(bad.digest), "bad");

      expect(await check(options)).to.include({ ...nothing, corrupt: 1, adopted: 1, checkedBlobs: 2, totalBlobs: 2 });

      await expectAgreement(good);
      expect((await index.unreferencedBlobs(Date.now() + 1, 10)).map(({ digest }) => digest)).to.deep.equal([
        good.digest,
      ]);
    });
  }

  it("reads a blob again that was touched, and knows its new version then", async () => {
    const blob = await add();
    const { id } = await index.publish(newExport(graphOf(blob)));
    await utimes(fileOf(blob.digest), 1, 1);

    expect(await check()).to.include(nothing);

    expect((await index.blob(blob.digest))?.version).to.equal((await store.stat(blob.digest))?.version);
    expect(await index.export(id)).to.include({ resultCount: 1 });
  });

  it("takes up everything where the index was lost", async () => {
    const blobs = [await add(), await add(), await add()];
    await index.removeUnreferencedBlobs(blobs.map(({ digest }) => digest));

    expect(await check()).to.include({ ...nothing, adopted: 3 });
    await expectAgreement(...blobs);
  });

  it("tells how far it is, the end included", async () => {
    await add();
    const told: VerifyProgress[] = [];
    await check({ ...FULL, onProgress: (progress: VerifyProgress) => told.push(progress) });

    expect(told.at(-1)).to.deep.equal({ checkedBlobs: 1, checkedBytes: 1000, totalBlobs: 1 });
  });

  it("stops when it is aborted", async () => {
    await add();
    const options = { ...FULL, isGentle: true };
    const parts = { index, store, healer, now: () => performance.now() };
    const ended = verifyCache(parts, options, AbortSignal.abort(new Error("enough"))).catch(String);

    expect(await ended).to.contain("Error");
    expect(await index.totals()).to.include({ blobs: 1 });
  });

  describe("BlobHealer", () => {
    it("reads a blob once for all who ask meanwhile", async () => {
      const { digest } = await add();
      await rm(fileOf(digest));

      const answers = await Promise.all([healer.recheck(digest, never), healer.recheck(digest, never)]);

      expect(answers).to.deep.equal(["missing", "missing"]);
      expect(await quarantined("missing")).to.equal(1);
    });

    it("leaves a blob alone that is being deleted, and one that nobody knows", async () => {
      const { digest } = await add();
      const release = holds.condemn(digest);

      expect(await healer.recheck(digest, never)).to.equal("missing");
      release?.();
      expect(await healer.recheck(testBlob(1).digest, never)).to.equal("missing");

      expect(await quarantined("missing")).to.equal(0);
      expect(await index.blob(digest)).to.not.equal(undefined);
    });

    it("keeps a blob from being deleted while it reads it, and not longer", async () => {
      const { digest } = await add();

      const rechecking = healer.recheck(digest, never);
      expect(holds.isHeld(digest)).to.equal(true);
      expect(await rechecking).to.equal("sound");
      expect(holds.isHeld(digest)).to.equal(false);
      expect(await readdir(join(dir, "ingest"))).to.deep.equal([]);
    });
  });
});
