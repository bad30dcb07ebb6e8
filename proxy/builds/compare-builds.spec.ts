import { expect } from "chai";
import {
  STEPS,
  baseline,
  changedFrom,
  context,
  edited,
  file,
  recordOf,
  withFiles,
} from "../test/support/explained-builds.js";
import { compareBuilds } from "./compare-builds.js";
import { explain } from "./explain.js";

describe("compareBuilds", () => {
  const changes = (...builds: Parameters<typeof compareBuilds>): (readonly [string, readonly string[]])[] =>
    compareBuilds(...builds).map((step) => [step.name, step.changes]);

  it("finds no change between equal builds, and shows what became of each step", () => {
    const after = recordOf(edited({ 2: { result: "cached", durationMs: 0 } }));
    const compared = compareBuilds(baseline, after);
    expect(compared.map(({ changes: found }) => found)).to.deep.equal([[], [], [], []]);
    expect(compared[1]).to.deep.include({
      ...{ name: "[app 2/4] COPY . /src", before: { result: "ran", durationMs: 1200 } },
      after: { result: "cached", durationMs: 0 },
    });
  });

  it("says what changed, and what builds on that", () => {
    const after = recordOf(edited(changedFrom(3, { instruction: "RUN make all", parts: { command: "c2" } })));
    expect(changes(baseline, after)).to.deep.equal([
      ["[app 1/4] FROM alpine:3", []],
      ["[app 2/4] COPY . /src", []],
      ["[app 3/4] RUN make", ["the instruction changed"]],
      ["[app 4/4] RUN test", ["it builds on [app 3/4] RUN make, which changed"]],
    ]);
  });

  it("names files where the later build was compared with the earlier one when it ended", () => {
    const changed = context(withFiles(file("app.js", { contentHash: "2" })));
    const after = explain(recordOf(edited(changedFrom(2, {}))), changed);
    expect(changes(baseline, after)[1]?.[1]).to.deep.equal(["the file app.js in the build context changed"]);
    const others = changes({ ...baseline, ref: "another" }, after);
    expect(others[1]?.[1]).to.deep.equal(["files that it takes changed, or at least their times"]);
    expect(others[2]?.[1]).to.deep.equal(["what it builds on changed"]);
  });

  it("has steps of only one of the builds, too", () => {
    const short = recordOf(STEPS.slice(0, 4));
    expect(compareBuilds(baseline, short).at(-1)).to.deep.equal({
      ...{ name: "[app 4/4] RUN test", changes: [], before: { result: "ran", durationMs: 7000 } },
    });
    expect(compareBuilds(short, baseline).at(-1)).to.deep.include({ name: "[app 4/4] RUN test", before: undefined });
  });
});
