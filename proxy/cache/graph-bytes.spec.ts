/** Graphs survive their compact form. */
import { expect } from "chai";
import fc from "fast-check";
import type { CacheGraph } from "./cache-graph.js";
import type { Digest } from "./digest.js";
import { graphFromBytes, graphToBytes } from "./graph-bytes.js";

const text = fc.string({ unit: "binary" });
const index = fc.nat(2 ** 31);

const layer = fc.record({
  blob: fc.record({
    digest: text.map((name) => name as Digest),
    sizeBytes: fc.maxSafeNat(),
    mediaType: text,
    annotations: fc.dictionary(text, text, { noNullPrototype: true }),
  }),
  parent: fc.integer({ min: -1, max: 2 ** 31 }),
});

const record = fc.record({
  digest: text,
  inputs: fc.array(fc.array(fc.record({ selector: text, link: index }))),
  results: fc.array(fc.record({ layer: index, createdAt: text })),
});

const anyGraph: fc.Arbitrary<CacheGraph> = fc.record({
  layers: fc.array(layer, { maxLength: 5 }),
  records: fc.array(record, { maxLength: 5 }),
});

describe("graphToBytes", () => {
  it("is undone by graphFromBytes", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        expect(graphFromBytes(graphToBytes(graph))).to.deep.equal(graph);
      }),
      { numRuns: 50 },
    );
  });

  it("says the same of equal graphs, and something else of others", () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, (one, other) => {
        const isEqual = Buffer.compare(graphToBytes(one), graphToBytes(other)) === 0;
        expect(Buffer.compare(graphToBytes(one), graphToBytes(structuredClone(one)))).to.equal(0);
        if (isEqual) expect(one).to.deep.equal(other);
      }),
      { numRuns: 50 },
    );
  });
});

describe("graphFromBytes", () => {
  it("throws when the bytes are cut short", () => {
    const digest = "x" as Digest;
    const blob = { digest, sizeBytes: 1, mediaType: "m", annotations: {} };
    const bytes = graphToBytes({ layers: [{ blob, parent: -1 }], records: [] });

    for (let length = 0; length < bytes.length - 2; length += 1) {
      expect(() => graphFromBytes(bytes.subarray(0, length)), `${length} bytes`).to.throw();
    }
  });
});
