/** When steps were at work, as shares of the time that the build took. */
import { formatDuration } from "../../parts/format.js";
import type { GraphNode } from "./step-types.js";

export interface TimeSpan {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Bar {
  readonly node: GraphNode;
  /** Of the span, 0 to 1. */
  readonly from: number;
  readonly share: number;
  /** From the beginning of the build. */
  readonly afterMs: number;
  readonly lastedMs: number;
}

const TICKS_MAX = 8;
const NICE_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000] as const;
const MINUTE_MS = 60_000;

/**
 * From the first start to the last end; what still runs lasts until `nowMs`. Undefined where nothing began. The times of
 * cached steps may be those of an earlier build, and count only where nothing ran.
 */
export function spanOf(nodes: readonly GraphNode[], nowMs: number): TimeSpan | undefined {
  const own = nodes.filter(({ result }) => result !== "cached");
  return wholeSpan(own, nowMs) ?? wholeSpan(nodes, nowMs);
}

function wholeSpan(nodes: readonly GraphNode[], nowMs: number): TimeSpan | undefined {
  let span: TimeSpan | undefined;
  for (const { completedAtMs, result, startedAtMs } of nodes) {
    if (startedAtMs === undefined) continue;
    const endMs = Math.max(startedAtMs, completedAtMs ?? (result === "running" ? nowMs : startedAtMs));
    span = {
      startMs: Math.min(span?.startMs ?? Infinity, startedAtMs),
      endMs: Math.max(span?.endMs ?? 0, endMs),
    };
  }
  return span;
}

/** Of the steps that began, the earliest first. */
export function barsOf(nodes: readonly GraphNode[], { startMs, endMs }: TimeSpan): readonly Bar[] {
  const wholeMs = Math.max(1, endMs - startMs);
  return nodes
    .flatMap((node): Bar[] => {
      const { completedAtMs, result, startedAtMs } = node;
      if (startedAtMs === undefined) return [];
      const began = Math.min(endMs, Math.max(startMs, startedAtMs));
      const end = Math.min(endMs, completedAtMs ?? (result === "running" ? endMs : startedAtMs));
      const [afterMs, lastedMs] = [began - startMs, Math.max(0, end - began)];
      return [{ node, from: afterMs / wholeMs, share: lastedMs / wholeMs, afterMs, lastedMs }];
    })
    .sort((one, other) => one.afterMs - other.afterMs || one.node.step - other.node.step);
}

export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** Round times along the axis, more of them where it is drawn longer. */
export function ticksOf({ startMs, endMs }: TimeSpan, zoom: number): readonly Tick[] {
  const wholeMs = Math.max(1, endMs - startMs);
  const leastMs = wholeMs / (TICKS_MAX * zoom);
  const everyMs =
    NICE_MS.find((ms) => ms >= leastMs) ?? Math.max(1, 2 ** Math.ceil(Math.log2(leastMs / MINUTE_MS))) * MINUTE_MS;
  const count = Math.floor(wholeMs / everyMs) + 1;
  return Array.from({ length: count }, (_, index) => ({
    at: (index * everyMs) / wholeMs,
    text: index === 0 ? "0" : formatDuration(index * everyMs),
  }));
}
