import { expect } from "chai";
import { RUN, recordOf, imported, context, onBuilder } from "../test/support/explained-builds.js";
import type { StepRecord } from "./build-record.js";
import { explain, type ExplainContext } from "./explain.js";

describe("cacheSourceOf", () => {
  const LAYER = `sha256:${"a".repeat(64)}`;
  const source = (step: Partial<StepRecord>, more: Partial<ExplainContext>, result = "injected"): string | undefined =>
    explain(recordOf([{ ...RUN, inputs: [], result: "cached", ...step }], { import: imported(result) }), context(more))
      .steps[0]?.cachedFrom;
  const progress = [{ id: `extracting ${LAYER}`, name: "", current: 1, total: 1, isDone: true }];

  it("tells the shared cache by layers that were fetched, and by what was imported", () => {
    expect(source({ progress }, { fetchedLayers: new Set([LAYER]), stepHistory: onBuilder("make") })).to.equal(
      "shared",
    );
    expect(source({ progress }, {})).to.equal("unknown");
    expect(source({}, { importedKeys: new Set(["make"]) })).to.equal("shared");
    expect(source({}, { importedKeys: new Set(["make"]), hasOwnImports: true })).to.equal("unknown");
  });

  it("tells the builder by what it made before, and where there was no other cache", () => {
    expect(source({}, { stepHistory: onBuilder("make"), importedKeys: new Set(["make"]) })).to.equal("builder");
    expect(source({}, {}, "empty")).to.equal("builder");
    expect(source({}, { hasOwnImports: true }, "empty")).to.equal("unknown");
  });
});
