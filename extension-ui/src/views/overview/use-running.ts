/** The builds that run, live. */
import { useState } from "react";
import { useAnswer } from "../../state/use-answer.js";
import { useEvents } from "../../state/use-events.js";
import { type Latest, type RunningBuild, runningOf, withEvents } from "./running-builds.js";

const EVERY_MS = 10_000;
const LIMIT = 20;
const NONE: Latest = new Map();

export function useRunning(): readonly RunningBuild[] {
  const listed = useAnswer("listBuilds", { outcome: "running", limit: LIMIT }, EVERY_MS);
  const [latest, setLatest] = useState(NONE);
  useEvents({
    onEvents: (events) => {
      setLatest((before) => withEvents(before, events));
    },
    onReset: () => {
      setLatest(NONE);
      listed.reload();
    },
  });
  return runningOf(listed.answer?.builds ?? [], latest);
}
