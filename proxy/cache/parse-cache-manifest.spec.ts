/** Cache exports as BuildKit writes them, and as nobody should. */
import { expect } from "chai";
import fc from "fast-check";
import { createdAt, digestOf, layerBlob } from "../test/support/cache-graphs.js";
import type { CacheGraph } from "./cache-graph.js";
import {
  CACHE_CONFIG_MEDIA_TYPE,
  CACHE_DOCUMENT_MAX_BYTES,
  CacheManifestError,
  cacheConfigOf,
  CHAIN_MAX_LAYERS,
  parseCacheManifest,
} from "./parse-cache-manifest.js";

const LOWER = layerBlob("lower");
const UPPER = layerBlob("upper");
const DESCRIPTORS = [LOWER, UPPER].map(({ digest, sizeBytes, mediaType, annotations }) => ({
  ...{ mediaType, digest, annotations },
  size: sizeBytes,
}));
const LAYERS = [{ blob: LOWER.digest, parent: -1 }, { blob: UPPER.digest }];
const RESULT = { layer: 1, createdAt: createdAt(3) };

interface Documents {
  readonly manifest: Buffer;
  readonly config: Buffer;
}

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const configDescriptor = (config: Buffer): object => ({
  mediaType: CACHE_CONFIG_MEDIA_TYPE,
  digest: digestOf(config),
  size: config.length,
});

function imageManifest(config: unknown, differences: object = {}): Documents {
  const bytes = Buffer.isBuffer(config) ? config : bytesOf(config);
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = { schemaVersion: 2, mediaType, config: configDescriptor(bytes), layers: DESCRIPTORS };
  return { manifest: bytesOf({ ...manifest, ...differences }), config: bytes };
}

const parse = ({ manifest, config }: Documents): CacheGraph => parseCacheManifest(manifest, config);

const parseRecords = (...records: readonly object[]): CacheGraph => parse(imageManifest({ layers: LAYERS, records }));

const RECORDS = [
  { digest: "sha256:step", layers: [RESULT], inputs: [[{ selector: "/src", link: 1 }, { link: 2 }], [{ link: 2 }]] },
  { digest: "sha256:context" },
  { digest: "sha256:base" },
];

const GRAPH: CacheGraph = {
  layers: [
    { blob: LOWER, parent: -1 },
    { blob: UPPER, parent: 0 },
  ],
  records: [
    {
      digest: "sha256:step",
      inputs: [
        [
          { selector: "/src", link: 1 },
          { selector: "", link: 2 },
        ],
        [{ selector: "", link: 2 }],
      ],
      results: [RESULT],
    },
    { digest: "sha256:context", inputs: [], results: [] },
    { digest: "sha256:base", inputs: [], results: [] },
  ],
};

