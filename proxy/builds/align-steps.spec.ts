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

  it("finds a stage that has another name, by its instructions or else by its place", () => {
    const before = [...stage("a", ["RUN 1", "COPY x"]), ...stage("b", ["RUN 2", "RUN 3"])];
    const after = [...stage("new", ["ADD z"]), ...stage("c", ["RUN 2", "RUN 4"]), ...stage("d", ["RUN 5", "COPY x"])];
    expect(pairs(before, after)).to.deep.equal([undefined, "RUN 2", "RUN 3", "RUN 1", "COPY x"]);
    expect(pairs(stage("a", ["RUN 1"]), stage("b", ["RUN 2"]))).to.deep.equal(["RUN 1"]);
  });

  it("keeps platforms apart in a stage that has another name", () => {
    const both = (name: string, ...platforms: string[]): StepRecord[] =>
      platforms.flatMap((platform) => stage(name, ["RUN 1", "RUN 2"], platform));
    const [before, after] = [both("a", "linux/amd64", "linux/arm64"), both("b", "linux/arm64", "linux/amd64")];
    expect(alignSteps(before, after)).to.deep.equal([2, 3, 0, 1]);
  });

  it("takes 20,000 platforms of one stage in little time", () => {
    const one = sampleStep({ stage: "a", instruction: "RUN 1", key: "" });
    const many = (name: string): StepRecord[] =>
      Array.from({ length: 20_000 }, (_, index) => ({ ...one, name: `[${name}/${index} a 1/1] RUN 1` }));
    expect(alignSteps(many("x"), many("y"))).to.have.length(20_000);
  }).timeout(10_000);

  it("finds a stage of more left-over ones than are compared by their order", () => {
    const many = (name: string): StepRecord[] =>
      Array.from({ length: 200 }, (_, index) => stage(`${name}${index}`, [`RUN ${index}`])).flat();
    expect(alignSteps(many("a"), many("b"))).to.deep.equal(Array.from({ length: 200 }, (_, index) => index));
  });

  it("finds equal steps of builds without a Dockerfile", () => {
    const step = (key: string): StepRecord => sampleStep({ name: `do ${key}`, instruction: "", stage: "", key });
    expect(alignSteps([step("a"), step("b")], [step("b"), step("a")])).to.deep.equal([1, 0]);
  });

  it("finds instructions in another order, and does not take one for another of them", () => {
    const before = stage("a", ["RUN 1", "COPY x", "RUN 2"]);
    expect(pairs(before, stage("a", ["RUN 2", "COPY x", "RUN 1"]))).to.deep.equal(["RUN 2", "COPY x", "RUN 1"]);
  });

  it("finds steps that are the same for several platforms under the name of another one", () => {
    const of = (first: string, second: string): StepRecord[] => [
      ...stage("a", ["COPY shared", "COPY x"], first),
      ...stage("a", ["COPY x"], second),
    ];
    const [before, after] = [of("linux/amd64", "linux/arm64"), of("linux/arm64", "linux/amd64")];
    expect(pairs(before, after)).to.deep.equal(["COPY shared", "COPY x", "COPY x"]);
    expect(alignSteps(before, after)).to.deep.equal([0, 2, 1]);
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
  }).timeout(10_000);
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
