/** Steps of builds for specs. */
import type { GraphEdge, GraphNode } from "./step-types.js";

export function stepNode(step: number, changes: Partial<GraphNode> = {}): GraphNode {
  return {
    ...{ step, digest: `sha256:${step.toString()}`, name: `step ${step.toString()}`, kind: "exec", stage: "build" },
    ...{ instruction: "RUN make", platform: "", isUser: true, result: "ran", durationMs: 10, error: "" },
    ...{ progress: [], warnings: [], logBytes: 0 },
    ...changes,
  };
}

/** Stages that are chains, each of which takes from one before it. */
export function stagedBuild(
  stages: number,
  stepsEach: number,
): { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] } {
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  for (let stage = 0; stage < stages; stage += 1) {
    for (let row = 0; row < stepsEach; row += 1) {
      const step = nodes.length;
      nodes.push(stepNode(step, { stage: `stage-${stage.toString()}` }));
      if (row > 0) edges.push({ from: step - 1, to: step });
      else if (stage > 0) edges.push({ from: Math.floor(stage / 2) * stepsEach + stepsEach - 1, to: step });
      if (row === 1 && stage > 2) edges.push({ from: (stage - 2) * stepsEach, to: step });
    }
  }
  return { nodes, edges: edges.filter(({ from, to }) => from !== to) };
}
