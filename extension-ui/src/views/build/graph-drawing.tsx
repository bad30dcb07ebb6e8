/** The graph of a build's steps, to move around in. */
import "@xyflow/react/dist/style.css";
import { Box } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { Controls, type Edge, type NodeChange, ReactFlow, type ReactFlowInstance } from "@xyflow/react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { StageNode, StepNode } from "./flow-nodes.js";
import { flowEdges, type FlowNode, stageNodes, type StepFlowNode, stepNodes } from "./graph-flow.js";
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

const NODE_TYPES = { step: StepNode, stage: StageNode };
const FIT = { padding: 0.08, maxZoom: 1 } as const;
const ZOOM_MIN = 0.05;

/** A layout for as long as the steps and what they need stay the same. */
function useFlow({ nodes, edges, path, chosen }: Omit<Props, "onChoose">): {
  readonly nodes: FlowNode[];
  readonly edges: Edge[];
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
  const drawn = useMemo((): FlowNode[] => [...stages, ...steps], [stages, steps]);
  const pathKey = path.join(" ");
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the same edges along the same path are drawn the same
  const lines = useMemo(() => flowEdges(edges, layout, path), [layout, pathKey]);
  return { nodes: drawn, edges: lines, structure };
}

export function GraphDrawing({ nodes, edges, path, chosen, onChoose }: Props): ReactNode {
  const { palette } = useTheme();
  const flow = useFlow({ nodes, edges, path, chosen });
  const instance = useRef<ReactFlowInstance<FlowNode> | undefined>(undefined);
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
    <Box sx={graphStyle}>
      <ReactFlow
        nodes={flow.nodes}
        edges={flow.edges}
        nodeTypes={NODE_TYPES}
        colorMode={palette.mode}
        aria-label="Graph of the steps; the table has the same"
        onInit={(started) => {
          instance.current = started;
        }}
        onMoveStart={(event) => {
          if (event !== null) hasMoved.current = true;
        }}
        onNodesChange={onNodesChange}
        onPaneClick={() => {
          onChoose(undefined);
        }}
        fitView
        fitViewOptions={FIT}
        minZoom={ZOOM_MIN}
        maxZoom={2}
        onlyRenderVisibleElements
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        deleteKeyCode={null}
      >
        <Controls showInteractive={false} />
      </ReactFlow>
    </Box>
  );
}
