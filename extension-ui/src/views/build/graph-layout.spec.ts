import { expect } from "chai";
import { layoutGraph, NODE_HEIGHT, NODE_WIDTH, structureOf } from "./graph-layout.js";
import { stagedBuild, stepNode } from "./step-fixture.js";

const LAYOUT_LIMIT_MS = 300;

describe("layoutGraph", () => {
  it("puts a stage right of those that it takes from, and its steps one below the other", () => {
    const nodes = [stepNode(0, { stage: "final" }), stepNode(1, { stage: "base" }), stepNode(2, { stage: "base" })];
    const { places, stages } = layoutGraph(nodes, [
      { from: 2, to: 1 },
      { from: 1, to: 0 },
    ]);
    const [first, second, last] = [places.get(2), places.get(1), places.get(0)];
    expect(second?.x).to.equal(first?.x);
    expect(second?.y).to.be.above((first?.y ?? 0) + NODE_HEIGHT);
    expect(last?.x).to.be.above((first?.x ?? 0) + NODE_WIDTH);
    expect(stages.map(({ title }) => title)).to.deep.equal(["final", "base"]);
  });

  for (const [stages, stepsEach] of [
    [10, 50],
    [60, 8],
    [200, 5],
  ] as const) {
    const steps = stages * stepsEach;
    it(`places ${steps.toString()} steps of ${stages.toString()} stages apart from each other, and soon`, () => {
      const { nodes, edges } = stagedBuild(stages, stepsEach);
      // The quickest of a few: other processes do not count.
      const tookMs = [1, 2, 3].map(() => {
        const startedAtMs = performance.now();
        layoutGraph(nodes, edges);
        return performance.now() - startedAtMs;
      });
      expect(Math.min(...tookMs)).to.be.below(LAYOUT_LIMIT_MS);
      const layout = layoutGraph(nodes, edges);
      const taken = new Set([...layout.places.values()].map(({ x, y }) => `${x.toFixed(0)} ${y.toFixed(0)}`));
      expect(taken.size).to.equal(steps);
      for (const [index, one] of layout.stages.entries()) {
        for (const other of layout.stages.slice(index + 1)) {
          const isApart =
            one.x + one.width <= other.x + 0.5 ||
            other.x + other.width <= one.x + 0.5 ||
            one.y + one.height <= other.y + 0.5 ||
            other.y + other.height <= one.y + 0.5;
          expect(isApart, `${one.title} and ${other.title}`).to.equal(true);
        }
      }
    });
  }

  it("stands stages that take from each other, and a build without steps", () => {
    const nodes = [stepNode(0, { stage: "a" }), stepNode(1, { stage: "b" }), stepNode(2, { stage: "a" })];
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
    ];
    expect(layoutGraph(nodes, edges).places.size).to.equal(3);
    expect(layoutGraph([], []).stages).to.deep.equal([]);
  });
});

describe("structureOf", () => {
  it("stays the same when only what became of steps changes", () => {
    const edges = [{ from: 0, to: 1 }];
    const waiting = [stepNode(0, { result: "waiting" }), stepNode(1)];
    const failed = [stepNode(0, { result: "failed", durationMs: 99 }), stepNode(1)];
    expect(structureOf(waiting, edges)).to.equal(structureOf(failed, edges));
    expect(structureOf(waiting, edges)).not.to.equal(structureOf(waiting, []));
  });
});
