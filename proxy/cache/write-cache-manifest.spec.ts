/** Manifests and configs for BuildKit, read back. */
import { expect } from "chai";
import fc from "fast-check";
import {
  createdAt,
  digestOf,
  layerBlob,
  projectExport,
  projectGraph,
  tangledGraph,
} from "../test/support/cache-graphs.js";
import type { CacheGraph } from "./cache-graph.js";
import { parseCacheManifest } from "./parse-cache-manifest.js";
import { writeCacheManifest } from "./write-cache-manifest.js";

const LOWER = layerBlob("lower");
const UPPER = layerBlob("upper", { "buildkit/description": 'RUN echo "\n"' });

const GRAPH: CacheGraph = {
  layers: [
    { blob: UPPER, parent: 1 },
    { blob: LOWER, parent: -1 },
  ],
  records: [
    {
      digest: digestOf("step"),
      inputs: [[{ selector: "/a b", link: 1 }]],
      results: [{ layer: 0, createdAt: createdAt(1) }],
    },
    { digest: digestOf("root"), inputs: [], results: [] },
  ],
};

/** What two graphs with equal content have in common, whatever the order of records, layers and alternatives. */
function contentOf({ layers, records }: CacheGraph): unknown {
  const chainOf = (index: number): string => {
    const layer = layers[index];
    if (layer === undefined) return "";
    const { annotations, ...blob } = layer.blob;
    return `${chainOf(layer.parent)} ${JSON.stringify([Object.entries(blob).sort(), Object.entries(annotations).sort()])}`;
  };
  const recordOf = (index: number): string => {
    const record = records[index];
    const inputs = record?.inputs.map((input) =>
      input.map(({ selector, link }) => `${selector} ${recordOf(link)}`).sort(),
    );
    const results = record?.results.map(({ layer, createdAt: at }) => `${at} ${chainOf(layer)}`).sort();
    return digestOf(JSON.stringify([record?.digest, inputs, results]));
  };
  return {
    layers: layers.map((_, index) => chainOf(index)).sort(),
    records: records.map((_, index) => recordOf(index)).sort(),
  };
}

describe("writeCacheManifest", () => {
  it("writes what BuildKit reads: parents before their layers, -1 for none, links that are never left out", () => {
    const { manifest, config } = writeCacheManifest(GRAPH);
    expect(JSON.parse(config.bytes.toString())).to.deep.equal({
      layers: [
        { blob: LOWER.digest, parent: -1 },
        { blob: UPPER.digest, parent: 0 },
      ],
      records: [
        { digest: digestOf("root") },
        {
          digest: digestOf("step"),
          layers: [{ layer: 1, createdAt: createdAt(1) }],
          inputs: [[{ selector: "/a b", link: 0 }]],
        },
      ],
    });
    expect(JSON.parse(manifest.bytes.toString())).to.deep.equal({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.buildkit.cacheconfig.v0",
        digest: digestOf(config.bytes),
        size: config.bytes.length,
      },
      layers: [LOWER, UPPER].map(({ digest, sizeBytes, mediaType, annotations }) => ({
        ...{ mediaType, digest, annotations },
        size: sizeBytes,
      })),
    });
    expect(manifest.digest).to.equal(digestOf(manifest.bytes));
    expect(config.digest).to.equal(digestOf(config.bytes));
  });

  it("describes a blob once that is in several chains", () => {
    const { manifest } = writeCacheManifest({ ...GRAPH, layers: [...GRAPH.layers, { blob: UPPER, parent: -1 }] });
    expect(JSON.parse(manifest.bytes.toString())).to.have.property("layers").with.length(2);
  });

  it("loses nothing that the reader reads", () => {
    fc.assert(
      fc.property(fc.oneof(tangledGraph, projectGraph), (graph) => {
        const { manifest, config } = writeCacheManifest(graph);
        expect(contentOf(parseCacheManifest(manifest.bytes, config.bytes))).to.deep.equal(contentOf(graph));
      }),
    );
  });

  it("writes equal bytes for a graph that it has written and read", () => {
    const graph = projectExport({ records: 200, sharedRecords: 0, variant: "a" });
    const written = writeCacheManifest(graph);
    const turned = parseCacheManifest(written.manifest.bytes, written.config.bytes);
    expect(writeCacheManifest(turned)).to.deep.equal(written);
  });

  it("writes equal bytes for records and layers in another order", () => {
    const { layers, records } = projectExport({ records: 100, sharedRecords: 0, variant: "a" });
    const last = { layer: layers.length - 1, record: records.length - 1 };
    const turned: CacheGraph = {
      layers: [...layers]
        .reverse()
        .map(({ blob, parent }) => ({ blob, parent: parent === -1 ? -1 : last.layer - parent })),
      records: [...records].reverse().map(({ digest, inputs, results }) => ({
        digest,
        inputs: inputs.map((input) =>
          input.map(({ selector, link }) => ({ selector, link: last.record - link })).reverse(),
        ),
        results: results.map(({ layer, createdAt: at }) => ({ layer: last.layer - layer, createdAt: at })),
      })),
    };
    expect(writeCacheManifest(turned)).to.deep.equal(writeCacheManifest({ layers, records }));
  });
});
