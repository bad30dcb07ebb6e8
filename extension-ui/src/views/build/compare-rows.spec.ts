import { expect } from "chai";
import { buildSummary as build } from "./build-fixture.js";
import { changeText, type ComparedRow, differences, differentFirst } from "./compare-rows.js";

const row = (name: string, changes: Partial<ComparedRow> = {}): ComparedRow => ({
  name,
  before: { result: "cached", durationMs: 0 },
  after: { result: "cached", durationMs: 0 },
  changes: [],
  ...changes,
});

describe("differentFirst", () => {
  it("begins with steps that did another thing, changed, or are in one build only", () => {
    const ran = row("ran", { after: { result: "ran", durationMs: 5 } });
    const added: ComparedRow = { name: "added", after: { result: "cached", durationMs: 0 }, changes: [] };
    const changed = row("changed", { changes: ["the command changed"] });
    const rows = [row("same"), ran, row("same too"), added, changed];
    expect(differentFirst(rows).map(({ name }) => name)).to.deep.equal(["ran", "added", "changed", "same", "same too"]);
  });
});

describe("changeText", () => {
  it("tells how much slower or faster a step was", () => {
    expect(changeText(row("x", { after: { result: "ran", durationMs: 1500 } }))).to.equal("1.5s slower");
    expect(changeText(row("x", { before: { result: "ran", durationMs: 20 } }))).to.equal("20ms faster");
    expect(changeText(row("x"))).to.equal("");
  });
});

describe("differences", () => {
  it("says that nothing differs", () => {
    expect(differences({ before: build({}), after: build({ ref: "other" }), steps: [row("a")] })).to.deep.equal([
      "Every step did the same.",
    ]);
  });

  it("tells fields, time, hit rate and the number of steps that differ", () => {
    const after = build({ target: "prod", endedAtMs: 3000 });
    const ran = row("a", { after: { result: "ran", durationMs: 5 } });
    expect(differences({ before: build({}), after, steps: [ran, row("b")] })).to.deep.equal([
      "The target was none and is prod.",
      "It took 2.0s longer.",
      "1 of 2 steps differs.",
    ]);
  });
});
