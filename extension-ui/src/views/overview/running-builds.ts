/** Which builds run: those that were listed, and what events told since. */
import type { BuildEvent, BuildSummary } from "../../api/openapi.js";

export interface RunningBuild {
  readonly build: BuildSummary;
  /** Names of the steps that run; undefined until an event tells them. */
  readonly steps: readonly string[] | undefined;
}

/** The latest event of each build, oldest first. */
export type Latest = ReadonlyMap<string, BuildEvent>;

const LATEST_MAX = 200;

/** Forgets the oldest: a list that is loaded later has them too. */
export function withEvents(latest: Latest, events: readonly BuildEvent[]): Latest {
  const next = new Map(latest);
  for (const event of events) {
    next.delete(event.build.ref);
    next.set(event.build.ref, event);
  }
  return new Map([...next].slice(-LATEST_MAX));
}

/** Latest start first. */
export function runningOf(listed: readonly BuildSummary[], latest: Latest): readonly RunningBuild[] {
  const unheard = listed.filter(({ ref }) => !latest.has(ref)).map((build) => ({ build, steps: undefined }));
  const heard = [...latest.values()].map(({ build, running }) => ({ build, steps: running.map(({ name }) => name) }));
  return [...unheard, ...heard]
    .filter(({ build }) => build.outcome === "running")
    .sort((one, other) => other.build.startedAtMs - one.build.startedAtMs);
}
