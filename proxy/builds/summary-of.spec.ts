/** Promises of the part of a record that lists show. */
import { expect } from "chai";
import { sampleBuild, sampleSummary } from "../test/support/build-samples.js";
import { summaryOf } from "./summary-of.js";

describe("summaryOf", () => {
  it("has all of the summary, and nothing of the record that is only shown with the build itself", () => {
    const firstMiss = { step: "RUN make", kind: "unknown" as const, text: "why" };
    expect(summaryOf(sampleBuild({ firstMiss }))).to.deep.equal({ ...sampleSummary(), firstMiss });
  });
});
