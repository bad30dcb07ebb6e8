/** The steps of a build by stage, and by platform where a stage is built for more than one. */
import type { GraphNode } from "./step-types.js";

export interface Stage {
  readonly title: string;
  readonly nodes: readonly GraphNode[];
}

/** In parentheses, as no stage is named so. */
const INTERNAL = "(internal)";
const NO_STAGE = "(no stage)";

function platformCounts(nodes: readonly GraphNode[]): ReadonlyMap<string, number> {
  const platforms = new Map<string, Set<string>>();
  for (const { platform, stage } of nodes) {
    const known = platforms.get(stage) ?? new Set();
    // Not every step tells of one.
    platforms.set(stage, platform === "" ? known : known.add(platform));
  }
  return new Map([...platforms].map(([stage, known]) => [stage, known.size]));
}

/** In the order of their first steps, what is internal last. */
export function stagesOf(nodes: readonly GraphNode[]): readonly Stage[] {
  const counts = platformCounts(nodes);
  const byTitle = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    const stage = node.stage === "" ? NO_STAGE : node.stage;
    const isOfMany = (counts.get(node.stage) ?? 0) > 1 && node.platform !== "";
    const title = node.isUser ? `${stage}${isOfMany ? ` · ${node.platform}` : ""}` : INTERNAL;
    const known = byTitle.get(title);
    if (known === undefined) byTitle.set(title, [node]);
    else known.push(node);
  }
  const stages = [...byTitle].map(([title, of]) => ({ title, nodes: of }));
  const isInternal = ({ title }: Stage): boolean => title === INTERNAL;
  return [...stages.filter((stage) => !isInternal(stage)), ...stages.filter(isInternal)];
}

/** Those that people know of, and what failed besides. */
export const shownNodes = (nodes: readonly GraphNode[], withInternal: boolean): readonly GraphNode[] =>
  withInternal ? nodes : nodes.filter(({ isUser, result }) => isUser || result === "failed");
