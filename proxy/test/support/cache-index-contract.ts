/** What every cache index promises; each implementation runs it. */
import { expect } from "chai";
import { createHash } from "node:crypto";
import type { CacheGraph, CacheLayer } from "../../cache/cache-graph.js";
import {
  REMOVALS_MAX,
  UnknownBlobError,
  type CacheIndex,
  type ExportQuery,
  type ExportSummary,
  type NewExport,
} from "../../cache/cache-index.js";
import type { Digest } from "../../cache/digest.js";

/** The digest of a text, to name blobs and records by. */
export const digestFor = (text: string): Digest =>
  `sha256:${createHash("sha256").update(text).digest("hex")}` as Digest;

export const SIZE_BYTES = 1000;

const PRUNED = { rule: "prune", atMs: 9000 } as const;

function layerFor(name: string, parent: number): CacheLayer {
  const annotations = { "containerd.io/uncompressed": digestFor(`${name} uncompressed`) };
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  return { blob: { digest: digestFor(name), sizeBytes: SIZE_BYTES, mediaType, annotations }, parent };
}

/** A record for each name, each the step after the one before it, its layer on top of that one's. */
export function chainGraph(...names: readonly string[]): CacheGraph {
  return {
    layers: names.map((name, index) => layerFor(name, index - 1)),
    records: names.map((_, index) => ({
      digest: digestFor(`record of ${names.slice(0, index + 1).join()}`),
      inputs: index === 0 ? [] : [[{ selector: "", link: index - 1 }]],
      results: [{ layer: index, createdAt: "2026-01-02T03:04:05.678Z" }],
    })),
  };
}

export function newExport(graph: CacheGraph, other: Partial<NewExport> = {}): NewExport {
  const identity = { tenant: "", project: "p", dockerfile: "Dockerfile", target: "", platform: "linux/amd64" };
  return { ...identity, revision: "abc", builder: "b", ref: "r", createdAtMs: 1000, graph, ...other };
}

export async function addBlobs(index: CacheIndex, ...names: readonly string[]): Promise<void> {
  for (const name of names) await index.addBlob(digestFor(name), { sizeBytes: SIZE_BYTES, version: "1" }, 1000);
}

/** Sees to it that the blobs of the graph are there. */
export async function publishChain(
  index: CacheIndex,
  names: readonly string[],
  other?: Partial<NewExport>,
): Promise<ExportSummary> {
  await addBlobs(index, ...names);
  return index.publish(newExport(chainGraph(...names), other));
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("did not reject");
}

