/** How builds went over the window: how many, how much was cached, how long clients and exports took. */
import { useTheme } from "@mui/material";
import { BarChart } from "@mui/x-charts/BarChart";
import { LineChart } from "@mui/x-charts/LineChart";
import { memo, type NamedExoticComponent, type ReactNode } from "react";
import type { Trend } from "../../api/openapi.js";
import { formatDuration, formatShare } from "../../parts/format.js";
import { Figure } from "./figure.js";
import {
  bucketLabel,
  buildSeries,
  buildsText,
  hitRateSeries,
  hitRateText,
  type Series,
  waitSeries,
  waitText,
} from "./trend-series.js";
import type { TimeWindow } from "./windows.js";

interface Props {
  readonly trend: Trend;
  readonly labels: readonly string[];
}

/** By times: two hours have the same label in the night in which clocks go back. */
const bucketAxis = (
  trend: Trend,
): { readonly data: number[]; readonly valueFormatter: (startMs: number) => string } => ({
  data: trend.buckets.map(({ startMs }) => startMs),
  valueFormatter: (startMs) => bucketLabel(startMs, trend),
});

/** Refreshes would move everything each time. */
const CHART = { height: 210, margin: { top: 16, right: 24, bottom: 4, left: 0 }, skipAnimation: true };
const AXIS_WIDTH_PX = 52;

const formatBuilds = (value: number): string => value.toLocaleString("en");

function BuildsChart({ labels, trend, window }: Props & { readonly window: TimeWindow }): ReactNode {
  const { palette } = useTheme();
  const series = buildSeries(trend);
  const colors = [palette.primary.main, palette.error.main];
  return (
    <Figure
      title={`Builds per ${window.bucket}`}
      text={buildsText(trend)}
      {...{ labels, series }}
      format={formatBuilds}
    >
      <BarChart
        {...CHART}
        grid={{ horizontal: true }}
        xAxis={[{ ...bucketAxis(trend), scaleType: "band" }]}
        yAxis={[{ width: AXIS_WIDTH_PX, tickMinStep: 1, valueFormatter: formatBuilds }]}
        series={series.map(({ title, values }, index) => ({
          ...{ data: [...values], label: title, stack: "builds" },
          ...(colors[index] !== undefined && { color: colors[index] }),
        }))}
      />
    </Figure>
  );
}

function HitRateChart({ labels, trend }: Props): ReactNode {
  const { palette } = useTheme();
  const series = hitRateSeries(trend);
  return (
    <Figure
      title="Hit rate"
      text={`Of steps that could be cached. ${hitRateText(trend)}`}
      {...{ labels }}
      series={[series]}
      format={formatShare}
    >
      <LineChart
        {...CHART}
        hideLegend
        grid={{ horizontal: true }}
        xAxis={[{ ...bucketAxis(trend), scaleType: "point" }]}
        yAxis={[{ min: 0, max: 1, width: AXIS_WIDTH_PX, valueFormatter: formatShare }]}
        series={[
          {
            ...{ data: [...series.values], label: series.title, color: palette.primary.main, connectNulls: true },
            curve: "linear",
            valueFormatter: (value) => (value === null ? "nothing to cache" : formatShare(value)),
          },
        ]}
      />
    </Figure>
  );
}

function WaitChart({ labels, trend }: Props): ReactNode {
  const { palette } = useTheme();
  const series = waitSeries(trend);
  const colors = [palette.primary.main, palette.primary.main, palette.warning.main, palette.warning.main];
  const shapes = ["circle", "circle", "square", "square"] as const;
  const line = ({ title, values }: Series, index: number): Parameters<typeof LineChart>[0]["series"][number] => ({
    ...{
      id: `line${index.toString()}`,
      data: [...values],
      label: title,
      connectNulls: true,
      showMark: true,
      curve: "linear",
    },
    ...(colors[index] !== undefined && { color: colors[index] }),
    ...(shapes[index] !== undefined && { shape: shapes[index] }),
    valueFormatter: (value) => (value === null ? "none" : formatDuration(value)),
  });
  return (
    <Figure
      isWide
      title="Client wait and export lag"
      text={`${waitText(trend)} Nobody waits for exports.`}
      {...{ labels, series }}
      format={formatDuration}
    >
      <LineChart
        {...CHART}
        grid={{ horizontal: true }}
        xAxis={[{ ...bucketAxis(trend), scaleType: "point" }]}
        yAxis={[{ min: 0, width: AXIS_WIDTH_PX, valueFormatter: formatDuration }]}
        series={series.map(line)}
        // The 95th percentiles are told from the medians without colour, too.
        sx={{ "& .MuiLineElement-series-line1, & .MuiLineElement-series-line3": { strokeDasharray: "5 4" } }}
      />
    </Figure>
  );
}

interface ChartsProps {
  readonly trend: Trend;
  readonly window: TimeWindow;
}

/** Drawn anew with a new trend alone: other figures come more often. */
export const TrendCharts: NamedExoticComponent<ChartsProps> = memo(function TrendCharts({ trend, window }) {
  const labels = trend.buckets.map(({ startMs }) => bucketLabel(startMs, trend));
  return (
    <>
      <BuildsChart {...{ trend, labels, window }} />
      <HitRateChart {...{ trend, labels }} />
      <WaitChart {...{ trend, labels }} />
    </>
  );
});
