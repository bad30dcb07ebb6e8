/** Graphs made of several exports. */
import { expect } from "chai";
import fc from "fast-check";
import {
  createdAt,
  digestOf,
  layerBlob,
  projectExport,
  projectGraph,
  tangledGraph,
  textOf,
  tidyGraph,
} from "../test/support/cache-graphs.js";
import type { CacheGraph, CacheRecord, LayerBlob } from "./cache-graph.js";
import { parseCacheManifest } from "./parse-cache-manifest.js";
import { synthesize } from "./synthesize.js";
import { writeCacheManifest } from "./write-cache-manifest.js";

const everyBlob = (): boolean => true;

const synthesis = (
  graphs: readonly CacheGraph[],
  isUsable: (blob: LayerBlob) => boolean = everyBlob,
  maxRecords?: number,
): CacheGraph | undefined =>
  synthesize({
    graphs: graphs.map((graph) => ({ graph })),
    isUsable,
    ...(maxRecords === undefined ? {} : { maxRecords }),
  });

const layer = (name: string, parent = -1): CacheGraph["layers"][number] => ({ blob: layerBlob(name), parent });

const record = (digest: string, sources: readonly (readonly number[])[], result?: number, minute = 0): CacheRecord => ({
  digest,
  inputs: sources.map((links) => links.map((link) => ({ selector: "", link }))),
  results: result === undefined ? [] : [{ layer: result, createdAt: createdAt(minute) }],
});

const digestsOf = (graph: CacheGraph | undefined): string[] =>
  (graph?.records ?? []).map(({ digest }) => digest).sort();

/** The names of a result's layers, lowest first. */
function chainOf({ layers }: CacheGraph, index: number): Digests {
  const at = layers[index];
  return at === undefined ? [] : [...chainOf({ layers, records: [] }, at.parent), at.blob.digest];
}
type Digests = readonly string[];

const isIn =
  (unusable: ReadonlySet<string>) =>
  ({ digest }: LayerBlob): boolean =>
    !unusable.has(digest);

const unusableArbitrary = fc.subarray(["0", "1", "2", "3"].map((name): string => layerBlob(name).digest));
const wildGraphs = fc.array(fc.oneof(tangledGraph, projectGraph), { maxLength: 5 });

/** The newest result of a record that can be used, as its time; found the slow way. */
function newestUsable(graph: CacheGraph, { results }: CacheRecord, unusable: ReadonlySet<string>): string | undefined {
  const times = results
    .filter((result) => !chainOf(graph, result.layer).some((digest) => unusable.has(digest)))
    .map((result) => result.createdAt);
  return times.sort().at(-1);
}

/** For each record of `graph` that of `whole` which a build finds that knows the same: the slow way again. */
function found(whole: CacheGraph, graph: CacheGraph): (number | undefined)[] {
  const places: (number | undefined)[] = graph.records.map(() => undefined);
  const leadsTo = ({ digest, inputs }: CacheRecord, candidate: CacheRecord): boolean =>
    candidate.digest === digest &&
    candidate.inputs.length === inputs.length &&
    inputs.every((input, index) =>
      input.every(({ selector, link }) =>
        candidate.inputs[index]?.some((other) => other.selector === selector && other.link === places[link]),
      ),
    );
  // As often as there are records: then every one is behind those that lead to it.
  const again = (): void => {
    graph.records.forEach((one, index) => {
      const place = whole.records.findIndex((candidate) => leadsTo(one, candidate));
      places[index] = place === -1 ? undefined : place;
    });
  };
  graph.records.forEach(again);
  return places;
}

/** Which records have a result that can be used, or lead to one. */
function needed(graph: CacheGraph, unusable: ReadonlySet<string>): boolean[] {
  const isNeeded = graph.records.map((one) => newestUsable(graph, one, unusable) !== undefined);
  const again = (): void => {
    graph.records.forEach(({ inputs }, index) => {
      if (isNeeded[index] === true) for (const { link } of inputs.flat()) isNeeded[link] = true;
    });
  };
  graph.records.forEach(again);
  return isNeeded;
}

