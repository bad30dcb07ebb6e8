/** Retention keeps the cache within its limits, and nothing that is held or pinned goes. */
import { expect } from "chai";
import fc from "fast-check";
import { setImmediate as turn } from "node:timers/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { createLogger } from "../log/create-logger.js";
import { never } from "../test/support/blob-store-contract.js";
import { chainGraph, digestFor, newExport, SIZE_BYTES } from "../test/support/cache-index-contract.js";
import { MemoryBlobStore } from "../test/support/memory-blob-store.js";
import { poll } from "../test/support/poll.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { BlobHolds, type Release } from "./blob-holds.js";
import type { Digest } from "./digest.js";
import { RetentionMetrics } from "./retention-metrics.js";
import { Retention } from "./retention.js";
import { openSqliteIndex, type SqliteIndex } from "./sqlite-index.js";

const DAY_MS = 24 * 3600_000;
const PLENTY_BYTES = 2 ** 40;

describe("Retention", () => {
  let dir: string;
  let index: SqliteIndex;
  let store: MemoryBlobStore;
  let holds: BlobHolds;
  let registry: Registry;
  let retention: Retention;
  let lines: string[];
  let space: { storeBytes: number; softMaxBytes: number; hardMaxBytes: number; minFreeBytes: number };
  let diskBytes: number;
  let nowMs: number;

  beforeEach(async () => {
    dir = await makeTempDir("retention");
    lines = [];
    const stream = { write: (line: string) => lines.push(line) };
    const logger = createLogger({ level: "info", format: "json", stream });
    index = openSqliteIndex({ path: join(dir, "index.db"), logger });
    store = new MemoryBlobStore();
    holds = new BlobHolds();
    registry = new Registry();
    diskBytes = PLENTY_BYTES;
    nowMs = 100 * DAY_MS;
    space = {
      get storeBytes() {
        return store.storeBytes;
      },
      softMaxBytes: PLENTY_BYTES,
      hardMaxBytes: PLENTY_BYTES,
      minFreeBytes: 0,
    };
    const freeBytes = (): Promise<number> => Promise.resolve(diskBytes - store.storeBytes);
    retention = new Retention({
      index,
      store,
      holds,
      logger,
      metrics: new RetentionMetrics({ registry, levels: space, totals: () => index.totals() }),
      now: () => nowMs,
      monotonicNow: () => performance.now(),
      maxAgeMs: 30 * DAY_MS,
      space: Object.assign(space, { freeBytes }),
    });
  });

  afterEach(async () => {
    await retention.close();
    await index.close();
    await removeDir(dir);
  });

  const addBlob = async (name: string): Promise<Digest> => {
    const digest = digestFor(name);
    if (!store.has(digest)) {
      await index.addBlob(digest, store.keep(digest, Buffer.alloc(0), SIZE_BYTES), nowMs - DAY_MS);
    }
    return digest;
  };

  /** An export of these blobs, last used so many days ago. */
  const publish = async (daysAgo: number, ...names: string[]): Promise<number> => {
    for (const name of names) await addBlob(name);
    const at = { createdAtMs: nowMs - daysAgo * DAY_MS, project: `p${daysAgo}` };
    return (await index.publish(newExport(chainGraph(...names), at))).id;
  };

  const left = async (): Promise<number[]> =>
    (await index.exports({ order: "oldest-use", limit: 100 })).map(({ id }) => id);

  const metric = async (name: string): Promise<string[]> =>
    (await registry.metrics()).split("\n").filter((line) => line.startsWith(name) && !line.endsWith(" 0"));

  /** Neither lacks what the other has. */
  const expectAgreement = async (): Promise<void> => {
    const known = (await index.blobsAfter(undefined, 1000)).map(({ digest }) => digest);
    const stored: Digest[] = [];
    for await (const { digest } of store.list()) stored.push(digest);
    expect(stored.sort()).to.deep.equal(known);
  };

  describe("pass", () => {
    it("removes exports beyond their age, and the blobs that only they need", async () => {
      await publish(31, "base", "old");
      const young = await publish(29, "base", "young");

      await retention.pass(never);

      expect(await left()).to.deep.equal([young]);
      expect(["base", "old", "young"].map((name) => store.has(digestFor(name)))).to.deep.equal([true, false, true]);
      await expectAgreement();
      expect(await index.removals(10)).to.deep.include.members([
        {
          ...{ project: "p31", dockerfile: "Dockerfile", target: "", platform: "linux/amd64", ref: "r" },
          ...{ atMs: nowMs, rule: "age", sizeBytes: 2 * SIZE_BYTES },
          ...{ createdAtMs: nowMs - 31 * DAY_MS, lastUsedAtMs: nowMs - 31 * DAY_MS },
        },
      ]);
      expect(await metric("memobuild_cache_evicted")).to.deep.equal([
        'memobuild_cache_evicted_exports_total{reason="age"} 1',
        'memobuild_cache_evicted_blobs_total{reason="age"} 1',
        `memobuild_cache_evicted_bytes_total{reason="age"} ${SIZE_BYTES}`,
      ]);
      expect(await metric("memobuild_cache_last")).to.deep.equal([
        `memobuild_cache_last_eviction_age_seconds ${(31 * DAY_MS) / 1000}`,
      ]);
    });

    it("removes the least recently used until the store is small enough, and no more", async () => {
      const ids = [];
      for (const day of [1, 2, 3, 4]) ids.push(await publish(day, `blob ${day}`));
      space.softMaxBytes = 2 * SIZE_BYTES;

      await retention.pass(never);

      expect(await left()).to.deep.equal([ids[1], ids[0]]);
      expect(store.storeBytes).to.equal(2 * SIZE_BYTES);
      expect(await metric("memobuild_cache_evicted_exports")).to.deep.equal([
        'memobuild_cache_evicted_exports_total{reason="size"} 2',
      ]);
    });

    it("takes what no export needs before any export", async () => {
      const id = await publish(5, "a");
      await addBlob("loose");
      space.softMaxBytes = SIZE_BYTES;

      await retention.pass(never);

      expect(await left()).to.deep.equal([id]);
      expect(store.has(digestFor("loose"))).to.equal(false);
    });

    it("keeps a new blob that no export needs yet, unless the space is needed", async () => {
      const digest = digestFor("new");
      await index.addBlob(digest, store.keep(digest, Buffer.alloc(0), SIZE_BYTES), nowMs - 9 * 60_000);

      await retention.pass(never);
      expect(store.has(digest)).to.equal(true);
      nowMs += 2 * 60_000;
      await retention.pass(never);
      expect(store.has(digest)).to.equal(false);
    });

    it("frees what must stay free on the disk", async () => {
      await publish(2, "a");
      const id = await publish(1, "b");
      diskBytes = 10 * SIZE_BYTES;
      space.minFreeBytes = 9 * SIZE_BYTES;

      await retention.pass(never);

      expect(await left()).to.deep.equal([id]);
      expect(await metric("memobuild_cache_evicted_blobs")).to.deep.equal([
        'memobuild_cache_evicted_blobs_total{reason="free_space"} 1',
      ]);
    });

    it("makes room for what was refused, once", async () => {
      for (const day of [1, 2, 3, 4]) await publish(day, `blob ${day}`);
      space.hardMaxBytes = 5 * SIZE_BYTES;

      retention.nudge(3 * SIZE_BYTES);
      await poll(
        () => store.storeBytes,
        (bytes) => bytes === 2 * SIZE_BYTES,
        { what: "bytes" },
      );
      await retention.pass(never);
      expect(store.storeBytes).to.equal(2 * SIZE_BYTES);
    });

    it("leaves pinned exports and blobs that are held, and says once that it cannot shrink", async () => {
      const pinned = await publish(50, "pinned");
      await index.setPinned(pinned, true);
      await publish(49, "held");
      holds.hold(digestFor("held"));
      await publish(48, "loose");
      space.softMaxBytes = 0;

      await retention.pass(never);
      await retention.pass(never);

      expect(await left()).to.deep.equal([pinned]);
      expect(store.storeBytes).to.equal(2 * SIZE_BYTES);
      await expectAgreement();
      expect(lines.filter((line) => line.includes("pinned or in use"))).to.have.length(1);
    });

    it("removes the oldest exports, not newer ones in their place, while their blobs are held", async () => {
      const releases: (Release | undefined)[] = [];
      for (const day of [3, 2, 1]) await publish(day, `blob ${day}`);
      for (const day of [3, 2]) releases.push(holds.hold(digestFor(`blob ${day}`)));
      const [, , newest] = await left();
      space.softMaxBytes = SIZE_BYTES;

      await retention.pass(never);
      expect(await left()).to.deep.equal([newest]);
      expect(store.storeBytes).to.equal(3 * SIZE_BYTES);
      expect(lines.filter((line) => line.includes("pinned or in use"))).to.deep.equal([]);

      for (const release of releases) release?.();
      await retention.pass(never);
      expect(await left()).to.deep.equal([newest]);
      expect(store.storeBytes).to.equal(SIZE_BYTES);
    });

    it("deletes what was held when it is not held any more", async () => {
      const release = holds.hold(await addBlob("loose"));
      space.softMaxBytes = 0;
      await retention.pass(never);
      expect(store.storeBytes).to.equal(SIZE_BYTES);

      release?.();
      await retention.pass(never);
      expect(store.storeBytes).to.equal(0);
    });

    it("goes past many held blobs to those behind them", async () => {
      for (let i = 0; i < 500; i += 1) holds.hold(await addBlob(`held ${i}`));
      const release = holds.hold(await addBlob("loose"));
      release?.();

      await retention.pass(never);

      expect(store.storeBytes).to.equal(500 * SIZE_BYTES);
    });

    it("forgets a blob whose file is gone already", async () => {
      await store.delete(await addBlob("lost"));

      await retention.pass(never);

      await expectAgreement();
    });

    it("stops where it is when it is aborted", async () => {
      await publish(31, "old");

      expect(await retention.pass(AbortSignal.abort(new Error("enough"))).catch(String)).to.equal("Error: enough");
      expect(await left()).to.have.length(1);
    });
  });

  it("never deletes a blob while somebody holds it", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const step = fc.record({ name: fc.constantFrom(...names), turnsBefore: fc.nat(6), turnsHeld: fc.nat(6) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(6), async (steps, softBlobs) => {
        for (const [day, name] of names.entries()) await publish(day + 1, name, names[day + 1] ?? "a");
        space.softMaxBytes = softBlobs * SIZE_BYTES;
        const passing = retention.pass(never);
        const holders = steps.map(async ({ name, turnsBefore, turnsHeld }) => {
          for (let i = 0; i < turnsBefore; i += 1) await turn();
          const release = holds.hold(digestFor(name));
          // As who announces a blob does: it is held first, and looked for then.
          const isThere = release !== undefined && store.has(digestFor(name));
          for (let i = 0; i < turnsHeld; i += 1) await turn();
          if (isThere) expect(store.has(digestFor(name)), name).to.equal(true);
          release?.();
        });
        await Promise.all([passing, ...holders]);
        await expectAgreement();
        await retention.pass(never);
        expect(store.storeBytes).to.be.at.most(softBlobs * SIZE_BYTES);
      }),
      { numRuns: 15 },
    );
  }).timeout(15_000);

  describe("prune", () => {
    it("without limits removes all but what is pinned or in use", async () => {
      const pinned = await publish(9, "pinned");
      await index.setPinned(pinned, true);
      const [a, b] = [await publish(2, "a"), await publish(1, "b")];
      await addBlob("loose");

      const { exports, blobs, bytes } = await retention.prune({}, never);

      expect(exports.map(({ id }) => id)).to.deep.equal([a, b]);
      expect({ blobs, bytes }).to.deep.equal({ blobs: 3, bytes: 3 * SIZE_BYTES });
      expect(await left()).to.deep.equal([pinned]);
      await expectAgreement();
    });

    for (const [what, options, gone] of [
      ["not used for a time", { unusedForMs: 2.5 * DAY_MS }, [4, 3]],
      ["of a project", { project: "p2" }, [2]],
      ["until the store is small enough", { keepBytes: 3 * SIZE_BYTES }, [4]],
      ["until enough is free", { minFreeBytes: PLENTY_BYTES - 2 * SIZE_BYTES }, [4, 3]],
      ["not at all when it is small enough", { keepBytes: 5 * SIZE_BYTES }, []],
    ] as const) {
      it(`removes exports ${what}; a dry run says the same and changes nothing`, async () => {
        for (const day of [1, 2, 3, 4]) await publish(day, `blob ${day}`);

        const dry = await retention.prune({ ...options, isDryRun: true }, never);
        expect(await left()).to.have.length(4);
        expect(store.storeBytes).to.equal(4 * SIZE_BYTES);
        const result = await retention.prune(options, never);

        expect(result).to.deep.equal(dry);
        expect(result.exports.map(({ project }) => project)).to.deep.equal(gone.map((day) => `p${day}`));
        expect(store.storeBytes).to.equal((4 - gone.length) * SIZE_BYTES);
        expect(result.bytes).to.equal(gone.length * SIZE_BYTES);
      });
    }
  });

  describe("close", () => {
    it("ends what runs and what waits, and closes twice", async () => {
      for (let i = 0; i < 50; i += 1) await publish(31, `own ${i}`);
      const passing = retention.pass(never).catch(String);
      const waiting = retention.prune({}, never).catch(String);

      await retention.close();
      await retention.close();

      expect(await waiting).to.contain("being closed");
      expect([undefined, "Error: the cache is being closed"]).to.include(await passing);
      retention.nudge();
      await expectAgreement();
    });

    it("leaves no timer", async () => {
      await publish(31, "old");
      retention.start();
      await poll(left, (ids) => ids.length === 0, { what: "exports" });
      await retention.close();
    });
  });
});
