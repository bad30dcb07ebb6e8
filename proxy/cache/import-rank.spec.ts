/** The order in which exports are taken for an import. */
import { expect } from "chai";
import fc from "fast-check";
import type { BuildIdentity, ExportSummary } from "./cache-index.js";
import { rankExports } from "./import-rank.js";

const BUILD: BuildIdentity = {
  tenant: "",
  project: "git.example/app",
  dockerfile: "Dockerfile",
  target: "release",
  platform: "linux/amd64",
};

const summary = (id: number, differences: Partial<ExportSummary> = {}): ExportSummary => ({
  ...BUILD,
  ...{ id, revision: "", builder: "", ref: "", createdAtMs: 1000, lastUsedAtMs: 1000, hits: 0, isPinned: false },
  ...{ sizeBytes: 1, recordCount: 1, resultCount: 1, blobCount: 1 },
  ...differences,
});

const ranked = (exports: readonly ExportSummary[]): number[] => rankExports(BUILD, exports).map(({ id }) => id);

describe("rankExports", () => {
  it("prefers the same Dockerfile and target, then the same Dockerfile, then the same platform", () => {
    const exports = [
      summary(1, { platform: "linux/arm64", createdAtMs: 5000 }),
      summary(2, { dockerfile: "test.Dockerfile", createdAtMs: 4000 }),
      summary(3, { target: "test", createdAtMs: 3000 }),
      summary(4, { createdAtMs: 2000 }),
    ];
    expect(ranked(exports)).to.deep.equal([4, 3, 2, 1]);
  });

  it("prefers the newer of two that are equally like the build", () => {
    expect(ranked([summary(1, { createdAtMs: 1 }), summary(2, { createdAtMs: 2 })])).to.deep.equal([2, 1]);
  });

  it("takes a pinned one for new, but for no more like the build", () => {
    const exports = [
      summary(1),
      summary(2, { isPinned: true, createdAtMs: 1 }),
      summary(3, { target: "x", isPinned: true }),
    ];
    expect(ranked(exports)).to.deep.equal([2, 1, 3]);
  });

  it("gives the same order however the exports come", () => {
    const drawn = fc.array(
      fc.record({
        createdAtMs: fc.nat(2),
        isPinned: fc.boolean(),
        target: fc.constantFrom("release", "test"),
        platform: fc.constantFrom("linux/amd64", ""),
      }),
    );
    const shuffles = drawn
      .map((all) => all.map((differences, id) => summary(id, differences)))
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(shuffles, ([all, shuffled]) => {
        expect(ranked(shuffled)).to.deep.equal(ranked(all));
      }),
    );
  });
});
