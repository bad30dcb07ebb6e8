import { expect } from "chai";
import { firstMiss, missMark } from "./misses.js";
import { stepNode } from "./step-fixture.js";
import type { GraphNode } from "./step-types.js";

const missed = (step: number, startedAtMs: number, root?: number): GraphNode =>
  stepNode(step, {
    startedAtMs,
    cause: { kind: "files_changed", text: "a file changed", hint: "", ...(root !== undefined && { root }) },
  });

describe("firstMiss", () => {
  it("is the earliest step with a cause of its own", () => {
    const nodes = [missed(0, 5, 2), missed(1, 30), missed(2, 20), stepNode(3, { startedAtMs: 1 })];
    expect(firstMiss(nodes)?.step).to.equal(2);
  });

  it("is undefined where nothing missed", () => {
    expect(firstMiss([stepNode(0)])).to.equal(undefined);
  });
});

describe("missMark", () => {
  it("tells the first miss, what ran because of it, and neither", () => {
    const first = missed(2, 1);
    expect(missMark(first, first)).to.equal("first miss");
    expect(missMark(missed(3, 2, 2), first)).to.equal("because of it");
    expect(missMark(missed(4, 2, 1), first)).to.equal("");
    expect(missMark(first, undefined)).to.equal("");
  });
});
