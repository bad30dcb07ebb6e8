import { expect } from "chai";
import { FROM, COPY, RUN, TEST, recordOf, context, onBuilder } from "../test/support/explained-builds.js";
import type { StepRecord } from "./build-record.js";
import { explain, type ExplainContext } from "./explain.js";

describe("WhyAgain", () => {
  /** As seen of BuildKit: stage `a` runs anew, `b` copies from it, and a RUN builds on that. */
  const A = { ...RUN, name: "[a 1/1] RUN date > /out", stage: "a", key: "a", inputs: [0], ignoresCache: true };
  const B = {
    ...COPY,
    name: "[b 1/2] COPY --from=a /out /",
    stage: "b",
    key: "b",
    inputs: [0, 1],
    contentInputs: [1],
    selections: [],
  };
  const C = { ...TEST, name: "[b 2/2] RUN c", stage: "b", key: "c", inputs: [2] };
  const explainB = (steps: readonly StepRecord[], more: Partial<ExplainContext>): StepRecord["cause"] =>
    explain(recordOf(steps, { noCache: ["a"] }), context({ baseline: undefined, ...more })).steps[2]?.cause;
  const cached = { ...C, result: "cached" as const };

  it("names the step that gave other files, where the builder still had the earlier result", () => {
    const cause = explainB([FROM, A, B, cached], { stepHistory: onBuilder("a", "b", "c") });
    expect(cause?.kind).to.equal("nondeterministic");
    expect(cause?.text).to.match(/^\[a 1\/1\] RUN date > \/out gave other files than before/);
  });

  it("says so where that is not certain: the builder may have removed the result", () => {
    const all = onBuilder("a", "b", "c");
    for (const [steps, more] of [
      [[FROM, A, B, C], {}],
      [[FROM, A, B, cached], { importedKeys: new Set(["c"]) }],
      [[FROM, A, B, cached], { hasOwnImports: true }],
    ] as const) {
      const cause = explainB(steps, { stepHistory: all, ...more });
      expect(cause?.kind).to.equal("unknown");
      expect(cause?.text).to.match(/^either .* or the builder had removed this step/);
      expect(cause?.root).to.equal(1);
    }
  });

  it("knows that what builds on such a step always runs", () => {
    const cause = explainB([FROM, A, { ...B, contentInputs: [] }, cached], { stepHistory: onBuilder("a", "b", "c") });
    expect(cause).to.include({ kind: "input_changed", root: 1 });
  });
});
