/** Steps and edges as the drawing library takes them; what did not change stays the same object, and is not drawn anew. */
import type { Node } from "@xyflow/react";
import { describeResult } from "./build-words.js";
import { criticalSteps } from "./critical-path.js";
import { type Box, type GraphLayout, layoutSize, NODE_HEIGHT, NODE_WIDTH } from "./graph-layout.js";
import { firstMiss, missMark } from "./misses.js";
import { SIGNS } from "./step-look.js";
import type { GraphEdge, GraphNode, StepResult } from "./step-types.js";

export interface StepData extends Record<string, unknown> {
  readonly name: string;
  readonly result: StepResult;
  readonly sign: string;
  /** As in "ran 1.2s". */
  readonly text: string;
  readonly mark: string;
  readonly isCritical: boolean;
}

export type StepFlowNode = Node<StepData, "step">;
export type StageFlowNode = Node<{ readonly title: string }, "stage">;
/** Paths as SVG has them. */
export type LinesFlowNode = Node<{ readonly plain: string; readonly critical: string }, "lines">;
export type FlowNode = StepFlowNode | StageFlowNode | LinesFlowNode;

const CURVE_MIN = 24;

const FIXED = { draggable: false, connectable: false, deletable: false } as const;

export const stageNodes = ({ stages }: GraphLayout): readonly StageFlowNode[] =>
  stages.map(({ title, x, y, width, height }) => ({
    ...{ id: `stage ${title}`, type: "stage", position: { x, y }, width, height, measured: { width, height } },
    ...{ data: { title }, selectable: false, focusable: false, zIndex: -2, ...FIXED },
  }));

function dataOf(node: GraphNode, first: GraphNode | undefined, isCritical: boolean): StepData {
  const { name, result } = node;
  return { name, result, sign: SIGNS[result], text: describeResult(node), mark: missMark(node, first), isCritical };
}

export const labelOf = ({ name, text, mark, isCritical }: StepData): string =>
  [name, text, mark, isCritical ? "on the critical path" : ""].filter((part) => part !== "").join(", ");

const isSame = (one: StepData, other: StepData): boolean => Object.keys(one).every((key) => one[key] === other[key]);

interface Drawn {
  readonly layout: GraphLayout;
  readonly path: readonly number[];
  /** Step that is looked at. */
  readonly chosen: number | undefined;
  /** What was drawn before. */
  readonly before: ReadonlyMap<string, StepFlowNode>;
}

export function stepNodes(
  nodes: readonly GraphNode[],
  { layout, path, chosen, before }: Drawn,
): readonly StepFlowNode[] {
  const first = firstMiss(nodes);
  const critical = criticalSteps(nodes, path);
  return nodes.flatMap((node): StepFlowNode[] => {
    const position = layout.places.get(node.step);
    if (position === undefined) return [];
    const id = node.step.toString();
    const data = dataOf(node, first, critical.has(node.step));
    const selected = chosen === node.step;
    const known = before.get(id);
    if (known?.position === position && known.selected === selected && isSame(known.data, data)) return [known];
    const size = { width: NODE_WIDTH, height: NODE_HEIGHT };
    return [
      {
        ...{ id, type: "step", position, ...size, measured: size, data, selected },
        ...{ ariaRole: "button", ariaLabel: labelOf(data), ...FIXED },
      },
    ];
  });
}

type Place = Pick<Box, "x" | "y">;

/** Down within a column, else from the right side of one step to the left side of the other, as a curve. */
function linePath(source: Place, target: Place): string {
  if (source.x === target.x && target.y > source.y) {
    const x = source.x + NODE_WIDTH / 2;
    return `M${x} ${source.y + NODE_HEIGHT}L${x} ${target.y}`;
  }
  const [fromX, fromY] = [source.x + NODE_WIDTH, source.y + NODE_HEIGHT / 2];
  const [toX, toY] = [target.x, target.y + NODE_HEIGHT / 2];
  const bend = Math.max(CURVE_MIN, Math.abs(toX - fromX) / 2);
  return `M${fromX} ${fromY}C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`;
}

/**
 * All edges in one node of two paths, below the steps: a component for each would take most of the time of a large
 * graph that is moved.
 */
export function linesNode(edges: readonly GraphEdge[], layout: GraphLayout, path: readonly number[]): LinesFlowNode {
  const nextOnPath = new Map(path.map((step, index) => [step, path[index + 1]]));
  const [plain, critical]: [string[], string[]] = [[], []];
  for (const { from, to } of edges) {
    const [source, target] = [layout.places.get(from), layout.places.get(to)];
    if (source === undefined || target === undefined) continue;
    (nextOnPath.get(from) === to ? critical : plain).push(linePath(source, target));
  }
  const { height, width } = layoutSize(layout);
  return {
    ...{ id: "lines", type: "lines", position: { x: 0, y: 0 }, width, height, measured: { width, height }, zIndex: -1 },
    ...{ data: { plain: plain.join(""), critical: critical.join("") }, selectable: false, focusable: false, ...FIXED },
  };
}
