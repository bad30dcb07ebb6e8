/** What MemoBuild does for its users: now, and over a chosen window. */
import { Alert, Box, ToggleButton, ToggleButtonGroup } from "@mui/material";
import type { ReactNode } from "react";
import { LoadedView } from "../../parts/loaded-view.js";
import { Problem } from "../../parts/problem.js";
import { Title } from "../../parts/title.js";
import { useQuery } from "../../state/route.js";
import { useAnswer } from "../../state/use-answer.js";
import { useNow } from "../../state/use-now.js";
import { CausesTable, CostsMost, SlowestTable } from "./cost-tables.js";
import { FigureTiles } from "./figure-tiles.js";
import { FIRST_BUILDS, firstStepsOf, isFirstUse } from "./first-steps.js";
import { FirstUse } from "./first-use.js";
import { gaugesOf } from "./metric-values.js";
import { BuildersPanel, CachePanel, RunningPanel } from "./now-panels.js";
import { TrendCharts } from "./trend-charts.js";
import { useRunning } from "./use-running.js";
import { type TimeWindow, windowOf, WINDOWS } from "./windows.js";

const NOW_EVERY_MS = 5000;
/** Who takes the first steps waits for each to be ticked. */
const FIRST_EVERY_MS = 2000;
const WINDOW_EVERY_MS = 10_000;

interface RowProps {
  readonly minPx: number;
  readonly children: ReactNode;
}

const Row = ({ children, minPx }: RowProps): ReactNode => (
  <Box
    sx={{
      display: "grid",
      gap: 2,
      mb: 2,
      "& > section": { mb: 0 },
      gridTemplateColumns: `repeat(auto-fit, minmax(${minPx.toString()}px, 1fr))`,
    }}
  >
    {children}
  </Box>
);

interface ChooserProps {
  readonly window: TimeWindow;
  readonly onSince: (since: string) => void;
}

const WindowChooser = ({ onSince, window }: ChooserProps): ReactNode => (
  <ToggleButtonGroup
    exclusive
    size="small"
    value={window.since}
    aria-label="Window of time"
    onChange={(_, since: string | null) => {
      if (since !== null) onSince(since);
    }}
  >
    {WINDOWS.map(({ since, title }) => (
      <ToggleButton key={since} value={since}>
        {title}
      </ToggleButton>
    ))}
  </ToggleButtonGroup>
);

function NowRow(): ReactNode {
  const metrics = useAnswer("getMetrics", {}, NOW_EVERY_MS);
  const running = useRunning();
  const nowMs = useNow(running.length > 0);
  return (
    <LoadedView loaded={metrics} of="the gauges">
      {(answer) => {
        const gauges = gaugesOf(answer.metrics);
        return (
          <Row minPx={240}>
            <RunningPanel builds={running} gauges={gauges} nowMs={nowMs} />
            <BuildersPanel gauges={gauges} />
            <CachePanel gauges={gauges} />
          </Row>
        );
      }}
    </LoadedView>
  );
}

function WindowRows({ window }: { readonly window: TimeWindow }): ReactNode {
  const { buckets, since } = window;
  const figures = useAnswer("getFigures", { since }, WINDOW_EVERY_MS);
  const trend = useAnswer("getTrend", { since, buckets }, WINDOW_EVERY_MS);
  const isEmpty = figures.answer?.builds === 0;
  return (
    <>
      <LoadedView loaded={figures} of="the figures">
        {(answer) => (
          <>
            <Row minPx={190}>
              <FigureTiles figures={answer} trend={trend.answer} since={since} />
            </Row>
            <Box sx={{ mb: 2 }}>
              {answer.builds === 0 ? (
                <Alert severity="info" role="note">
                  No build started in the last {window.title}. Choose a longer window.
                </Alert>
              ) : (
                <CostsMost cost={answer.costsMost} since={since} />
              )}
            </Box>
          </>
        )}
      </LoadedView>
      <NowRow />
      {!isEmpty && (
        <LoadedView loaded={trend} of="the charts">
          {(answer) => (
            <Row minPx={360}>
              <TrendCharts trend={answer} window={window} />
            </Row>
          )}
        </LoadedView>
      )}
      {!isEmpty && figures.answer !== undefined && (
        <Row minPx={360}>
          <CausesTable causes={figures.answer.causes} />
          <SlowestTable steps={figures.answer.slowestSteps} />
        </Row>
      )}
    </>
  );
}

interface DashboardProps {
  /** Above the figures. */
  readonly head?: ReactNode;
  readonly hasBuilds: boolean;
}

function Dashboard({ hasBuilds, head }: DashboardProps): ReactNode {
  const [query, change] = useQuery();
  const window = windowOf(query.get("since"));
  const onSince = (since: string): void => {
    change({ since });
  };
  const actions = hasBuilds && <WindowChooser {...{ window, onSince }} />;
  return (
    <>
      <Title about="What builds did, and what goes on now" actions={actions}>
        Overview
      </Title>
      {head}
      {hasBuilds && <WindowRows window={window} />}
    </>
  );
}

/** Instead of empty charts; they come below with the first build. */
function Beginning(): ReactNode {
  const first = useAnswer("listBuilds", { limit: FIRST_BUILDS }, FIRST_EVERY_MS);
  const metrics = useAnswer("getMetrics", {}, FIRST_EVERY_MS);
  const builds = first.answer?.builds ?? [];
  const hadClient = metrics.answer !== undefined && gaugesOf(metrics.answer.metrics).hadClient;
  return (
    <Dashboard
      hasBuilds={builds.length > 0}
      head={
        <>
          <Problem problem={first.problem} onRetry={first.reload} />
          <FirstUse steps={firstStepsOf(builds, hadClient)} />
        </>
      }
    />
  );
}

export function Overview(): ReactNode {
  // Once: who sees the first steps sees the last one ticked, too.
  const first = useAnswer("listBuilds", { limit: FIRST_BUILDS });
  return (
    <>
      {first.answer === undefined && <Title>Overview</Title>}
      <LoadedView loaded={first} of="the builds">
        {({ builds }) => (isFirstUse(builds) ? <Beginning /> : <Dashboard hasBuilds />)}
      </LoadedView>
    </>
  );
}
