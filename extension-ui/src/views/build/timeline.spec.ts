import { expect } from "chai";
import { stepNode } from "./step-fixture.js";
import { barsOf, spanOf, ticksOf } from "./timeline.js";

describe("spanOf", () => {
  it("reaches from the first start to the last end, and to now where a step runs", () => {
    const ended = stepNode(0, { startedAtMs: 100, completedAtMs: 400 });
    const running = stepNode(1, { startedAtMs: 300, result: "running" });
    expect(spanOf([stepNode(2), ended], 1000)).to.deep.equal({ startMs: 100, endMs: 400 });
    expect(spanOf([ended, running], 1000)).to.deep.equal({ startMs: 100, endMs: 1000 });
  });

  it("is not stretched by a cached step that has the times of an earlier build", () => {
    const cached = stepNode(0, { startedAtMs: 1, completedAtMs: 1, result: "cached" });
    const ran = stepNode(1, { startedAtMs: 100, completedAtMs: 400 });
    const span = spanOf([cached, ran], 1000);
    expect(span).to.deep.equal({ startMs: 100, endMs: 400 });
    expect(barsOf([cached], { startMs: 100, endMs: 400 })[0]).to.include({ from: 0, share: 0, lastedMs: 0 });
    expect(spanOf([cached], 1000)).to.deep.equal({ startMs: 1, endMs: 1 });
  });

  it("is undefined where nothing began", () => {
    expect(spanOf([stepNode(0, { result: "waiting" })], 1000)).to.equal(undefined);
  });
});

describe("barsOf", () => {
  it("places steps by their start, and leaves out those that never began", () => {
    const nodes = [
      stepNode(0, { startedAtMs: 150, completedAtMs: 200 }),
      stepNode(1),
      stepNode(2, { startedAtMs: 100, completedAtMs: 150 }),
    ];
    const bars = barsOf(nodes, { startMs: 100, endMs: 200 });
    expect(bars.map(({ node, from, share }) => [node.step, from, share])).to.deep.equal([
      [2, 0, 0.5],
      [0, 0.5, 0.5],
    ]);
  });

  it("draws nothing beyond a build of no time at all", () => {
    const [bar] = barsOf([stepNode(0, { startedAtMs: 5, completedAtMs: 5 })], { startMs: 5, endMs: 5 });
    expect(bar).to.include({ from: 0, share: 0 });
  });
});

describe("ticksOf", () => {
  for (const wholeMs of [1, 999, 61_000, 7_200_000, 400_000_000]) {
    it(`puts a few round times along ${wholeMs.toString()} ms`, () => {
      const ticks = ticksOf({ startMs: 0, endMs: wholeMs }, 1);
      expect(ticks.length).to.be.within(1, 9);
      expect(ticks.at(-1)?.at).to.be.at.most(1);
      expect(new Set(ticks.map(({ text }) => text)).size).to.equal(ticks.length);
    });
  }
});
