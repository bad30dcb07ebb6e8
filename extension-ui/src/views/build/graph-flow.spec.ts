import { expect } from "chai";
import { linesNode, stepNodes } from "./graph-flow.js";
import { layoutGraph } from "./graph-layout.js";
import { stagedBuild } from "./step-fixture.js";

describe("stepNodes", () => {
  const { nodes, edges } = stagedBuild(2, 3);
  const layout = layoutGraph(nodes, edges);
  const drawn = { layout, path: [0, 1], chosen: undefined, before: new Map() };

  it("keeps the nodes of steps of which nothing changed", () => {
    const first = stepNodes(nodes, drawn);
    const before = new Map(first.map((node) => [node.id, node]));
    const changed = nodes.map((node) => ({ ...node, ...(node.step === 1 && { result: "failed" as const }) }));
    const second = stepNodes(changed, { ...drawn, before });
    expect(second.filter((node, index) => node !== first[index]).map(({ id }) => id)).to.deep.equal(["1"]);
    expect(second[1]?.data.text).to.equal("failed 10ms");
  });

  it("says in words what colours and lines show", () => {
    expect(stepNodes(nodes, drawn)[0]?.ariaLabel).to.equal("step 0, ran 10ms, on the critical path");
  });
});

describe("linesNode", () => {
  it("leads straight down within a column and in a curve elsewhere, and keeps the critical path apart", () => {
    const { nodes, edges } = stagedBuild(2, 2);
    const { data } = linesNode(edges, layoutGraph(nodes, edges), [0, 1]);
    expect(data.critical).to.match(/^M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
    expect(data.plain).to.match(/^M[^M]*C[^M]*M[^M]*L[^M]*$/);
  });

  it("leaves out edges of steps that are not drawn", () => {
    expect(linesNode([{ from: 0, to: 1 }], layoutGraph([], []), []).data).to.deep.equal({ plain: "", critical: "" });
  });
});
