/** The history as lines. */
import { expect } from "chai";
import { extentOf, linesOf, loadLinesOf, timesOf } from "./usage-lines.js";

const load = [1000, 2000, 3000, 4000, 5000].map((atMs) => ({ atMs, runningBuilds: atMs / 1000, waitingBuilds: 0 }));
const sample = (sampledAtMs: number, cpuCores: number) => ({ sampledAtMs, cpuCores });

describe("linesOf", () => {
  it("puts the nearest sample to each time, and a gap where there is none near", () => {
    const samples = [sample(2900, 3), sample(4100, 4), sample(5050, 5)];
    const [line] = linesOf({ stepMs: 500, series: [{ name: "a", samples }], load }, "cpuCores");
    expect(line).to.deep.equal({ name: "a", values: [null, null, 3, 4, 5] });
  });

  it("has a gap where a sample does not tell the measure", () => {
    const [line] = linesOf(
      { stepMs: 1000, series: [{ name: "a", samples: [{ sampledAtMs: 5000 }] }], load },
      "stateBytes",
    );
    expect(line?.values).to.deep.equal([null, null, null, null, null]);
  });

  it("has a line without values for a builder without samples", () => {
    const [line] = linesOf({ stepMs: 1000, series: [{ name: "a", samples: [] }], load }, "cpuCores");
    expect(line?.values).to.have.length(5);
    expect(line?.values.every((value) => value === null)).to.equal(true);
  });
});

describe("loadLinesOf", () => {
  it("has running and waiting builds on the same axis", () => {
    const history = { stepMs: 1000, series: [], load };
    expect(timesOf(history)).to.have.length(5);
    expect(loadLinesOf(history).map(({ values }) => values)).to.deep.equal([
      [1, 2, 3, 4, 5],
      [0, 0, 0, 0, 0],
    ]);
  });
});

describe("extentOf", () => {
  it("tells the latest, the lowest and the highest value", () => {
    expect(extentOf({ name: "a", values: [2, null, 5, 1] })).to.deep.equal({ now: 1, lowest: 1, highest: 5 });
  });

  it("knows no value now of a line that ended", () => {
    expect(extentOf({ name: "a", values: [2, null] })).to.deep.equal({ now: undefined, lowest: 2, highest: 2 });
    expect(extentOf({ name: "a", values: [] }).highest).to.equal(undefined);
  });
});
