/** What builders used over the last hours, and how many builds ran and waited. */
import { Box, Typography } from "@mui/material";
import { memo, type NamedExoticComponent, type ReactNode, useMemo } from "react";
import type { UsageHistory } from "../../api/openapi.js";
import { formatBytes, formatDuration } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Section } from "../../parts/section.js";
import { useAnswer } from "../../state/use-answer.js";
import { LineChart } from "./line-chart.js";
import { type LineGroup, LineTable } from "./line-table.js";
import { formatCores } from "./usage-amounts.js";
import { linesOf, loadLinesOf, type Measure, timesOf } from "./usage-lines.js";

const REFRESH_MS = 30_000;
/** A line needs two ends. */
const SAMPLES_MIN = 2;

/** As fine as it is shown. */
const CORES_STEP = 0.01;

const MEASURES = [
  { measure: "cpuCores", title: "CPU", format: formatCores, minStep: CORES_STEP, end: "highest" },
  { measure: "memoryBytes", title: "Memory", format: formatBytes, end: "highest" },
  { measure: "stateBytes", title: "Kept", format: formatBytes, end: "highest" },
  { measure: "diskFreeBytes", title: "Free disk", format: formatBytes, end: "lowest" },
] satisfies readonly (Omit<LineGroup, "lines"> & { readonly measure: Measure; readonly minStep?: number })[];

const formatWhole = (count: number): string => (Number.isInteger(count) ? count.toString() : "");

function Charts({ history }: { readonly history: UsageHistory }): ReactNode {
  const timesMs = useMemo(() => timesOf(history), [history]);
  const load = useMemo(() => [{ title: "Builds", lines: loadLinesOf(history), format: formatWhole }], [history]);
  const usage = useMemo(
    () => MEASURES.map(({ measure, ...rest }) => ({ ...rest, lines: linesOf(history, measure) })),
    [history],
  );
  return (
    <>
      {load.map((group) => (
        <Box key={group.title} sx={{ mb: 2 }}>
          <LineChart {...group} timesMs={timesMs} minStep={1} />
          <LineTable label="Running and waiting builds" groups={[{ ...group, end: "highest" }]} />
        </Box>
      ))}
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)", mb: 2 }}>
        {usage.map(({ title, lines, format, minStep }) => (
          <LineChart key={title} {...{ title, lines, format, minStep, timesMs }} />
        ))}
      </Box>
      <LineTable label="What builders use" groups={usage} />
    </>
  );
}

const spanOf = ({ load }: UsageHistory): number => (load.at(-1)?.atMs ?? 0) - (load[0]?.atMs ?? 0);

/** By its own answers alone: charts cost more than all else in the view, which is drawn every few seconds. */
export const UsageOverTime: NamedExoticComponent = memo(function UsageOverTime() {
  const loaded = useAnswer("getUsageHistory", {}, REFRESH_MS);
  const { answer } = loaded;
  return (
    <Section
      title="Over time"
      about={
        answer !== undefined && answer.load.length >= SAMPLES_MIN
          ? `The last ${formatDuration(spanOf(answer))}, as far as this MemoBuild has run. Kept is what BuildKit keeps, and of memobuild the shared cache.`
          : undefined
      }
    >
      <LoadedView loaded={loaded} of="the history">
        {(history) =>
          history.load.length < SAMPLES_MIN ? (
            <Typography>Figures come every 10 s: the first lines are drawn then.</Typography>
          ) : (
            <Charts history={history} />
          )
        }
      </LoadedView>
    </Section>
  );
});
