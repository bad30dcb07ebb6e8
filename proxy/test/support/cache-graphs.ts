/** Cache graphs for tests: built by hand, drawn by fast-check, or as large as those of a real project. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import type { CacheGraph, CacheInput, CacheLayer, CacheRecord, LayerBlob } from "../../cache/cache-graph.js";
import type { Digest } from "../../cache/digest.js";
import { DIFF_ID_ANNOTATION } from "../../cache/parse-cache-manifest.js";
import { writeCacheManifest } from "../../cache/write-cache-manifest.js";

const LAYER_MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

export const digestOf = (content: string | Buffer): Digest =>
  `sha256:${createHash("sha256").update(content).digest("hex")}` as Digest;

/** A layer that no store has, unless the test says so. */
export function layerBlob(name: string, annotations: Readonly<Record<string, string>> = {}): LayerBlob {
  return {
    digest: digestOf(`layer ${name}`),
    sizeBytes: 1000 + name.length,
    mediaType: LAYER_MEDIA_TYPE,
    annotations: { [DIFF_ID_ANNOTATION]: digestOf(`tar ${name}`), ...annotations },
  };
}

/** A time that BuildKit could have written: `minute` after the beginning of a year. */
export const createdAt = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

/** What BuildKit reads; graphs that say the same in another order are equal in it. */
export const textOf = (graph: CacheGraph): string => writeCacheManifest(graph).config.bytes.toString();

const inputsArbitrary = (sources: number, selectors: readonly string[]): fc.Arbitrary<readonly CacheInput[][]> => {
  if (sources === 0) return fc.constant([]);
  const alternative = fc.record({ selector: fc.constantFrom(...selectors), link: fc.nat(sources - 1) });
  const alternatives = fc.uniqueArray(alternative, {
    minLength: 1,
    maxLength: 3,
    selector: ({ selector, link }) => `${selector} ${link}`,
  });
  return fc.array(alternatives, { maxLength: 2 });
};

const resultsArbitrary = (layers: number, maxLength: number): fc.Arbitrary<CacheRecord["results"]> =>
  layers === 0
    ? fc.constant([])
    : fc.array(fc.record({ layer: fc.nat(layers - 1), createdAt: fc.nat(9).map(createdAt) }), { maxLength });

/** Layers of few blobs, in chains, in any order; the same blob may lie upon several others. */
const layersArbitrary = (count: number): fc.Arbitrary<readonly CacheLayer[]> =>
  fc
    .tuple(
      fc.array(fc.record({ blob: fc.nat(7), parent: fc.nat(count) }), { maxLength: count }),
      fc.constantFrom<Readonly<Record<string, string>>[]>({}, { "buildkit/description": "RUN make" }),
    )
    .map(([drawn, annotations]) =>
      drawn.map(({ blob, parent }, index) => ({
        blob: layerBlob(`${blob}`, annotations),
        parent: parent >= index ? -1 : parent,
      })),
    );

/** Turns the numbers of records around, so that links lead both up and down. */
function reversed({ layers, records }: CacheGraph): CacheGraph {
  const turned = [...records].reverse();
  return {
    layers,
    records: turned.map((record) => ({
      ...record,
      inputs: record.inputs.map((input) =>
        input.map(({ selector, link }) => ({ selector, link: records.length - 1 - link })),
      ),
    })),
  };
}

const graphArbitrary = (
  digestFor: (index: number, inputs: number, drawn: number) => string,
): fc.Arbitrary<CacheGraph> =>
  layersArbitrary(8).chain((layers) =>
    fc
      .tuple(
        fc.tuple(
          ...Array.from({ length: 10 }, (_, index) =>
            fc.record({
              drawn: fc.nat(9),
              inputs: inputsArbitrary(index, ["", "/src", digestOf("selector")]),
              results: resultsArbitrary(layers.length, 2),
            }),
          ),
        ),
        fc.nat(10),
        fc.boolean(),
      )
      .map(([drawn, length, isReversed]) => {
        const records = drawn.slice(0, length).map(({ drawn: number, inputs, results }, index) => ({
          digest: digestFor(index, inputs.length, number),
          inputs,
          results,
        }));
        return isReversed ? reversed({ layers, records }) : { layers, records };
      }),
  );

/**
 * Valid graphs of few different keys, which merge with each other in every way, also so that circles would come of it.
 * The number of a key's inputs is part of it, as it is in BuildKit.
 */
export const tangledGraph: fc.Arbitrary<CacheGraph> = graphArbitrary((_, inputs, drawn) =>
  digestOf(`${drawn % 3} of ${inputs}`),
);

/** Graphs of one project: the same step is at the same place in each, so that no merge makes a circle. */
export const projectGraph: fc.Arbitrary<CacheGraph> = graphArbitrary((index, inputs, drawn) =>
  digestOf(`step ${index}, variant ${drawn % 2} of ${inputs}`),
);

/** Graphs that are as BuildKit exports them: each key once, one result at most, no layer that nothing needs. */
export const tidyGraph: fc.Arbitrary<CacheGraph> = fc
  .array(fc.record({ source: fc.nat(20), selector: fc.constantFrom("", "/src"), parent: fc.nat(20), at: fc.nat(9) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((drawn) => ({
    layers: drawn.map(({ parent }, index) => ({
      blob: layerBlob(`of ${index}`),
      parent: parent >= index ? -1 : parent,
    })),
    records: drawn.map(({ source, selector, at }, index) => ({
      digest: digestOf(`key ${index}`),
      inputs: source >= index ? [] : [[{ selector, link: source }]],
      results: [{ layer: index, createdAt: createdAt(at) }],
    })),
  }));

export interface ProjectExport {
  readonly records: number;
  /** Records before this one are those of every export of the project. */
  readonly sharedRecords: number;
  readonly variant: string;
}

/** An export as large as told: stages of ten steps, each step with a layer, found by its context and by the step before. */
export function projectExport({ records: count, sharedRecords, variant }: ProjectExport): CacheGraph {
  const nameOf = (index: number): string => (index < sharedRecords ? `${index}` : `${index} of ${variant}`);
  const layers: CacheLayer[] = [];
  const records: CacheRecord[] = [];
  for (let index = 0; index < count; index++) {
    const isFirst = index % 10 === 0;
    const layer = layers.length;
    if (!isFirst) layers.push({ blob: layerBlob(nameOf(index)), parent: index % 10 === 1 ? -1 : layer - 1 });
    const step = [{ selector: "", link: index - 1 }];
    const context = { selector: digestOf("/src"), link: index - (index % 10) };
    records.push({
      digest: digestOf(`key ${nameOf(index)}`),
      inputs: isFirst ? [] : index % 3 === 0 ? [step, [context]] : [step],
      results: isFirst ? [] : [{ layer, createdAt: createdAt(index) }],
    });
  }
  return { layers, records };
}
