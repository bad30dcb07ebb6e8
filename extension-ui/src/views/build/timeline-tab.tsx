/** The steps of a build over time: one bar each, by stage. */
import { Box, Button, FormControlLabel, Switch, Typography } from "@mui/material";
import { memo, type NamedExoticComponent, type ReactNode, useMemo, useState } from "react";
import type { BuildGraph } from "../../api/openapi.js";
import { formatDuration } from "../../parts/format.js";
import { hrefOf, useQuery } from "../../state/route.js";
import { useNow } from "../../state/use-now.js";
import { describeResult } from "./build-words.js";
import { criticalPath, criticalSteps } from "./critical-path.js";
import { shownNodes, stagesOf } from "./stages.js";
import { colourOf, SIGNS } from "./step-look.js";
import { type Bar, barsOf, spanOf, type Tick, ticksOf, type TimeSpan } from "./timeline.js";
import { timelineStyle } from "./timeline-style.js";

const ZOOM_MAX = 16;
const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;

interface RowProps {
  readonly bar: Bar;
  readonly isCritical: boolean;
  readonly href: string;
}

function textOf({ afterMs, lastedMs, node }: Bar, isCritical: boolean): string {
  const times = `began after ${formatDuration(afterMs)}, took ${formatDuration(lastedMs)}`;
  return `${describeResult(node)}, ${times}${isCritical ? ", on the critical path" : ""}`;
}

const isSame = (one: RowProps, other: RowProps): boolean =>
  one.href === other.href &&
  one.isCritical === other.isCritical &&
  one.bar.node === other.bar.node &&
  one.bar.from === other.bar.from &&
  one.bar.share === other.bar.share;

const Row: NamedExoticComponent<RowProps> = memo(function Row({ bar, href, isCritical }) {
  const { from, lastedMs, node, share } = bar;
  const text = textOf(bar, isCritical);
  return (
    <li>
      <a href={href} title={`${node.name}: ${text}`} className={isCritical ? "row critical" : "row"}>
        <span className="name">
          <span className="sign" aria-hidden style={{ color: colourOf(node.result) }}>
            {SIGNS[node.result]}
          </span>
          {node.name}
        </span>
        <span className="told">{text}</span>
        <span className="track" aria-hidden>
          <span
            className="bar"
            style={{ left: percent(from), width: percent(share), background: colourOf(node.result) }}
          />
          {/* Beside the bar, and before it where that ends at the edge. */}
          <span
            className="time"
            style={from + share > 0.85 ? { right: percent(1 - from) } : { left: percent(from + share) }}
          >
            {isCritical && "◆ "}
            {node.result === "cached" ? describeResult(node) : formatDuration(lastedMs)}
          </span>
        </span>
      </a>
    </li>
  );
}, isSame);

const Axis = ({ ticks }: { readonly ticks: readonly Tick[] }): ReactNode => (
  <div className="axis" aria-hidden>
    <span className="name" />
    <span className="track">
      {ticks.map(({ at, text }) => (
        <span key={text} className="tick" style={{ left: percent(at) }}>
          {text}
        </span>
      ))}
    </span>
  </div>
);

function Stages({ graph, span, zoom, withInternal }: Props): ReactNode {
  const nodes = useMemo(() => shownNodes(graph.nodes, withInternal), [graph, withInternal]);
  const onPath = useMemo(() => criticalSteps(nodes, criticalPath(nodes, graph.edges)), [nodes, graph]);
  const stages = stagesOf(nodes).map((stage) => ({ title: stage.title, bars: barsOf(stage.nodes, span) }));
  return (
    <Box sx={timelineStyle} tabIndex={0} role="group" aria-label="Timeline">
      <div style={{ minWidth: percent(zoom) }}>
        <Axis ticks={ticksOf(span, zoom)} />
        {stages.map(({ bars, title }) => (
          <section key={title} aria-label={`Stage ${title}`}>
            <div className="stage">{title}</div>
            <ul>
              {bars.map((bar) => (
                <Row
                  key={bar.node.step}
                  bar={bar}
                  isCritical={onPath.has(bar.node.step)}
                  href={hrefOf(["builds", graph.ref, "graph"], { step: bar.node.step.toString() })}
                />
              ))}
            </ul>
            {bars.length === 0 && <div className="none">none of its steps began</div>}
          </section>
        ))}
      </div>
    </Box>
  );
}

interface Props {
  readonly graph: BuildGraph;
  readonly span: TimeSpan;
  readonly zoom: number;
  readonly withInternal: boolean;
}

export function TimelineTab({ graph }: { readonly graph: BuildGraph }): ReactNode {
  const [query, changeQuery] = useQuery();
  const withInternal = query.get("internal") === "1";
  const [zoom, setZoom] = useState(1);
  const nowMs = useNow(graph.outcome === "running");
  const span = spanOf(graph.nodes, nowMs);
  if (span === undefined) return <Typography>None of its steps has begun.</Typography>;
  const zoomBy = (factor: number) => (): void => {
    setZoom((before) => Math.min(ZOOM_MAX, Math.max(1, before * factor)));
  };
  return (
    <>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center", flexWrap: "wrap", mb: 1 }}>
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
        <Button size="small" onClick={zoomBy(2)} disabled={zoom === ZOOM_MAX}>
          Zoom in
        </Button>
        <Button size="small" onClick={zoomBy(0.5)} disabled={zoom === 1}>
          Zoom out
        </Button>
        <Button size="small" onClick={zoomBy(0)} disabled={zoom === 1}>
          Fit
        </Button>
        <Typography variant="body2" color="text.secondary">
          {formatDuration(span.endMs - span.startMs)} in all. ◆ is on the critical path.
        </Typography>
      </Box>
      <Stages graph={graph} span={span} zoom={zoom} withInternal={withInternal} />
    </>
  );
}