describe("parseCacheManifest", () => {
  it("reads an image manifest, in which a parent left out is the first layer", () => {
    expect(parseRecords(...RECORDS)).to.deep.equal(GRAPH);
  });

  it("reads an index, in which the config is one of the entries", () => {
    const config = bytesOf({ layers: LAYERS, records: RECORDS });
    const manifests = [...DESCRIPTORS, configDescriptor(config)];
    for (const mediaType of [
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.docker.distribution.manifest.list.v2+json",
    ]) {
      expect(parse({ manifest: bytesOf({ schemaVersion: 2, mediaType, manifests }), config })).to.deep.equal(GRAPH);
    }
  });

  it("ignores what it does not know", () => {
    const records = RECORDS.map((record) => ({ ...record, later: 1 }));
    const layers = LAYERS.map((layer) => ({ ...layer, annotations: { size: 1 } }));
    expect(parse(imageManifest({ layers, records, later: [] }, { annotations: {} }))).to.deep.equal(GRAPH);
  });

  it("takes lists that are null or missing for empty ones", () => {
    expect(parse(imageManifest({ layers: null }))).to.deep.equal({ layers: [], records: [] });
    expect(parseRecords({ digest: "sha256:a", inputs: null, layers: null, chains: null }).records).to.have.length(1);
  });

  it("turns a chain, whose layers lie upon each other whatever their parents, into layers with parents", () => {
    const time = createdAt(1);
    const { layers, records } = parseRecords(
      { digest: "sha256:a", chains: [{ layers: [1, 0, 1], createdAt: time }] },
      { digest: "sha256:b", chains: [{ layers: [1, 0], createdAt: time }] },
      { digest: "sha256:c", chains: [{ layers: [0, 1], createdAt: time }] },
    );
    expect(layers.slice(2)).to.deep.equal([
      { blob: UPPER, parent: -1 },
      { blob: LOWER, parent: 2 },
      { blob: UPPER, parent: 3 },
    ]);
    expect(records.map(({ results }) => results)).to.deep.equal([4, 3, 1].map((layer) => [{ layer, createdAt: time }]));
  });

  it("throws nothing but CacheManifestError, whatever it is given", () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    const record = fc.oneof(value, fc.record({ digest: fc.string(), inputs: value, layers: value, chains: value }));
    fc.assert(
      fc.property(fc.array(record), value, value, (records, layers, differences) => {
        const documents = [imageManifest({ layers, records }), imageManifest({ layers: LAYERS, records }, { layers })];
        documents.push(imageManifest(differences), { manifest: bytesOf(differences), config: bytesOf(records) });
        for (const given of documents) {
          try {
            parse(given);
          } catch (error) {
            expect(error).to.be.instanceOf(CacheManifestError);
          }
        }
      }),
    );
  });

  const refused: readonly (readonly [what: string, reason: RegExp, documents: () => Documents])[] = [
    [
      "a manifest that is not JSON",
      /manifest is not JSON/,
      () => ({ manifest: Buffer.from("{"), config: Buffer.of() }),
    ],
    ["another media type", /media type/, () => imageManifest({}, { mediaType: "text/plain" })],
    ["a manifest that is an index as well", /look like/, () => imageManifest({}, { manifests: [] })],
    ["an image", /name one cache config/, () => imageManifest({}, { config: DESCRIPTORS[0] })],
    ["a config that the manifest does not name", /another one/, () => ({ ...imageManifest({}), config: bytesOf([]) })],
    [
      "a config that BuildKit finds too large",
      /config is larger/,
      () => imageManifest(Buffer.alloc(CACHE_DOCUMENT_MAX_BYTES + 1, " ")),
    ],
    [
      "a manifest that BuildKit finds too large",
      /manifest is larger/,
      () => imageManifest({}, { filler: " ".repeat(CACHE_DOCUMENT_MAX_BYTES) }),
    ],
    [
      "a layer without the digest of its uncompressed form",
      /has no containerd.io\/uncompressed/,
      () => imageManifest({}, { layers: [{ ...DESCRIPTORS[0], annotations: {} }] }),
    ],
    ["a layer without a size", /size of layer/, () => imageManifest({}, { layers: [{ ...DESCRIPTORS[0], size: -1 }] })],
    [
      "a layer without a digest",
      /digest of a layer/,
      () => imageManifest({}, { layers: [{ ...DESCRIPTORS[0], digest: "x" }] }),
    ],
    [
      "a layer that the manifest does not describe",
      /does not describe/,
      () => imageManifest({ layers: LAYERS }, { layers: [] }),
    ],
    [
      "a parent that is not there",
      /parent of a layer/,
      () => imageManifest({ layers: [{ blob: LOWER.digest, parent: 1 }] }),
    ],
    [
      "layers in a circle",
      /layers are parents/,
      () => imageManifest({ layers: [{ blob: LOWER.digest, parent: 1 }, { blob: UPPER.digest }] }),
    ],
    ["a layer upon itself", /layers are parents/, () => imageManifest({ layers: [{ blob: LOWER.digest }] })],
    [
      "more layers upon each other than can be",
      /more than/,
      () =>
        imageManifest({
          layers: Array.from({ length: CHAIN_MAX_LAYERS + 1 }, (_, index) => ({
            blob: LOWER.digest,
            parent: index - 1,
          })),
          records: [{ digest: "sha256:a", layers: [{ ...RESULT, layer: CHAIN_MAX_LAYERS }] }],
        }),
    ],
  ];
  for (const [what, reason, documents] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => parse(documents())).to.throw(CacheManifestError, reason);
    });
  }

  const refusedRecords: readonly (readonly [what: string, reason: RegExp, records: readonly object[]])[] = [
    ["no digest", /digest of a record/, [{}]],
    ["a key for one build only", /names nothing/, [{ digest: "random:abc" }]],
    ["a link that leads nowhere", /record of an input/, [{ digest: "sha256:a", inputs: [[{ link: 1 }]] }]],
    ["a link to nothing", /record of an input/, [{ digest: "sha256:a", inputs: [[{}]] }]],
    ["an input without alternatives", /no alternatives/, [{ digest: "sha256:a", inputs: [[]] }]],
    ["a link to itself", /circle/, [{ digest: "sha256:a", inputs: [[{ link: 0 }]] }]],
    [
      "links in a circle",
      /circle/,
      [
        { digest: "sha256:a", inputs: [[{ link: 1 }]] },
        { digest: "sha256:b", inputs: [[{ link: 0 }]] },
      ],
    ],
    ["a selector that is no text", /selector/, [{ digest: "sha256:b", inputs: [[{ link: 0, selector: 1 }]] }]],
    ["a result of no layer", /layer of a result/, [{ digest: "sha256:a", layers: [{ ...RESULT, layer: 2 }] }]],
    ["a result of no time", /created/, [{ digest: "sha256:a", layers: [{ layer: 1 }] }]],
    ["a chain of no layers", /no layers/, [{ digest: "sha256:a", chains: [{ layers: [], createdAt: createdAt(1) }] }]],
    ["a chain of unknown layers", /layer of a chain/, [{ digest: "sha256:a", chains: [{ layers: [9] }] }]],
  ];
  for (const [what, reason, records] of refusedRecords) {
    it(`refuses a record with ${what}`, () => {
      expect(() => parseRecords(...records)).to.throw(CacheManifestError, reason);
    });
  }
});

describe("cacheConfigOf", () => {
  it("says where the config of a manifest is found", () => {
    const { manifest, config } = imageManifest({});
    expect(cacheConfigOf(manifest)).to.deep.equal({ digest: digestOf(config), sizeBytes: config.length });
  });

  it("refuses what names none", () => {
    expect(() => cacheConfigOf(Buffer.from("[]"))).to.throw(CacheManifestError, /not an object/);
  });
});
