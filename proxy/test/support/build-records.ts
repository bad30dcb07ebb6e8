/** Records of builds as the history keeps them: any number of them, each a little different from the one before. */
import { createHash } from "node:crypto";
import type { BuildRecord, BuildSummary, StepRecord } from "../../builds/build-record.js";
import type { History, LogPiece } from "../../builds/history.js";
import { summaryOf } from "../../builds/sqlite-build-rows.js";
import { SAMPLE_STARTED_AT_MS, sampleBuild, sampleStep, sampleSummary } from "./build-samples.js";

/** As a step's key, a digest's hash and a keyed hash look. */
export const hashOf = (...names: readonly (string | number)[]): string =>
  createHash("sha256").update(names.join("\0")).digest("hex");

/** A build that has just begun. */
export const runningSummary = (build: Partial<BuildSummary> = {}): BuildSummary =>
  sampleSummary({ endedAtMs: undefined, outcome: "running", ...build });

export interface Series {
  readonly projects: number;
  readonly steps: number;
  /** Of the steps, those that no earlier build had. */
  readonly newSteps: number;
}

function stepOf(build: number, step: number, { projects, steps, newSteps }: Series): StepRecord {
  const project = build % projects;
  const isNew = step >= steps - newSteps;
  const key = isNew ? hashOf("new", build, step) : hashOf(project, step);
  return sampleStep({
    digest: `sha256:${hashOf("digest", build, step)}`,
    key,
    name: `[build ${step + 1}/${steps}] RUN ./configure && make part-${step}`,
    instruction: `RUN ./configure && make part-${step}`,
    inputs: step === 0 ? [] : [step - 1],
    lines: { file: "Dockerfile", first: step + 1, last: step + 1 },
    parts: { command: hashOf("command", key), "env:VERSION": hashOf("env", key), cwd: hashOf("cwd") },
    result: isNew ? "ran" : "cached",
    ...(isNew ? {} : { cachedFrom: "builder" as const }),
    durationMs: isNew ? 100 + ((build * 31 + step * 17) % 5000) : 0,
    ...(isNew && step === steps - newSteps
      ? { cause: { kind: "files_changed" as const, text: "a file changed", hint: "", fileCount: 1 } }
      : {}),
  });
}

/** The n-th build of a series; each starts a second after the one before. */
export function seriesBuild(build: number, series: Series): BuildRecord {
  const startedAtMs = SAMPLE_STARTED_AT_MS + build * 1000;
  const steps = Array.from({ length: series.steps }, (_, step) => stepOf(build, step, series));
  return sampleBuild({
    ref: hashOf("ref", build).slice(0, 25),
    group: `session-${Math.floor(build / 2)}`,
    project: `github.com/acme/project-${build % series.projects}`,
    builder: `tcp://10.0.0.${build % 2}:1234`,
    outcome: build % 10 === 0 ? "failed" : "succeeded",
    startedAtMs,
    endedAtMs: startedAtMs + 60_000,
    transfers: [],
    steps,
  });
}

export const logPieces = (step: string, count: number, first = 0): LogPiece[] =>
  Array.from({ length: count }, (_, index) => ({
    step,
    stream: 1,
    atMs: SAMPLE_STARTED_AT_MS + first + index,
    text: `[${first + index}] gcc -O2 -Wall -c -o part-${first + index}.o part-${first + index}.c\n`,
  }));

/** Begins and finishes builds, each a second after the one before. */
export async function finishBuilds(
  history: History,
  builds: readonly (Partial<BuildRecord> & { readonly ref: string })[],
): Promise<void> {
  for (const [index, build] of builds.entries()) {
    const startedAtMs = SAMPLE_STARTED_AT_MS + index * 1000;
    const record = sampleBuild({ startedAtMs, transfers: [], ...build });
    await history.begin({ ...summaryOf(record), outcome: "running", endedAtMs: undefined });
    await history.finish(record);
  }
}
