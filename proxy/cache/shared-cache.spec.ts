/** What builds are given of a shared cache with a real index and registry, and what is taken from them. */
import { expect } from "chai";
import { pathOf, pushExport, startCacheParts, testExport } from "../test/support/cache-parts.js";
import type { CacheParts, TestExport } from "../test/support/cache-parts.js";
import { send, type Answer } from "../test/support/cache-registry.js";
import { poll } from "../test/support/poll.js";
import type { RunningBuild } from "./build-overlap.js";
import type { BuildIdentity, ExportSummary } from "./cache-index.js";
import type { Digest } from "./digest.js";
import { ExportRejected, type CacheEntry, type ExportedBuild, type ExportSlot } from "./export-slot.js";
import { parseCacheManifest } from "./parse-cache-manifest.js";

const IDENTITY: BuildIdentity = { tenant: "t", project: "p", dockerfile: "Dockerfile", target: "", platform: "" };
const MADE_BY = { revision: "", builder: "b", ref: "r" };
const build = (identity: BuildIdentity, stepCount = 1): ExportedBuild => ({ ...identity, ...MADE_BY, stepCount });
const manifestOf = ({ attrs }: CacheEntry): Digest => (attrs["ref"] ?? "").replace(/^.*@/, "") as Digest;

describe("SharedCache", () => {
  let parts: CacheParts;
  let running: RunningBuild;

  beforeEach(async () => {
    parts = await startCacheParts();
    running = parts.overlap.begin();
  });
  afterEach(() => parts.close());

  const begin = (): ExportSlot => parts.cache.beginExport(parts.address);
  const publish = async (exported: TestExport, identity = IDENTITY): Promise<ExportSummary> => {
    const slot = begin();
    await pushExport(parts.base, slot.entry, exported);
    return slot.publish(build(identity));
  };
  const importFor = (identity = IDENTITY): Promise<CacheEntry | undefined> =>
    parts.cache.importFor(identity, parts.address, running);
  /** @throws Error where there is none. */
  const imported = async (identity = IDENTITY): Promise<CacheEntry> => {
    const entry = await importFor(identity);
    if (entry === undefined) throw new Error("there is no import");
    return entry;
  };
  const get = (entry: CacheEntry, path: string): Promise<Answer> => send(parts.base, "GET", `${pathOf(entry)}/${path}`);
  /** The layers that an import offers, read as a builder reads them. */
  const offered = async (entry: CacheEntry): Promise<readonly Digest[]> => {
    const manifest = (await get(entry, `manifests/${manifestOf(entry)}`)).body;
    const { config } = JSON.parse(manifest.toString()) as { config: { digest: string } };
    const { body } = await get(entry, `blobs/${config.digest}`);
    return parseCacheManifest(manifest, body).layers.map(({ blob }) => blob.digest);
  };
  const digestsOf = ({ layers }: TestExport): Digest[] => layers.map(({ digest }) => digest);
  const imports = (): Promise<Readonly<Record<string, number>>> => parts.counted("memobuild_cache_imports_total");
  const only = <T>([first]: readonly T[]): T => {
    if (first === undefined) throw new Error("there is none");
    return first;
  };

  describe("importFor", () => {
    it("gives what was exported to who has the token, and to nobody else", async () => {
      const exported = testExport("a", "b");
      await publish(exported);
      const entry = await imported();
      expect([...(await offered(entry))].sort()).to.deep.equal(digestsOf(exported).sort());
      const { bytes, digest } = only(exported.layers);
      const layer = await get(entry, `blobs/${digest}`);
      expect([layer.status, layer.body.equals(bytes)]).to.deep.equal([200, true]);
      const other = testExport("c");
      await publish(other, { ...IDENTITY, project: "q" });
      expect((await get(entry, `blobs/${digestsOf(other).join()}`)).status).to.equal(404);
      const stranger = `/v2/${"0".repeat(32)}/cache/blobs/${digest}`;
      expect((await send(parts.base, "GET", stranger)).status).to.equal(404);
      const others = await imported({ ...IDENTITY, project: "q" });
      expect((await get(others, `blobs/${digest}`)).status).to.equal(404);
      expect(await imports()).to.deep.equal({ injected: 2 });
    });

    it("gives nothing of another project", async () => {
      await publish(testExport("a"), { ...IDENTITY, project: "q" });
      expect(await importFor()).to.equal(undefined);
      expect(await imports()).to.deep.equal({ empty: 1 });
    });

    it("is valid until the builds beside it have ended", async () => {
      await publish(testExport("a"));
      const entry = await imported();
      const beside = parts.overlap.begin();
      running.end();
      const path = `manifests/${manifestOf(entry)}`;
      expect((await get(entry, path)).status).to.equal(200);
      beside.end();
      await poll(
        async () => (await get(entry, path)).status,
        (status) => status === 404,
        { what: "the token has ended", timeoutMs: 1_000 },
      );
    });

    it("gives nothing of a scope that lost a layer, until there is a new export of it", async () => {
      const exported = testExport("a");
      await publish(exported);
      const { digest } = only(exported.layers);
      const entry = await imported();
      await parts.store.delete(digest);
      expect((await get(entry, `blobs/${digest}`)).status).to.equal(404);
      expect([parts.cache.isBroken(IDENTITY), parts.rechecked]).to.deep.equal([true, [digest]]);
      expect(await importFor()).to.equal(undefined);
      expect(await imports()).to.deep.equal({ injected: 1, broken: 1 });
      expect(await parts.counted("memobuild_cache_bad_layers_total")).to.deep.equal({ missing: 1 });
      const fresh = testExport("b");
      await publish(fresh, { ...IDENTITY, target: "other" });
      expect(await offered(await imported())).to.deep.equal(digestsOf(fresh));
    });

    for (const method of ["exports", "graphs", "blobs"] as const) {
      it(`gives nothing when the index fails to tell ${method}`, async () => {
        await publish(testExport("a"));
        Object.assign(parts.index, { [method]: () => Promise.reject(new Error("the index failed")) });
        expect(await importFor()).to.equal(undefined);
        expect(await imports()).to.deep.equal({ failed: 1 });
      });
    }

    it("does without a record of its use", async () => {
      await publish(testExport("a"));
      parts.index.touch = () => Promise.reject(new Error("the disk is full"));
      expect(await importFor()).not.to.equal(undefined);
    });

    it("offers no blob that is not the one that was verified, and has it looked into", async () => {
      const exported = testExport("a", "b");
      await publish(exported);
      const [lower, upper] = exported.layers;
      if (lower === undefined || upper === undefined) throw new Error("there are two layers");
      parts.store.keep(upper.digest, upper.bytes, upper.bytes.length);
      expect(await offered(await imported())).to.deep.equal([lower.digest]);
      expect(parts.rechecked).to.deep.equal([upper.digest]);
    });

    it("finds pinned exports, and those of builds alike, behind many others", async () => {
      const [pinned, alike] = [testExport("pinned"), testExport("alike")];
      const { id } = await publish(pinned, { ...IDENTITY, target: "pinned" });
      await parts.index.setPinned(id, true);
      await publish(alike);
      const other = testExport("other");
      await publish(other, { ...IDENTITY, target: "other" });
      const newer = { ...IDENTITY, ...MADE_BY, graph: other.graph, createdAtMs: Date.now() };
      for (let at = 0; at < 64; at++) await parts.index.publish({ ...newer, target: `${at}` });
      expect(await offered(await imported())).to.include.members([...digestsOf(pinned), ...digestsOf(alike)]);
    });
  });

  describe("beginExport", () => {
    /** Why it was refused. */
    const refusal = async (slot: ExportSlot, stepCount?: number): Promise<string> => {
      const error: unknown = await slot.publish(build(IDENTITY, stepCount)).catch((cause: unknown) => cause);
      if (!(error instanceof ExportRejected)) throw new Error(`not refused but ${String(error)}`);
      return error.message;
    };
    const isOpen = async ({ entry }: ExportSlot): Promise<boolean> =>
      (await send(parts.base, "POST", `${pathOf(entry)}/blobs/uploads/`)).status === 202;

    it("publishes what came, and takes no more", async () => {
      const slot = begin();
      const exported = testExport("a", "b");
      await pushExport(parts.base, slot.entry, exported);
      const { blobCount, recordCount, resultCount } = await slot.publish(build(IDENTITY, 2));
      expect([blobCount, recordCount, resultCount]).to.deep.equal([2, 2, 2]);
      expect(await isOpen(slot)).to.equal(false);
    });

    it("takes no more when it was discarded, which does no harm later", async () => {
      const slot = begin();
      expect(await isOpen(slot)).to.equal(true);
      slot.discard();
      slot.discard();
      expect(await isOpen(slot)).to.equal(false);
    });

    it("refuses an export without a manifest", async () => {
      const slot = begin();
      await pushExport(parts.base, slot.entry, testExport("a"), (kind) => kind !== "manifest");
      expect(await refusal(slot)).to.equal("no manifest came");
      expect(await isOpen(slot)).to.equal(false);
    });

    it("refuses an export without its config", async () => {
      const slot = begin();
      await pushExport(parts.base, slot.entry, testExport("a"), (kind) => kind !== "config");
      expect(await refusal(slot)).to.equal("its config is missing");
    });

    it("refuses an export without one of its layers, and the earlier one stays", async () => {
      const earlier = testExport("a");
      await publish(earlier);
      const slot = begin();
      const later = testExport("a", "b");
      await pushExport(parts.base, slot.entry, { ...later, layers: later.layers.slice(0, 1) });
      expect(await refusal(slot)).to.equal("1 of its layers are missing");
      expect(await offered(await imported())).to.deep.equal(digestsOf(earlier));
    });

    it("refuses an export with a layer that was changed, and has it looked into", async () => {
      const slot = begin();
      const exported = testExport("a");
      await pushExport(parts.base, slot.entry, exported);
      const { bytes, digest } = only(exported.layers);
      parts.store.keep(digest, bytes, bytes.length);
      expect(await refusal(slot)).to.equal("1 of its layers are missing");
      expect(parts.rechecked).to.deep.equal([digest]);
    });

    it("refuses an export with too few results for its build", async () => {
      const slot = begin();
      await pushExport(parts.base, slot.entry, testExport("a", "b"));
      expect(await refusal(slot, 5)).to.equal("it has 2 results for 5 steps");
      expect(await importFor()).to.equal(undefined);
    });
  });
});
