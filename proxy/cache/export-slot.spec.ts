/** Which exports are taken for what they say they are. */
import { expect } from "chai";
import { testExport } from "../test/support/cache-parts.js";
import { MemoryBlobStore } from "../test/support/memory-blob-store.js";
import type { CacheGraph } from "./cache-graph.js";
import { blobsOf, checkPlausible, ExportRejected, readExport } from "./export-slot.js";
import { CACHE_DOCUMENT_MAX_BYTES } from "./parse-cache-manifest.js";
import { writeCacheManifest } from "./write-cache-manifest.js";

describe("checkPlausible", () => {
  const { graph } = testExport("a", "b");

  it("takes an export that has results for half of the steps", () => {
    for (const stepCount of [0, 1, 4]) checkPlausible(graph, stepCount);
  });

  it("refuses one with fewer, or with none", () => {
    const empty: CacheGraph = { ...graph, records: graph.records.map((record) => ({ ...record, results: [] })) };
    for (const [given, stepCount] of [
      [graph, 5],
      [empty, 0],
      [{ layers: [], records: [] }, 0],
    ] as const) {
      expect(() => {
        checkPlausible(given, stepCount);
      }).to.throw(ExportRejected);
    }
  });
});

describe("readExport", () => {
  const { graph } = testExport("a", "b");
  const { config, manifest } = writeCacheManifest(graph);
  const refusal = async (bytes: Buffer, store: MemoryBlobStore): Promise<unknown> =>
    readExport(bytes, store).catch((error: unknown) => error);

  it("reads what a builder sends", async () => {
    const store = new MemoryBlobStore();
    store.keep(config.digest, config.bytes, config.bytes.length);
    const read = await readExport(manifest.bytes, store);
    expect(read.records).to.have.length(2);
    expect(new Set(blobsOf(read).map(({ digest }) => digest))).to.deep.equal(
      new Set(blobsOf(graph).map(({ digest }) => digest)),
    );
  });

  it("refuses a manifest and a config that cannot be read", async () => {
    const store = new MemoryBlobStore();
    expect(await refusal(Buffer.from("{"), store)).to.be.instanceOf(ExportRejected);
    store.keep(config.digest, Buffer.from("{"), 1);
    expect(await refusal(manifest.bytes, store)).to.be.instanceOf(ExportRejected);
  });

  it("reads no config that is larger than the limit, whatever the manifest says of it", async () => {
    const store = new MemoryBlobStore();
    const large = Buffer.alloc(CACHE_DOCUMENT_MAX_BYTES + 1, " ");
    store.keep(config.digest, large, large.length);
    expect(await refusal(manifest.bytes, store)).to.have.property("message", "its config is too large");
    const told = manifest.bytes.toString().replace(`"size":${config.bytes.length}`, `"size":${large.length}`);
    expect(await refusal(Buffer.from(told), store)).to.have.property("message", `its config has ${large.length} bytes`);
  });
});

describe("blobsOf", () => {
  it("names a blob once that lies in several layers", () => {
    const { graph } = testExport("a");
    expect(blobsOf({ ...graph, layers: [...graph.layers, ...graph.layers] })).to.have.length(1);
  });
});
