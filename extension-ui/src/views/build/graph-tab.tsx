/** The steps of a build as a graph or a table, beside them the step that one looks at. */
import { Box, FormControlLabel, Switch, ToggleButton, ToggleButtonGroup, Typography } from "@mui/material";
import { type ReactNode, useCallback, useMemo } from "react";
import type { BuildGraph } from "../../api/openapi.js";
import { formatCount, formatDuration } from "../../parts/format.js";
import { hrefOf, useQuery } from "../../state/route.js";
import { criticalPath, criticalSteps } from "./critical-path.js";
import { GraphDrawing } from "./graph-drawing.js";
import { firstMiss, missMark } from "./misses.js";
import { shownNodes, stagesOf } from "./stages.js";
import { SIGNS, stepColours, colourOf } from "./step-look.js";
import { StepPanel } from "./step-panel.js";
import { StepTable } from "./step-table.js";
import type { GraphNode, StepResult } from "./step-types.js";

/** What of the window is not the graph: the page's head, tabs, and this tab's own. */
const HEIGHT = "max(420px, calc(100vh - 330px))";

function Legend({ nodes }: { readonly nodes: readonly GraphNode[] }): ReactNode {
  const counts = new Map<StepResult, number>();
  for (const { result } of nodes) counts.set(result, (counts.get(result) ?? 0) + 1);
  return (
    <Box sx={[stepColours, { display: "flex", columnGap: 2, flexWrap: "wrap" }]}>
      {[...counts].map(([result, count]) => (
        <Typography key={result} variant="body2" component="span">
          <Box component="span" aria-hidden sx={{ color: colourOf(result), mr: 0.5 }}>
            {SIGNS[result]}
          </Box>
          {count} {result}
        </Typography>
      ))}
    </Box>
  );
}

export function GraphTab({ graph }: { readonly graph: BuildGraph }): ReactNode {
  const [query, changeQuery] = useQuery();
  const withInternal = query.get("internal") === "1";
  const isTable = query.get("as") === "table";
  const step = query.get("step");
  const nodes = useMemo(() => shownNodes(graph.nodes, withInternal), [graph, withInternal]);
  const path = useMemo(() => criticalPath(nodes, graph.edges), [nodes, graph]);
  const onChoose = useCallback(
    (chosen: number | undefined) => {
      changeQuery({ step: chosen?.toString() });
    },
    [changeQuery],
  );
  const chosen = step === null ? undefined : graph.nodes.find((node) => node.step === Number(step));
  const first = firstMiss(graph.nodes);
  const onPath = criticalSteps(nodes, path);
  const marksOf = (node: GraphNode): string =>
    [missMark(node, first), onPath.has(node.step) ? "critical path" : ""].filter((mark) => mark !== "").join(", ");
  const pathMs = nodes.reduce((sum, node) => (onPath.has(node.step) ? sum + node.durationMs : sum), 0);
  return (
    <>
      <Box sx={{ display: "flex", columnGap: 2, rowGap: 1, alignItems: "center", flexWrap: "wrap", mb: 1 }}>
        <ToggleButtonGroup
          size="small"
          exclusive
          aria-label="Show the steps as"
          value={isTable ? "table" : "graph"}
          onChange={(_, value: string | null) => {
            if (value !== null) changeQuery({ as: value === "table" ? value : undefined });
          }}
        >
          <ToggleButton value="graph">Graph</ToggleButton>
          <ToggleButton value="table">As table</ToggleButton>
        </ToggleButtonGroup>
        <FormControlLabel
          label="Internal steps"
          control={
            <Switch
              size="small"
              checked={withInternal}
              onChange={(_, isOn) => {
                changeQuery({ internal: isOn ? "1" : undefined });
              }}
            />
          }
        />
        <Legend nodes={nodes} />
        <Typography variant="body2" color="text.secondary">
          {onPath.size > 0 && `◆ Critical path: ${formatCount(onPath.size, "step")}, ${formatDuration(pathMs)}. `}
          {graph.isCut && "There were more steps than are kept."}
        </Typography>
      </Box>
      <Box sx={{ display: "flex", gap: 2, height: HEIGHT, minHeight: 0 }}>
        {nodes.length === 0 ? (
          <Typography sx={{ flex: 1 }}>The builder has told of no steps yet.</Typography>
        ) : isTable ? (
          <StepTable
            stages={stagesOf(nodes)}
            marksOf={marksOf}
            hrefOfStep={(of) =>
              hrefOf(["builds", graph.ref, "graph"], { ...Object.fromEntries(query), step: of.toString() })
            }
          />
        ) : (
          <GraphDrawing nodes={nodes} edges={graph.edges} path={path} chosen={chosen?.step} onChoose={onChoose} />
        )}
        {chosen !== undefined && (
          <StepPanel
            buildRef={graph.ref}
            node={chosen}
            root={graph.nodes.find((node) => node.step === chosen.cause?.root)}
            marks={marksOf(chosen)}
            onChoose={onChoose}
          />
        )}
      </Box>
    </>
  );
}
