/** The graph of a build's steps, to move around in. */
import "@xyflow/react/dist/style.css";
import { Box } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { Controls, type NodeChange, ReactFlow, type ReactFlowInstance } from "@xyflow/react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { LinesNode, StageNode, StepNode } from "./flow-nodes.js";
import { type FlowNode, linesNode, stageNodes, type StepFlowNode, stepNodes } from "./graph-flow.js";
import { graphStyle } from "./graph-style.js";
import { layoutGraph, structureOf } from "./graph-layout.js";
import type { GraphEdge, GraphNode } from "./step-types.js";

interface Props {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly path: readonly number[];
  readonly chosen: number | undefined;
  readonly onChoose: (step: number | undefined) => void;
}

const NODE_TYPES = { step: StepNode, stage: StageNode, lines: LinesNode };
const FIT = { padding: 0.08, maxZoom: 1 } as const;
const ZOOM_MIN = 0.02;
/** From farther away, nobody reads names: steps are then filled with their colours. */
const FAR_ZOOM = 0.3;

/** A layout for as long as the steps and what they need stay the same. */
function useFlow({ nodes, edges, path, chosen }: Omit<Props, "onChoose">): {
  readonly nodes: FlowNode[];
  readonly structure: string;
} {
  const structure = structureOf(nodes, edges);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the structure is what a layout depends on
  const layout = useMemo(() => layoutGraph(nodes, edges), [structure]);
  const stages = useMemo(() => stageNodes(layout), [layout]);
  const before = useRef<ReadonlyMap<string, StepFlowNode>>(new Map());
  const steps = useMemo(
    () => stepNodes(nodes, { layout, path, chosen, before: before.current }),
    [nodes, layout, path, chosen],
  );
  useEffect(() => {
    before.current = new Map(steps.map((node) => [node.id, node]));
  }, [steps]);
  const pathKey = path.join(" ");
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the same edges along the same path are drawn the same
  const lines = useMemo(() => linesNode(edges, layout, path), [layout, pathKey]);
  const drawn = useMemo((): FlowNode[] => [...stages, lines, ...steps], [stages, lines, steps]);
  return { nodes: drawn, structure };
}

export function GraphDrawing({ nodes, edges, path, chosen, onChoose }: Props): ReactNode {
  const { palette } = useTheme();
  const flow = useFlow({ nodes, edges, path, chosen });
  const instance = useRef<ReactFlowInstance<FlowNode> | undefined>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const hasMoved = useRef(false);
  useEffect(() => {
    // A build that grows stays in sight until somebody looks at a part of it.
    if (!hasMoved.current) void instance.current?.fitView(FIT);
  }, [flow.structure]);
  const onNodesChange = useCallback(
    (changes: NodeChange<FlowNode>[]) => {
      const selected = changes.find((change) => change.type === "select" && change.selected);
      if (selected?.type === "select") onChoose(Number(selected.id));
    },
    [onChoose],
  );
  return (
    <Box ref={box} sx={graphStyle}>
      <ReactFlow
        nodes={flow.nodes}
        nodeTypes={NODE_TYPES}
        colorMode={palette.mode}
        aria-label="Graph of the steps; the table has the same"
        onInit={(started) => {
          instance.current = started;
        }}
        onMoveStart={(event) => {
          if (event !== null) hasMoved.current = true;
          box.current?.classList.add("moving");
        }}
        onMove={(_, { zoom }) => {
          box.current?.classList.toggle("far", zoom < FAR_ZOOM);
        }}
        onMoveEnd={() => {
          box.current?.classList.remove("moving");
        }}
        onNodesChange={onNodesChange}
        onPaneClick={() => {
          onChoose(undefined);
        }}
        fitView
        fitViewOptions={FIT}
        minZoom={ZOOM_MIN}
        maxZoom={2}
        nodesDraggable={false}
        nodesConnectable={false}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        deleteKeyCode={null}
      >
        <Controls showInteractive={false} />
      </ReactFlow>
    </Box>
  );
}
