/** The chain of steps, each needing the one before, that took longest: the build is no faster than it. */
import { inOrder } from "./step-order.js";
import type { GraphEdge, GraphNode } from "./step-types.js";

interface Chain {
  readonly step: number;
  readonly ms: number;
  readonly before: Chain | undefined;
}

/** Steps of the path in their order; empty where nothing took time. */
export function criticalPath(
  nodes: readonly Pick<GraphNode, "step" | "durationMs">[],
  edges: readonly GraphEdge[],
): readonly number[] {
  const durations = new Map(nodes.map(({ step, durationMs }) => [step, durationMs]));
  const inputs = new Map<number, number[]>();
  for (const { from, to } of edges) inputs.set(to, [...(inputs.get(to) ?? []), from]);
  const chains = new Map<number, Chain>();
  let longest: Chain | undefined;
  for (const step of inOrder([...durations.keys()], edges)) {
    const before = longestOf((inputs.get(step) ?? []).flatMap((input) => chains.get(input) ?? []));
    const chain = { step, ms: (before?.ms ?? 0) + (durations.get(step) ?? 0), before };
    chains.set(step, chain);
    if (chain.ms > (longest?.ms ?? 0)) longest = chain;
  }
  const path: number[] = [];
  for (let chain = longest; chain !== undefined; chain = chain.before) path.unshift(chain.step);
  return path;
}

const longestOf = (chains: readonly Chain[]): Chain | undefined =>
  chains.reduce<Chain | undefined>((most, chain) => (chain.ms > (most?.ms ?? -1) ? chain : most), undefined);

/** Of the path, those that took time: what was cached only leads from one to the next. */
export function criticalSteps(
  nodes: readonly Pick<GraphNode, "step" | "durationMs">[],
  path: readonly number[],
): ReadonlySet<number> {
  const onPath = new Set(path);
  return new Set(nodes.filter(({ durationMs, step }) => durationMs > 0 && onPath.has(step)).map(({ step }) => step));
}
