import { expect } from "chai";
import { projectExport } from "../test/support/cache-graphs.js";
import type { CacheGraph } from "./cache-graph.js";
import { ImportMaker } from "./import-maker.js";
import { parseCacheManifest } from "./parse-cache-manifest.js";

describe("ImportMaker", () => {
  const exported = (variant: string): CacheGraph => projectExport({ records: 6, sharedRecords: 3, variant });
  const maker = new ImportMaker(() => 100);

  it("gives equal builds the same import, until there is another export", () => {
    const [one, two] = [exported("1"), exported("2")];
    const first = maker.make("build", [one], new Set());
    expect(maker.make("build", [one], new Set())).to.equal(first);
    const second = maker.make("build", [two, one], new Set());
    expect(second).not.to.equal(first);
    expect(second?.recordCount).to.be.greaterThan(first?.recordCount ?? 0);
  });

  it("leaves out what has become unusable, and takes it again when it is back", () => {
    const graph = exported("3");
    const whole = maker.make("lost", [graph], new Set());
    const lost = graph.layers.at(-1)?.blob.digest;
    expect(lost).not.to.equal(undefined);
    const less = maker.make("lost", [graph], new Set(lost === undefined ? [] : [lost]));
    expect([...(less?.layers.keys() ?? [])]).not.to.include(lost);
    expect(maker.make("lost", [graph], new Set())?.config.digest).to.equal(whole?.config.digest);
  });

  it("makes another one when more or fewer records are allowed", () => {
    let maxRecords = 100;
    const following = new ImportMaker(() => maxRecords);
    const graph = exported("5");
    const whole = following.make("build", [graph], new Set());
    maxRecords = 2;
    expect(following.make("build", [graph], new Set())?.recordCount).to.be.lessThan(whole?.recordCount ?? 0);
    maxRecords = 100;
    expect(following.make("build", [graph], new Set())?.recordCount).to.equal(whole?.recordCount);
  });

  it("tells the blobs that its manifest refers to", () => {
    const made = maker.make("layers", [exported("4")], new Set());
    if (made === undefined) throw new Error("there are results");
    const { layers } = parseCacheManifest(made.manifest.bytes, made.config.bytes);
    expect(new Map(layers.map(({ blob }) => [blob.digest, blob.sizeBytes]))).to.deep.equal(made.layers);
  });

  it("makes none where nothing can be used", () => {
    const graph = exported("5");
    expect(maker.make("none", [graph], new Set(graph.layers.map(({ blob }) => blob.digest)))).to.equal(undefined);
    expect(maker.make("none", [], new Set())).to.equal(undefined);
  });
});
