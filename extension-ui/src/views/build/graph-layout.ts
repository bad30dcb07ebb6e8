/** Where the steps of a build stand: in boxes, one for each stage, which dagre places from left to right. */
import { graphlib, layout } from "@dagrejs/dagre";
import { type Stage, stagesOf } from "./stages.js";
import { inOrder } from "./step-order.js";
import type { GraphEdge, GraphNode } from "./step-types.js";

export const NODE_WIDTH = 232;
export const NODE_HEIGHT = 64;
const GAP = 16;
const STAGE_HEAD = 30;
const STAGE_GAP = 48;
/** Longer stages go on in another column; the next is tried where the whole becomes too wide for a screen. */
const ROWS_MAX = [12, 24, 48] as const;
const ASPECT_MAX = 3;
/** dagre takes too long beyond; then stages stand in columns by how deep they are. */
const DAGRE_STAGES_MAX = 30;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface GraphLayout {
  readonly stages: readonly (Box & { readonly title: string })[];
  /** By step; relative to the whole, not to the stage. */
  readonly places: ReadonlyMap<number, Pick<Box, "x" | "y">>;
}

interface StageBox {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<number, Pick<Box, "x" | "y">>;
}

/** All of what the layout depends on: what became of steps is not part of it. */
export const structureOf = (nodes: readonly GraphNode[], edges: readonly GraphEdge[]): string =>
  JSON.stringify([
    nodes.map(({ step, stage, platform, isUser }) => [step, stage, platform, isUser]),
    edges.map(({ from, to }) => [from, to]),
  ]);

/** One step below the other, in as many columns as it takes. */
function stageBox({ title, nodes }: Stage, edges: readonly GraphEdge[], rowsMax: number): StageBox {
  const steps = inOrder(
    nodes.map(({ step }) => step),
    edges,
  );
  const columns = Math.ceil(steps.length / rowsMax);
  const rows = Math.ceil(steps.length / columns);
  const places = new Map(
    steps.map((step, index) => {
      const [column, row] = [Math.floor(index / rows), index % rows];
      return [step, { x: GAP + column * (NODE_WIDTH + GAP), y: STAGE_HEAD + row * (NODE_HEIGHT + GAP) }];
    }),
  );
  const width = GAP + columns * (NODE_WIDTH + GAP);
  return { title, width, height: STAGE_HEAD + rows * (NODE_HEIGHT + GAP), places };
}

/** Edges between stages, by their places in the list, each once. */
function stageEdges(boxes: readonly StageBox[], edges: readonly GraphEdge[]): readonly GraphEdge[] {
  const stageOf = new Map(boxes.flatMap(({ places }, stage) => [...places.keys()].map((step) => [step, stage])));
  const found = new Map<string, GraphEdge>();
  for (const edge of edges) {
    const [from, to] = [stageOf.get(edge.from), stageOf.get(edge.to)];
    if (from !== undefined && to !== undefined && from !== to)
      found.set(`${from.toString()} ${to.toString()}`, { from, to });
  }
  return [...found.values()];
}

type Corner = Pick<Box, "x" | "y">;

function placeByDagre(boxes: readonly StageBox[], edges: readonly GraphEdge[]): readonly Corner[] {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: STAGE_GAP });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [index, { width, height }] of boxes.entries()) graph.setNode(index.toString(), { width, height });
  for (const { from, to } of edges) graph.setEdge(from.toString(), to.toString());
  layout(graph);
  return boxes.map(({ width, height }, index) => {
    const { x, y } = graph.node(index.toString()) as Corner;
    return { x: x - width / 2, y: y - height / 2 };
  });
}

function placeByDepth(boxes: readonly StageBox[], edges: readonly GraphEdge[]): readonly Corner[] {
  const depths = boxes.map(() => 0);
  for (const stage of inOrder([...boxes.keys()], edges)) {
    for (const { from, to } of edges)
      if (from === stage) depths[to] = Math.max(depths[to] ?? 0, (depths[from] ?? 0) + 1);
  }
  const corners: Corner[] = boxes.map(() => ({ x: 0, y: 0 }));
  let x = 0;
  for (const depth of [...new Set(depths)].sort((one, other) => one - other)) {
    const column = [...boxes.entries()].filter(([index]) => depths[index] === depth);
    let y = 0;
    for (const [index, { height }] of column) {
      corners[index] = { x, y };
      y += height + GAP;
    }
    x += Math.max(...column.map(([, { width }]) => width)) + STAGE_GAP;
  }
  return corners;
}

/** Edges within each of the stages. */
function edgesInside(stages: readonly Stage[], edges: readonly GraphEdge[]): ReadonlyMap<Stage, readonly GraphEdge[]> {
  const stageOf = new Map(stages.flatMap((stage) => stage.nodes.map(({ step }) => [step, stage])));
  const inside = new Map(stages.map((stage): [Stage, GraphEdge[]] => [stage, []]));
  for (const edge of edges) {
    const stage = stageOf.get(edge.from);
    if (stage !== undefined && stage === stageOf.get(edge.to)) inside.get(stage)?.push(edge);
  }
  return inside;
}

function placeStages(boxes: readonly StageBox[], edges: readonly GraphEdge[]): GraphLayout {
  const between = stageEdges(boxes, edges);
  const corners = boxes.length <= DAGRE_STAGES_MAX ? placeByDagre(boxes, between) : placeByDepth(boxes, between);
  const placed = boxes.map((box, index) => ({ ...box, ...(corners[index] ?? { x: 0, y: 0 }) }));
  return {
    stages: placed.map(({ title, x, y, width, height }) => ({ title, x, y, width, height })),
    places: new Map(
      placed.flatMap((box) =>
        [...box.places].map(([step, { x, y }]) => [step, { x: box.x + x, y: box.y + y }] as const),
      ),
    ),
  };
}

export const layoutSize = ({ stages }: GraphLayout): Pick<Box, "width" | "height"> => ({
  width: Math.max(1, ...stages.map(({ width, x }) => x + width)),
  height: Math.max(1, ...stages.map(({ height, y }) => y + height)),
});

export function layoutGraph(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): GraphLayout {
  const stages = stagesOf(nodes);
  const inside = edgesInside(stages, edges);
  const longest = Math.max(0, ...stages.map((stage) => stage.nodes.length));
  let layout: GraphLayout = { stages: [], places: new Map() };
  for (const rowsMax of ROWS_MAX) {
    layout = placeStages(
      stages.map((stage) => stageBox(stage, inside.get(stage) ?? [], rowsMax)),
      edges,
    );
    const { height, width } = layoutSize(layout);
    if (longest <= rowsMax || width <= height * ASPECT_MAX) break;
  }
  return layout;
}