describe("synthesize", () => {
  it("merges records with equal digests and inputs, and keeps the newest result", () => {
    const older: CacheGraph = { layers: [layer("old")], records: [record("base", []), record("step", [[0]], 0, 1)] };
    const newer: CacheGraph = { layers: [layer("new")], records: [record("step", [[1]], 0, 2), record("base", [])] };
    for (const graphs of [
      [older, newer],
      [newer, older],
    ]) {
      const merged = synthesis(graphs);
      expect(merged?.layers).to.deep.equal([layer("new")]);
      expect(textOf(merged ?? older)).to.equal(textOf(newer));
    }
  });

  it("keeps records apart that have the same digest and other inputs", () => {
    const a: CacheGraph = { layers: [layer("a")], records: [record("base a", []), record("step", [[0]], 0)] };
    const b: CacheGraph = { layers: [layer("b")], records: [record("base b", []), record("step", [[0]], 0)] };
    expect(digestsOf(synthesis([a, b]))).to.deep.equal(["base a", "base b", "step", "step"]);
  });

  it("unites the alternatives of an input once one is in common", () => {
    const by = (...keys: readonly string[]): CacheGraph => ({
      layers: [layer("l")],
      records: [...keys.map((key) => record(key, [])), record("step", [keys.map((_, index) => index)], 0)],
    });
    const merged = synthesis([by("definition 1", "content"), by("definition 2", "content")]);
    expect(digestsOf(merged)).to.deep.equal(["content", "definition 1", "definition 2", "step"]);
    expect(merged?.records.find(({ digest }) => digest === "step")?.inputs[0]).to.have.length(3);
  });

  it("merges what a third export shows to be equal, and all that follows from it", () => {
    const by = (after: string, ...keys: readonly string[]): CacheGraph => ({
      layers: [layer("l")],
      records: [
        ...keys.map((key) => record(key, [])),
        record("step", [keys.map((_, index) => index)], 0),
        record(after, [[keys.length]], 0),
        record("last", [[keys.length + 1]], 0),
      ],
    });
    const [a, b, bridge] = [by("next", "a"), by("next", "b"), by("other", "a", "b")];
    expect(digestsOf(synthesis([a, b]))).to.have.length(8);
    expect(digestsOf(synthesis([a, b, bridge]))).to.deep.equal(["a", "b", "last", "last", "next", "other", "step"]);
  });

  it("breaks a circle that no export has by itself, and keeps a way to every record", () => {
    const way = (first: string, second: string): CacheGraph => ({
      layers: [layer(first)],
      records: [record("base", []), record(first, [[0]], 0), record(second, [[0, 1]], 0)],
    });
    const merged = synthesis([way("x", "y"), way("y", "x")]) ?? { layers: [], records: [] };
    const { manifest, config } = writeCacheManifest(merged);
    expect(digestsOf(parseCacheManifest(manifest.bytes, config.bytes))).to.deep.equal(["base", "x", "y"]);
    expect(merged.records.flatMap(({ inputs }) => inputs.flat())).to.have.length(3);
  });

  it("leaves out a result of which one layer cannot be used, and takes the next newest", () => {
    const graph: CacheGraph = {
      layers: [layer("top", 1), layer("lost"), layer("old")],
      records: [
        {
          ...record("step", []),
          results: [
            { layer: 2, createdAt: createdAt(1) },
            { layer: 0, createdAt: createdAt(2) },
          ],
        },
      ],
    };
    const merged = synthesis([graph], ({ digest }) => digest !== layerBlob("lost").digest);
    expect(merged).to.deep.equal({ layers: [layer("old")], records: [record("step", [], 0, 1)] });
  });

  it("leaves out records that lead to no result", () => {
    const graph: CacheGraph = {
      layers: [layer("l")],
      records: [record("base", []), record("step", [[0]], 0), record("dead end", [[1]]), record("alone", [])],
    };
    expect(digestsOf(synthesis([graph]))).to.deep.equal(["base", "step"]);
  });

  it("gives nothing where there is no result", () => {
    const graph: CacheGraph = { layers: [layer("l")], records: [record("base", [], 0)] };
    expect(synthesis([])).to.equal(undefined);
    expect(synthesis([graph], () => false)).to.equal(undefined);
    expect(synthesis([graph], everyBlob, 0)).to.equal(undefined);
  });

  it("takes the records of the first export first when there is no room for all", () => {
    const [a, b] = ["a", "b"].map((variant) => projectExport({ records: 50, sharedRecords: 10, variant }));
    if (a === undefined || b === undefined) throw new Error("there are two");
    expect(
      digestsOf(synthesis([a, b], everyBlob, 60)).filter((digest) => digestsOf(a).includes(digest)),
    ).to.have.length(50);
    expect(digestsOf(synthesis([b, a], everyBlob, 50))).to.deep.equal(digestsOf(b));
  });

  it("takes the newest result of a record also from an export whose other records have no room", () => {
    const a: CacheGraph = { layers: [layer("a")], records: [record("step", [], 0, 1)] };
    const b: CacheGraph = { layers: [layer("b")], records: [record("other", [], 0), record("step", [], 0, 2)] };
    expect(synthesis([a, b], everyBlob, 1)?.layers).to.deep.equal([layer("b")]);
  });

  it("keeps manifest and config within their size", () => {
    const names = fc.string({
      unit: fc.constantFrom("a", '"', "\\", "\n", "\u0001", "é", "🐳", "\ud800"),
      maxLength: 40,
    });
    fc.assert(
      fc.property(names, fc.integer({ min: 2000, max: 12_000 }), (name, maxBytes) => {
        const { layers, records } = projectExport({ records: 40, sharedRecords: 0, variant: name });
        const graph: CacheGraph = {
          layers: layers.map(({ blob, parent }) => ({
            blob: { ...blob, annotations: { ...blob.annotations, "buildkit/description": name } },
            parent,
          })),
          records: records.map((one) => ({ ...one, digest: `${one.digest} ${name}` })),
        };
        const merged = synthesize({ graphs: [{ graph }], isUsable: everyBlob, maxBytes });
        if (merged === undefined) return;
        const { manifest, config } = writeCacheManifest(merged);
        const largest = Math.max(manifest.bytes.length, config.bytes.length);
        expect(largest).to.be.at.most(maxBytes);
      }),
      { numRuns: 50 },
    );
  });

  it("fills the size that there is", () => {
    const graph = projectExport({ records: 400, sharedRecords: 0, variant: "a" });
    const maxBytes = 50_000;
    const merged = synthesize({ graphs: [{ graph }], isUsable: everyBlob, maxBytes }) ?? { layers: [], records: [] };
    const { manifest, config } = writeCacheManifest(merged);
    expect(Math.max(manifest.bytes.length, config.bytes.length)).to.be.within(0.85 * maxBytes, maxBytes);
  });

  it("writes what can be read again, of usable layers only, within the cap, whatever the exports", () => {
    fc.assert(
      fc.property(wildGraphs, unusableArbitrary, fc.nat(20), (graphs, unusable, maxRecords) => {
        const merged = synthesis(graphs, isIn(new Set(unusable)), maxRecords);
        if (merged === undefined) return;
        const { manifest, config } = writeCacheManifest(merged);
        const read = parseCacheManifest(manifest.bytes, config.bytes);
        expect(read.records).to.have.length.within(1, maxRecords);
        expect(read.layers.every(({ blob }) => isIn(new Set(unusable))(blob))).to.equal(true);
        expect(needed(read, new Set())).to.not.include(false);
        expect(read.records.every(({ results }) => results.length <= 1)).to.equal(true);
        expect(new Set(read.layers.map((_, index) => chainOf(read, index).join()))).to.have.property(
          "size",
          read.layers.length,
        );
      }),
      { numRuns: 150 },
    );
  });

  it("leads to every record with its newest usable result, by each way that an export knows", () => {
    fc.assert(
      fc.property(fc.array(projectGraph, { maxLength: 5 }), unusableArbitrary, (graphs, drawn) => {
        const unusable = new Set(drawn);
        const merged = synthesis(graphs, isIn(unusable)) ?? { layers: [], records: [] };
        const newest = merged.records.map((): string | undefined => undefined);
        for (const graph of graphs) {
          const places = found(merged, graph);
          const isNeeded = needed(graph, unusable);
          graph.records.forEach((one, index) => {
            const place = places[index] ?? -1;
            if (isNeeded[index] !== true) return;
            expect(place).to.not.equal(-1);
            newest[place] = [newest[place] ?? "", newestUsable(graph, one, unusable) ?? ""].sort().at(-1) || undefined;
          });
        }
        expect(merged.records.map(({ results }) => results[0]?.createdAt)).to.deep.equal(newest);
      }),
      { numRuns: 150 },
    );
  });

  it("changes nothing of a single export as BuildKit writes them", () => {
    fc.assert(
      fc.property(tidyGraph, (graph) => {
        expect(textOf(synthesis([graph]) ?? { layers: [], records: [] })).to.equal(textOf(graph));
      }),
    );
  });

  it("changes nothing of what it made", () => {
    fc.assert(
      fc.property(wildGraphs, (graphs) => {
        const merged = synthesis(graphs);
        if (merged !== undefined) expect(textOf(synthesis([merged]) ?? merged)).to.equal(textOf(merged));
      }),
      { numRuns: 150 },
    );
  });

  it("gives the same bytes in whatever order the exports come, when there is room for all", () => {
    const shuffled = fc
      .array(projectGraph, { maxLength: 5 })
      .chain((graphs) => fc.tuple(fc.constant(graphs), fc.shuffledSubarray(graphs, { minLength: graphs.length })));
    fc.assert(
      fc.property(shuffled, ([graphs, others]) => {
        const [merged, again] = [synthesis(graphs), synthesis(others)];
        if (merged === undefined || again === undefined) expect(merged).to.equal(again);
        else expect(writeCacheManifest(again)).to.deep.equal(writeCacheManifest(merged));
      }),
      { numRuns: 150 },
    );
  });

  it("merges a hundred exports of a project in a moment", () => {
    const graphs = Array.from({ length: 64 }, (_, index) =>
      projectExport({ records: 100, sharedRecords: 90, variant: digestOf(`${index}`) }),
    );
    const begunMs = performance.now();
    const merged = synthesis(graphs);
    expect(merged?.records).to.have.length(90 + 64 * 10);
    expect(performance.now() - begunMs).to.be.below(1000);
  });
});
