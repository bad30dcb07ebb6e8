/** Steps that ran for a reason of their own, and those that ran because of them. */
import type { GraphNode } from "./step-types.js";

/** The first in time of those whose cause is their own; undefined where nothing missed the cache. */
export function firstMiss(nodes: readonly GraphNode[]): GraphNode | undefined {
  const startOf = ({ startedAtMs }: GraphNode): number => startedAtMs ?? Infinity;
  return nodes
    .filter(({ cause }) => cause !== undefined && cause.root === undefined)
    .reduce<GraphNode | undefined>(
      (first, node) => (first === undefined || startOf(node) < startOf(first) ? node : first),
      undefined,
    );
}

/** What a step says of a first miss: that it is it, or that it ran because of it; "" where neither. */
export function missMark(
  { cause, step }: GraphNode,
  first: GraphNode | undefined,
): "" | "first miss" | "because of it" {
  if (first === undefined) return "";
  if (first.step === step) return "first miss";
  return cause?.root === first.step ? "because of it" : "";
}
