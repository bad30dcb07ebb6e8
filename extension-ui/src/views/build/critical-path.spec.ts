import { expect } from "chai";
import { criticalPath, criticalSteps } from "./critical-path.js";
import { stagedBuild } from "./step-fixture.js";

describe("criticalPath", () => {
  const timed = (...durations: number[]): { step: number; durationMs: number }[] =>
    durations.map((durationMs, step) => ({ step, durationMs }));

  it("is the chain that took longest in all, not the one with most steps", () => {
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 3, to: 2 },
    ];
    expect(criticalPath(timed(1, 1, 5, 10), edges)).to.deep.equal([3, 2]);
  });

  it("takes a step that is alone, and ignores edges to steps that are not there", () => {
    expect(criticalPath(timed(1, 7), [{ from: 9, to: 1 }])).to.deep.equal([1]);
  });

  it("is empty where nothing took time", () => {
    expect(criticalPath(timed(0, 0), [{ from: 0, to: 1 }])).to.deep.equal([]);
  });

  it("follows a chain of thousands of steps", () => {
    const { nodes, edges } = stagedBuild(1, 5000);
    expect(criticalPath(nodes, edges)).to.have.length(5000);
  });
});

describe("criticalSteps", () => {
  it("leaves out what took no time", () => {
    const nodes = [5, 0, 7].map((durationMs, step) => ({ step, durationMs }));
    expect([...criticalSteps(nodes, [0, 1, 2])]).to.deep.equal([0, 2]);
  });
});
