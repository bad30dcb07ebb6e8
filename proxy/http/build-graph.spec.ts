/** The graph of a build has each step once and each need once. */
import { expect } from "chai";
import { FILES_CHANGED, sampleBuild, sampleStep } from "../test/support/build-samples.js";
import { graphOf } from "./build-graph.js";

describe("graphOf", () => {
  it("draws steps as nodes and inputs as edges, from what is needed to who needs it", () => {
    const { nodes, edges, stages } = graphOf(sampleBuild());
    expect(nodes.map(({ step, name }) => `${step} ${name}`)).to.deep.equal([
      "0 [internal] load build context",
      "1 [build 1/3] FROM docker.io/library/gcc:15",
      "2 [build 2/3] COPY . .",
      "3 [build 3/3] RUN make",
      "4 [prod 1/1] COPY --from=build /out /",
    ]);
    expect(edges).to.deep.equal([
      { from: 1, to: 2 },
      { from: 0, to: 2 },
      { from: 2, to: 3 },
      { from: 3, to: 4 },
    ]);
    expect(stages).to.deep.equal(["build", "prod"]);
    expect(nodes[2]).to.deep.include({ result: "ran", cause: FILES_CHANGED, durationMs: 300 });
  });

  it("leaves out what only comparisons need", () => {
    const [node] = graphOf(sampleBuild({ steps: [sampleStep({ parts: { command: "h" } })] })).nodes;
    expect(node).to.not.have.any.keys("parts", "key", "shown", "selections", "inputs");
  });

  it("draws one edge where a step takes from another twice", () => {
    const steps = [sampleStep(), sampleStep({ inputs: [0, 0] })];
    expect(graphOf(sampleBuild({ steps })).edges).to.deep.equal([{ from: 0, to: 1 }]);
  });
});
