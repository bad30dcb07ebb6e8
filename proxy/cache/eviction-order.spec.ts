/** The plan chooses what a naive model of the whole cache chooses. */
import { expect } from "chai";
import fc from "fast-check";
import { digestFor } from "../test/support/cache-index-contract.js";
import type { BlobReference } from "./cache-index.js";
import type { Digest } from "./digest.js";
import { EvictionPlan, type EvictionCandidate } from "./eviction-order.js";

interface Export {
  readonly isPinned: boolean;
  readonly blobs: readonly Digest[];
}

interface Cache {
  readonly exports: readonly Export[];
  readonly bytesToFree: number;
  readonly held: readonly Digest[];
  readonly keepsInUse: boolean;
}

const DIGESTS = ["a", "b", "c", "d", "e", "f"].map(digestFor);
const sizeOf = (digest: Digest): number => 10 + DIGESTS.indexOf(digest);

const candidates = (exports: readonly Export[]): EvictionCandidate[] =>
  exports.map(({ isPinned, blobs }) => ({
    isPinned,
    blobs: blobs.map((digest): BlobReference => ({
      digest,
      sizeBytes: sizeOf(digest),
      exports: exports.filter((other) => other.blobs.includes(digest)).length,
    })),
  }));

const bytesOf = (exports: readonly Export[], held: readonly Digest[]): number => {
  const kept = new Set([...held, ...exports.flatMap(({ blobs }) => blobs)]);
  return [...kept].reduce((sum, digest) => sum + sizeOf(digest), 0);
};

/** Takes the oldest that may go, looks at the whole cache again, and stops when it is small enough. */
function naive({ exports, bytesToFree, held, keepsInUse }: Cache) {
  const chosen: Export[] = [];
  const left = [...exports];
  const all = bytesOf(exports, held);
  const counted = keepsInUse ? held : [];
  for (const one of exports) {
    if (bytesOf(exports, counted) - bytesOf(left, counted) >= bytesToFree) break;
    const isInUse = one.blobs.length > 0 && one.blobs.every((digest) => held.includes(digest));
    if (one.isPinned || (keepsInUse && isInUse)) continue;
    left.splice(left.indexOf(one), 1);
    chosen.push(one);
  }
  return { chosen: chosen.map((one) => exports.indexOf(one)), freedBytes: all - bytesOf(left, held) };
}

const anyCache = fc.record({
  exports: fc.array(fc.record({ isPinned: fc.boolean(), blobs: fc.uniqueArray(fc.constantFrom(...DIGESTS)) })),
  bytesToFree: fc.oneof(fc.nat(80), fc.constant(Infinity)),
  held: fc.subarray(DIGESTS),
  keepsInUse: fc.boolean(),
});

const planFor = ({ bytesToFree, held, keepsInUse }: Cache): EvictionPlan =>
  new EvictionPlan({ bytesToFree, keepsInUse, isHeld: (digest) => held.includes(digest) });

describe("EvictionPlan", () => {
  it("chooses what a naive model chooses", () => {
    fc.assert(
      fc.property(anyCache, (cache) => {
        const { exports } = cache;
        const plan = planFor(cache);
        const chosen = candidates(exports).flatMap((candidate, at) => (plan.choose(candidate) ? [at] : []));
        expect({ chosen, freedBytes: plan.freedBytes }).to.deep.equal(naive(cache));
      }),
    );
  });

  it("chooses the same when what was chosen is removed in between", () => {
    fc.assert(
      fc.property(anyCache, (cache) => {
        const { exports } = cache;
        const plan = planFor(cache);
        const left = [...exports];
        const chosen: number[] = [];
        for (const [at, one] of exports.entries()) {
          const candidate = candidates(left)[left.indexOf(one)];
          if (candidate === undefined || !plan.choose(candidate)) continue;
          chosen.push(at);
          left.splice(left.indexOf(one), 1);
          plan.removed();
        }
        expect({ chosen, freedBytes: plan.freedBytes }).to.deep.equal(naive(cache));
      }),
    );
  });

  it("keeps everything when nothing is to be freed", () => {
    const plan = planFor({ exports: [], bytesToFree: 0, held: [], keepsInUse: false });

    expect(plan.choose({ isPinned: false, blobs: [] })).to.equal(false);
  });
});
