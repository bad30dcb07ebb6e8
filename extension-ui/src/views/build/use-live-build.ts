/** A build and its graph, kept up to date while it runs. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { BuildEvent, BuildGraph, BuildRecord } from "../../api/openapi.js";
import { type Loaded, useAnswer } from "../../state/use-answer.js";
import { useEvents } from "../../state/use-events.js";

/** A graph may be large: a build that runs is not asked for its own more often. */
const GRAPH_INTERVAL_MS = 1000;

export interface LiveBuild {
  readonly record: Loaded<BuildRecord>;
  readonly graph: Loaded<BuildGraph>;
  /** The latest that was told of it, if anything. */
  readonly latest: BuildEvent | undefined;
}

/** At once, then at most once in an interval; the last call is never lost. */
function useThrottled(run: () => void, intervalMs: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const lastMs = useRef(0);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return useCallback(() => {
    if (timer.current !== undefined) return;
    const go = (): void => {
      timer.current = undefined;
      lastMs.current = Date.now();
      run();
    };
    timer.current = setTimeout(go, Math.max(0, lastMs.current + intervalMs - Date.now()));
  }, [run, intervalMs]);
}

export function useLiveBuild(name: string): LiveBuild {
  const record = useAnswer("getBuild", { name });
  const graph = useAnswer("getGraph", { name });
  const [latest, setLatest] = useState<BuildEvent | undefined>(undefined);
  const reloadGraph = useThrottled(graph.reload, GRAPH_INTERVAL_MS);
  const ref = record.answer?.ref;
  // Nothing more is told of it; a large one is not to be read twice.
  const drawn = graph.answer?.outcome;
  const isOver = record.answer?.endedAtMs !== undefined && drawn !== "running";
  // Events that came, or were missed, before it was known which build is shown: they may be of this one.
  const hasEarly = useRef(false);
  const reloadRecord = record.reload;
  useEffect(() => {
    if (ref === undefined || drawn === undefined || !hasEarly.current) return;
    hasEarly.current = false;
    if (isOver) return;
    reloadRecord();
    reloadGraph();
  }, [ref, drawn, isOver, reloadRecord, reloadGraph]);
  useEvents({
    onEvents: (events) => {
      if (ref === undefined) hasEarly.current = true;
      const last = events.filter(({ build }) => build.ref === ref).at(-1);
      if (last === undefined || last.type === "removed") return;
      setLatest(last);
      reloadGraph();
      // What is only known at its end, such as causes and what was sent.
      if (last.build.endedAtMs !== undefined) reloadRecord();
    },
    onReset: () => {
      setLatest(undefined);
      if (ref === undefined) hasEarly.current = true;
      if (ref === undefined || isOver) return;
      reloadGraph();
      reloadRecord();
    },
  });
  return { record, graph, latest };
}
