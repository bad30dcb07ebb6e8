import { expect } from "chai";
import fc from "fast-check";
import { sampleStep } from "../test/support/build-samples.js";
import { alignSteps, commonSubsequence } from "./align-steps.js";
import type { StepRecord } from "./build-record.js";

/** A stage as its instructions; numbers in the names as the frontend sets them. */
const stage = (name: string, instructions: readonly string[], platform = ""): StepRecord[] =>
  instructions.map((instruction, index) =>
    sampleStep({
      ...{ stage: name, instruction, key: "", kind: instruction.startsWith("RUN") ? "exec" : "file" },
      name: `[${platform === "" ? "" : `${platform} `}${name} ${index + 1}/${instructions.length}] ${instruction}`,
    }),
  );

const pairs = (before: readonly StepRecord[], after: readonly StepRecord[]): (string | undefined)[] =>
  alignSteps(before, after).map((index) => (index === undefined ? undefined : before[index]?.instruction));

describe("alignSteps", () => {
  it("pairs what is equal, also where an instruction came in between", () => {
    const [before, after] = [
      stage("a", ["RUN 1", "RUN 2", "RUN 3"]),
      stage("a", ["RUN 1", "RUN new", "RUN 2", "RUN 3"]),
    ];
    expect(pairs(before, after)).to.deep.equal(["RUN 1", undefined, "RUN 2", "RUN 3"]);
    expect(pairs(after, before)).to.deep.equal(["RUN 1", "RUN 2", "RUN 3"]);
  });

  it("pairs a changed instruction with what it was", () => {
    const before = stage("a", ["RUN 1", "COPY x /", "RUN old", "RUN 4"]);
    const after = stage("a", ["RUN 1", "RUN new", "COPY y /", "RUN 4"]);
    expect(pairs(before, after)).to.deep.equal(["RUN 1", "RUN old", undefined, "RUN 4"]);
  });

  it("keeps stages and platforms apart, whatever the order in which progress told of steps", () => {
    const of = (platform: string): StepRecord[] => [
      ...stage("a", ["RUN 1", "RUN 2"], platform),
      ...stage("b", ["RUN 1"], platform),
    ];
    const before = [...of("linux/amd64"), ...of("linux/arm64")];
    const after = [...before].reverse();
    expect(alignSteps(before, after)).to.deep.equal([5, 4, 3, 2, 1, 0]);
  });

  it("finds a stage without a name under another number", () => {
    const before = [...stage("a", ["RUN 1"]), ...stage("stage-1", ["RUN 2", "RUN 3"])];
    const after = [...stage("a", ["RUN 1"]), ...stage("b", ["RUN 9"]), ...stage("stage-2", ["RUN 2", "RUN 3"])];
    expect(pairs(before, after)).to.deep.equal(["RUN 1", undefined, "RUN 2", "RUN 3"]);
  });

  it("finds equal steps of a stage that has another name", () => {
    const withKeys = (steps: StepRecord[]): StepRecord[] => steps.map((step) => ({ ...step, key: step.instruction }));
    const [before, after] = [withKeys(stage("a", ["RUN 1", "RUN 2"])), withKeys(stage("b", ["RUN 1", "RUN 3"]))];
    expect(pairs(before, after)).to.deep.equal(["RUN 1", undefined]);
  });

  it("gives no step two counterparts, and a build itself", () => {
    const instruction = fc.constantFrom("RUN 1", "RUN 2", "COPY a", "COPY b", "ADD c");
    const build = fc
      .tuple(fc.array(instruction, { maxLength: 8 }), fc.array(instruction, { maxLength: 8 }))
      .map(([a, b]) => [...stage("a", a), ...stage("stage-1", b)]);
    fc.assert(
      fc.property(build, build, (before, after) => {
        const found = alignSteps(before, after).filter((index) => index !== undefined);
        expect(new Set(found).size).to.equal(found.length);
        expect(alignSteps(after, after)).to.deep.equal(after.map((_, index) => index));
      }),
    );
  });

  it("aligns 20,000 steps of one stage in little time", () => {
    const before = stage(
      "a",
      Array.from({ length: 20_000 }, (_, index) => `RUN ${index}`),
    );
    const after = stage(
      "a",
      Array.from({ length: 20_000 }, (_, index) => `RUN ${index % 2 === 0 ? index : -index}`),
    );
    expect(alignSteps(before, after).filter((index) => index === undefined).length).to.be.at.most(1);
  });
});

describe("commonSubsequence", () => {
  it("is as long as the longest one, and common", () => {
    const tokens = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });
    const longest = (a: readonly string[], b: readonly string[]): number => {
      if (a.length === 0 || b.length === 0) return 0;
      if (a[0] === b[0]) return 1 + longest(a.slice(1), b.slice(1));
      return Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
    };
    fc.assert(
      fc.property(tokens, tokens, (before, after) => {
        const pairs = commonSubsequence(before, after);
        expect(pairs.length).to.equal(longest(before, after));
        for (const [a, b] of pairs) expect(before[a]).to.equal(after[b]);
      }),
      { numRuns: 50 },
    );
  });
});
