/** Lines over time; what they show is told by a table beside them, too. */
import { Box, Typography, useTheme } from "@mui/material";
import { LineChart as Chart } from "@mui/x-charts/LineChart";
import { type ReactNode, useId } from "react";
import { formatTime } from "../../parts/format.js";
import { lineStyle } from "./line-styles.js";
import type { Line } from "./usage-lines.js";

const HEIGHT_PX = 200;
const Y_AXIS_PX = 72;
const TICKS = 5;
const HEADROOM = 1.1;

interface Props {
  readonly title: string;
  readonly timesMs: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** Between values that are told apart: 1 of what is counted. */
  readonly minStep?: number | undefined;
}

/** In a shorter span, several ticks lie within one minute. */
const SPAN_IN_MINUTES_MS = 600_000;

function formatTick(atMs: number, timesMs: readonly number[]): string {
  const spanMs = (timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0);
  const isShort = spanMs < SPAN_IN_MINUTES_MS;
  return new Date(atMs).toLocaleTimeString(undefined, {
    ...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    ...(isShort && { second: "2-digit" }),
  });
}

/** From 0, with room above the highest line. */
const domainLimit = (_lowest: unknown, highest: { valueOf(): number }): { min: number; max: number } => ({
  min: 0,
  max: highest.valueOf() > 0 ? highest.valueOf() * HEADROOM : 1,
});

export function LineChart({ title, timesMs, lines, format, minStep }: Props): ReactNode {
  const theme = useTheme();
  const id = useId();
  const dashes = lines.map((_, index) => ({
    [`& .MuiLineElement-series-line${index.toString()}`]: { strokeDasharray: lineStyle(theme, index).dashes },
  }));
  return (
    <Box sx={{ minWidth: 0 }}>
      <Typography variant="h3" id={id}>
        {title}
      </Typography>
      <Box role="img" aria-labelledby={id}>
        <Chart
          height={HEIGHT_PX}
          skipAnimation
          hideLegend
          margin={{ left: 0, right: 24, top: 12, bottom: 0 }}
          grid={{ horizontal: true }}
          xAxis={[
            {
              ...{ data: [...timesMs], scaleType: "time", tickNumber: TICKS, disableLine: true, domainLimit: "strict" },
              valueFormatter: (atMs: number, { location }: { readonly location: string }) =>
                location === "tick" ? formatTick(atMs, timesMs) : formatTime(atMs),
            },
          ]}
          yAxis={[
            {
              ...{ width: Y_AXIS_PX, tickNumber: TICKS, disableLine: true, domainLimit, valueFormatter: format },
              ...(minStep !== undefined && { tickMinStep: minStep }),
            },
          ]}
          series={lines.map(({ name, values }, index) => ({
            ...{ id: `line${index.toString()}`, label: name, data: [...values], curve: "linear" },
            // One value makes no line.
            showMark: values.filter((value) => value !== null).length === 1,
            color: lineStyle(theme, index).color,
            valueFormatter: (value: number | null) => (value === null ? "" : format(value)),
          }))}
          sx={dashes}
        />
      </Box>
    </Box>
  );
}