/** @param create makes an empty index; the suite closes it. */
export function cacheIndexContract(create: () => Promise<CacheIndex>): void {
  let index: CacheIndex;

  beforeEach(async () => {
    index = await create();
  });

  afterEach(async () => {
    await index.close();
  });

  const idsOf = async (query: ExportQuery): Promise<number[]> => (await index.exports(query)).map(({ id }) => id);

  describe("publish", () => {
    it("keeps what the export is and counts what it has", async () => {
      const { id, ...summary } = await publishChain(index, ["a", "b"]);

      const { graph, ...given } = newExport(chainGraph("a", "b"));
      const counts = { sizeBytes: 2 * SIZE_BYTES, recordCount: 2, resultCount: 2, blobCount: 2 };
      expect(summary).to.deep.equal({ ...given, ...counts, lastUsedAtMs: 1000, hits: 0, isPinned: false });
      expect(await index.export(id)).to.deep.equal({ id, ...summary });
      expect(await index.graphs([id])).to.deep.equal(new Map([[id, graph]]));
    });

    it("keeps graphs of any shape", async () => {
      const big = 5 * 2 ** 32 + 7;
      await index.addBlob(digestFor("big"), { sizeBytes: big, version: "1" }, 1);
      const { blob } = layerFor("big", -1);
      const annotations = { "buildkit/description": 'COPY żółć 🙂 "quoted"\n', empty: "" };
      const graph: CacheGraph = {
        layers: [{ blob: { ...blob, sizeBytes: big, annotations }, parent: -1 }],
        records: [
          { digest: "random:x", inputs: [], results: [] },
          {
            digest: "é",
            inputs: [
              [
                { selector: "ü/ñ", link: 0 },
                { selector: "", link: 0 },
              ],
              [{ selector: "s", link: 0 }],
            ],
            results: [],
          },
          {
            digest: digestFor("r"),
            inputs: [],
            results: [
              { layer: 0, createdAt: "" },
              { layer: 0, createdAt: "x" },
            ],
          },
        ],
      };

      const { id, recordCount, resultCount, sizeBytes } = await index.publish(newExport(graph));

      expect({ recordCount, resultCount, sizeBytes }).to.deep.equal({ recordCount: 3, resultCount: 1, sizeBytes: big });
      expect((await index.graphs([id])).get(id)).to.deep.equal(graph);
    });

    it("counts a blob of two layers once", async () => {
      await addBlobs(index, "a", "b");
      const graph = { layers: [layerFor("a", -1), layerFor("b", -1), layerFor("a", 1)], records: [] };

      const { sizeBytes, blobCount, id } = await index.publish(newExport(graph));

      expect({ sizeBytes, blobCount }).to.deep.equal({ sizeBytes: 2 * SIZE_BYTES, blobCount: 2 });
      expect((await index.references([id])).get(id)).to.have.length(2);
    });

    it("refuses an export with an unknown blob, and adds nothing of it", async () => {
      await addBlobs(index, "a");

      expect(await rejection(index.publish(newExport(chainGraph("a", "b"))))).to.be.instanceOf(UnknownBlobError);

      expect(await index.exports({ limit: 10 })).to.deep.equal([]);
      expect(await index.totals()).to.include({ exports: 0, records: 0, unreferencedBytes: SIZE_BYTES });
    });

    it("refuses an export that gives a blob another size", async () => {
      await index.addBlob(digestFor("a"), { sizeBytes: SIZE_BYTES + 1, version: "1" }, 1);

      expect(await rejection(index.publish(newExport(chainGraph("a"))))).to.be.instanceOf(UnknownBlobError);
    });

    it("replaces what says the same of the same build: its age ends, its pin and its hits stay", async () => {
      const first = await publishChain(index, ["a"]);
      await index.setPinned(first.id, true);
      await index.touch([first.id], 2000);

      const second = await publishChain(index, ["a"], { createdAtMs: 5000, ref: "r2", revision: "def" });

      expect(second).to.include({ createdAtMs: 5000, lastUsedAtMs: 5000, hits: 1, isPinned: true });
      expect(second).to.include({ ref: "r2", revision: "def" });
      expect(await index.exports({ limit: 10 })).to.deep.equal([second]);
      expect(await index.totals()).to.include({ exports: 1, pinnedExports: 1, records: 1, blobs: 1 });
    });

    it("adds what says the same of another build, and something else of the same", async () => {
      await publishChain(index, ["a"]);
      for (const other of [{ tenant: "t" }, { project: "q" }, { dockerfile: "D" }, { target: "t" }, { platform: "" }]) {
        await publishChain(index, ["a"], other);
      }
      await publishChain(index, ["a", "b"]);

      expect(await index.exports({ limit: 10 })).to.have.length(7);
    });
  });

  describe("exports", () => {
    it("come in the order that is asked for", async () => {
      const [a, b, c] = [
        (await publishChain(index, ["a"], { createdAtMs: 3000 })).id,
        (await publishChain(index, ["b"], { createdAtMs: 1000 })).id,
        (await publishChain(index, ["c"], { createdAtMs: 2000 })).id,
      ];
      await index.touch([b], 9000);

      expect(await idsOf({ limit: 10 })).to.deep.equal([b, a, c]);
      expect(await idsOf({ limit: 10, order: "oldest-use" })).to.deep.equal([c, a, b]);
      expect(await idsOf({ limit: 10, order: "newest-export" })).to.deep.equal([a, c, b]);
      expect(await idsOf({ limit: 1, offset: 1 })).to.deep.equal([a]);
    });

    it("are only those of builds that are alike", async () => {
      const like = { dockerfile: "Dockerfile", target: "app", platform: "linux/amd64" };
      const { id: alike } = await publishChain(index, ["a"], { createdAtMs: 1000, ...like });
      await publishChain(index, ["a"], { createdAtMs: 2000, ...like, target: "other" });
      await publishChain(index, ["a"], { createdAtMs: 3000, ...like, platform: "linux/arm64" });
      await publishChain(index, ["a"], { createdAtMs: 4000, ...like, dockerfile: "other" });

      expect(await idsOf({ limit: 10, like })).to.deep.equal([alike]);
    });

    it("are only those of the scope, the pin and the age that is asked for", async () => {
      const { id: old } = await publishChain(index, ["a"], { createdAtMs: 1000 });
      const { id: other } = await publishChain(index, ["a"], { createdAtMs: 2000, tenant: "t" });
      const { id: pinned } = await publishChain(index, ["b"], { createdAtMs: 3000 });
      await index.setPinned(pinned, true);

      expect(await idsOf({ limit: 10, scope: { tenant: "", project: "p" } })).to.deep.equal([pinned, old]);
      expect(await idsOf({ limit: 10, scope: { tenant: "", project: "" } })).to.deep.equal([]);
      expect(await idsOf({ limit: 10, usedBeforeMs: 2000 })).to.deep.equal([old]);
      expect(await idsOf({ limit: 10, isPinned: true })).to.deep.equal([pinned]);
      expect(await idsOf({ limit: 10, isPinned: false })).to.deep.equal([other, old]);
    });
  });

  describe("touch", () => {
    it("never makes an export older", async () => {
      const { id } = await publishChain(index, ["a"], { createdAtMs: 5000 });

      await index.touch([id, id + 1], 4000);
      expect(await index.export(id)).to.include({ lastUsedAtMs: 5000, createdAtMs: 5000 });
      await index.touch([id], 6000);
      expect(await index.export(id)).to.include({ lastUsedAtMs: 6000, createdAtMs: 5000 });
    });

    it("counts a hit each time, also where the clock stood still or went back", async () => {
      const { id } = await publishChain(index, ["a"], { createdAtMs: 5000 });
      const { id: other } = await publishChain(index, ["b"], { createdAtMs: 5000 });

      for (const atMs of [6000, 6000, 4000]) await index.touch([id], atMs);
      expect(await index.export(id)).to.include({ lastUsedAtMs: 6000, hits: 3 });
      expect(await index.export(other)).to.include({ hits: 0 });
    });
  });

  describe("setPinned", () => {
    it("pins and unpins, and says whether there is such an export", async () => {
      const { id } = await publishChain(index, ["a"]);

      expect(await index.setPinned(id, true)).to.equal(true);
      expect(await index.setPinned(id, true)).to.equal(true);
      expect(await index.export(id)).to.include({ isPinned: true });
      expect(await index.totals()).to.include({ pinnedExports: 1 });
      expect(await index.setPinned(id, false)).to.equal(true);
      expect(await index.totals()).to.include({ pinnedExports: 0 });
      expect(await index.setPinned(id + 1, true)).to.equal(false);
    });
  });

  describe("removeExports", () => {
    it("removes exports and leaves their blobs, no longer referred to", async () => {
      const { id: a } = await publishChain(index, ["x", "a"]);
      const { id: b } = await publishChain(index, ["x", "b"]);

      expect(await index.removeExports([a, a + 100], PRUNED)).to.equal(1);

      expect(await index.export(a)).to.equal(undefined);
      expect((await index.graphs([a, b])).size).to.equal(1);
      expect((await index.unreferencedBlobs(9999, 10)).map(({ digest }) => digest)).to.deep.equal([digestFor("a")]);
      expect(await index.totals()).to.deep.equal({
        exports: 1,
        pinnedExports: 0,
        records: 2,
        blobs: 3,
        blobBytes: 3 * SIZE_BYTES,
        unreferencedBytes: SIZE_BYTES,
      });
    });

    it("never gives the id of a removed export to another", async () => {
      const { id } = await publishChain(index, ["a"]);
      await index.removeExports([id], PRUNED);

      expect((await publishChain(index, ["b"])).id).to.be.greaterThan(id);
    });
  });

  describe("removals", () => {
    it("tell what was removed, when and by which rule, latest first", async () => {
      const old = await publishChain(index, ["a"], { ref: "old", createdAtMs: 1000 });
      const used = await publishChain(index, ["b"], { ref: "used", createdAtMs: 500 });
      await publishChain(index, ["c"], { ref: "kept" });
      await index.touch([used.id], 3000);
      expect(await index.removals(10)).to.deep.equal([]);

      await index.removeExports([used.id, old.id, 999], { rule: "age", atMs: 7000 });

      const { dockerfile, platform, project, target } = old;
      const common = { project, dockerfile, target, platform, atMs: 7000, rule: "age", sizeBytes: SIZE_BYTES };
      expect(await index.removals(10)).to.deep.equal([
        { ...common, ref: "used", createdAtMs: 500, lastUsedAtMs: 3000 },
        { ...common, ref: "old", createdAtMs: 1000, lastUsedAtMs: 1000 },
      ]);
      expect((await index.removals(1)).map(({ ref }) => ref)).to.deep.equal(["used"]);
    });

    it("are remembered up to a number", async () => {
      const [added, chunk] = [REMOVALS_MAX + 5, 335];
      const ids: number[] = [];
      for (let at = 0; at < added; at += 1) {
        const empty = newExport({ layers: [], records: [] }, { project: `p${at}`, createdAtMs: at });
        ids.push((await index.publish(empty)).id);
      }
      for (let at = 0; at < added; at += chunk) await index.removeExports(ids.slice(at, at + chunk), PRUNED);

      const projects = (await index.removals(2 * added)).map(({ project }) => project);
      expect(projects).to.have.length(REMOVALS_MAX);
      expect([projects[0], projects.at(-1)]).to.deep.equal([`p${added - 1}`, "p5"]);
    }).timeout(10_000);
  });

  describe("projects", () => {
    it("count the layers of a project's exports once, largest first", async () => {
      const { id } = await publishChain(index, ["x", "a"], { project: "one", createdAtMs: 1000 });
      await publishChain(index, ["x", "b"], { project: "one", createdAtMs: 3000 });
      await publishChain(index, ["x"], { project: "two", createdAtMs: 2000 });
      await addBlobs(index, "unreferenced");
      await index.setPinned(id, true);
      for (const atMs of [4000, 5000]) await index.touch([id], atMs);

      const one = { project: "one", exports: 2, pinnedExports: 1, lastUsedAtMs: 5000, hits: 2 };
      const two = { project: "two", exports: 1, pinnedExports: 0, lastUsedAtMs: 2000, hits: 0 };
      expect(await index.projects()).to.deep.equal([
        { ...one, sizeBytes: 3 * SIZE_BYTES },
        { ...two, sizeBytes: SIZE_BYTES },
      ]);
    });

    it("are counted in full where there are many blobs, and many references to one", async () => {
      const shared = Array.from({ length: 600 }, (_, at) => `shared ${at}`);
      for (let at = 0; at < 8; at += 1) await publishChain(index, [...shared, `own ${at}`], { project: `p${at % 2}` });

      const sizeBytes = (shared.length + 4) * SIZE_BYTES;
      expect((await index.projects()).map((each) => each.sizeBytes)).to.deep.equal([sizeBytes, sizeBytes]);
    }).timeout(10_000);

    it("are none where there are no exports", async () => {
      expect(await index.projects()).to.deep.equal([]);
    });
  });

  describe("references", () => {
    it("names the blobs of each export, and how many exports need them", async () => {
      const { id: a } = await publishChain(index, ["x", "a"]);
      const { id: b } = await publishChain(index, ["x", "b"]);

      const found = await index.references([a, b, b + 1]);

      expect([...found.keys()]).to.have.members([a, b]);
      expect(found.get(a)).to.have.deep.members([
        { digest: digestFor("x"), sizeBytes: SIZE_BYTES, exports: 2 },
        { digest: digestFor("a"), sizeBytes: SIZE_BYTES, exports: 1 },
      ]);
    });
  });

  describe("blobs", () => {
    it("are found by digest, with what is known of them", async () => {
      await index.addBlob(digestFor("a"), { sizeBytes: 5, version: "v" }, 77);
      await addBlobs(index, "b");

      const a = { digest: digestFor("a"), sizeBytes: 5, version: "v", storedAtMs: 77 };
      expect(await index.blob(digestFor("a"))).to.deep.equal(a);
      expect(await index.blob(digestFor("c"))).to.equal(undefined);
      expect(await index.blobs([digestFor("a"), digestFor("c")])).to.deep.equal(new Map([[a.digest, a]]));
    });

    it("get a new version when they are stored again", async () => {
      const { id } = await publishChain(index, ["a"]);
      await index.addBlob(digestFor("a"), { sizeBytes: SIZE_BYTES, version: "2" }, 2000);

      expect(await index.blob(digestFor("a"))).to.include({ version: "2", storedAtMs: 2000 });
      expect((await index.references([id])).get(id)).to.have.length(1);
      expect(await index.totals()).to.include({ blobs: 1, blobBytes: SIZE_BYTES, unreferencedBytes: 0 });
    });

    it("are walked through in order of digest, in pages", async () => {
      const names = ["a", "b", "c", "d", "e"];
      await addBlobs(index, ...names);
      const seen: Digest[] = [];
      for (let page = await index.blobsAfter(undefined, 2); page.length > 0;) {
        expect(page.length).to.be.at.most(2);
        seen.push(...page.map(({ digest }) => digest));
        page = await index.blobsAfter(seen.at(-1), 2);
      }

      expect(seen).to.deep.equal(names.map(digestFor).sort());
    });

    it("that nothing refers to come oldest first", async () => {
      await publishChain(index, ["used"]);
      for (const [name, storedAtMs] of [
        ["a", 30],
        ["b", 10],
        ["c", 20],
      ] as const) {
        await index.addBlob(digestFor(name), { sizeBytes: 1, version: "1" }, storedAtMs);
      }

      const found = await index.unreferencedBlobs(30, 10);
      expect(found.map(({ storedAtMs }) => storedAtMs)).to.deep.equal([10, 20]);
      expect(await index.unreferencedBlobs(99, 1)).to.deep.equal(found.slice(0, 1));
      expect(await index.unreferencedBlobs(99, 1, 1)).to.deep.equal(found.slice(1));
    });

    it("are forgotten only when nothing refers to them", async () => {
      await publishChain(index, ["used"]);
      await addBlobs(index, "a");

      const asked = ["used", "a", "unknown"].map(digestFor);
      expect(await index.removeUnreferencedBlobs(asked)).to.deep.equal([digestFor("a")]);
      expect(await index.blob(digestFor("a"))).to.equal(undefined);
      expect(await index.blob(digestFor("used"))).to.not.equal(undefined);
      expect(await index.totals()).to.include({ blobs: 1, unreferencedBytes: 0 });
    });
  });

  describe("dropBlob", () => {
    it("forgets the blob and the results that need it; records stay as links", async () => {
      const { id } = await publishChain(index, ["a", "b", "c"]);
      const { id: other } = await publishChain(index, ["d"], { project: "q" });

      expect(await index.dropBlob(digestFor("b"))).to.deep.equal([{ tenant: "", project: "p" }]);

      const { layers, records } = chainGraph("a", "b", "c");
      const rest = {
        layers: layers.slice(0, 1),
        records: records.map((r, i) => (i === 0 ? r : { ...r, results: [] })),
      };
      expect((await index.graphs([id])).get(id)).to.deep.equal(rest);
      expect(await index.export(id)).to.include({
        recordCount: 3,
        resultCount: 1,
        blobCount: 1,
        sizeBytes: SIZE_BYTES,
      });
      expect(await index.blob(digestFor("b"))).to.equal(undefined);
      expect((await index.unreferencedBlobs(9999, 10)).map(({ digest }) => digest)).to.deep.equal([digestFor("c")]);
      expect((await index.graphs([other])).get(other)).to.deep.equal(chainGraph("d"));
    });

    it("renumbers the layers that stay", async () => {
      await addBlobs(index, "a", "b", "c");
      const graph: CacheGraph = {
        layers: [layerFor("a", -1), layerFor("b", -1), layerFor("c", 1)],
        records: [
          { digest: "one", inputs: [], results: [{ layer: 0, createdAt: "x" }] },
          { digest: "two", inputs: [[{ selector: "", link: 0 }]], results: [{ layer: 2, createdAt: "x" }] },
        ],
      };
      const { id } = await index.publish(newExport(graph));

      await index.dropBlob(digestFor("a"));

      const rest = (await index.graphs([id])).get(id);
      expect(rest?.layers).to.deep.equal([layerFor("b", -1), layerFor("c", 0)]);
      expect(rest?.records.map(({ results }) => results.map(({ layer }) => layer))).to.deep.equal([[], [1]]);
    });

    it("removes exports that have no result left, and takes each of many", async () => {
      for (let i = 0; i < 30; i += 1) await publishChain(index, ["base", `own ${i}`], { project: `p${i % 2}` });
      const scopes = await index.dropBlob(digestFor("base"));

      expect(scopes).to.have.deep.members([0, 1].map((i) => ({ tenant: "", project: `p${i}` })));
      expect(await index.totals()).to.include({
        exports: 0,
        records: 0,
        blobs: 30,
        unreferencedBytes: 30 * SIZE_BYTES,
      });
    });

    it("of an unknown blob does nothing", async () => {
      expect(await index.dropBlob(digestFor("a"))).to.deep.equal([]);
    });
  });

  it("rejects once it is closed", async () => {
    await index.close();

    expect(await rejection(index.totals())).to.be.instanceOf(Error);
    expect(await rejection(publishChain(index, ["a"]))).to.be.instanceOf(Error);
  });
}
