/** The history of what builders used, as lines over one axis of time. */
import type { ResourceUsage, UsageHistory } from "../../api/openapi.js";

export type Measure = "cpuCores" | "memoryBytes" | "stateBytes" | "diskFreeBytes";

export interface Line {
  readonly name: string;
  /** One for each time of the axis; null where there is none, and the line has a gap. */
  readonly values: readonly (number | null)[];
}

export interface Extent {
  readonly now: number | undefined;
  readonly lowest: number | undefined;
  readonly highest: number | undefined;
}

/** Samples that are further from a time of the axis say nothing about it. */
const REACH_STEPS = 1.5;

type Samples = readonly ResourceUsage[];

/** Both in order of time. */
function aligned(samples: Samples, timesMs: readonly number[], reachMs: number, measure: Measure): Line["values"] {
  let next = 0;
  const distance = (index: number, atMs: number): number => Math.abs((samples[index]?.sampledAtMs ?? Infinity) - atMs);
  return timesMs.map((atMs) => {
    while (distance(next + 1, atMs) <= distance(next, atMs) && next + 1 < samples.length) next += 1;
    return distance(next, atMs) <= reachMs ? (samples[next]?.[measure] ?? null) : null;
  });
}

export const timesOf = ({ load }: UsageHistory): readonly number[] => load.map(({ atMs }) => atMs);

export function linesOf(history: UsageHistory, measure: Measure): readonly Line[] {
  const timesMs = timesOf(history);
  const reachMs = history.stepMs * REACH_STEPS;
  return history.series.map(({ name, samples }) => ({ name, values: aligned(samples, timesMs, reachMs, measure) }));
}

export const loadLinesOf = ({ load }: UsageHistory): readonly Line[] => [
  { name: "Running builds", values: load.map(({ runningBuilds }) => runningBuilds) },
  { name: "Waiting builds", values: load.map(({ waitingBuilds }) => waitingBuilds) },
];

export function extentOf({ values }: Line): Extent {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { now: undefined, lowest: undefined, highest: undefined };
  return { now: values.at(-1) ?? undefined, lowest: Math.min(...known), highest: Math.max(...known) };
}
