/** From what was seen of a build to its record: steps with what they are made of, and their numbers. */
import type { BuildRecord, StepCounts, StepRecord, StepResult, TransferRecord } from "./build-record.js";
import { displayName, type StepDescription } from "./describe-step.js";
import type { LiveBuild } from "./live-build.js";
import { STEPS_MAX, workOf, type LiveStep } from "./live-steps.js";

const PROGRESS_SHOWN_MAX = 20;

/** By digest of the vertex. */
export type Descriptions = ReadonlyMap<string, StepDescription>;

/** What steps select from folders has values of build arguments: they must be known to be compared, and then hidden. */
export function hideSelected(record: BuildRecord, build: LiveBuild): BuildRecord {
  const hide = (text: string): string => build.masked(text);
  const steps = record.steps.map((step) => {
    if (step.selections.length === 0) return step;
    const selections = step.selections.map(({ excludePatterns, includePatterns, path, source }) => ({
      source,
      path: hide(path),
      includePatterns: includePatterns.map(hide),
      excludePatterns: excludePatterns.map(hide),
    }));
    return { ...step, selections };
  });
  return { ...record, steps };
}

/** With values of build arguments in what steps select: see `hideSelected`. */
export function assembleRecord(
  build: LiveBuild,
  descriptions: Descriptions,
  transfers: readonly TransferRecord[],
): BuildRecord {
  const merged = mergedSteps(build, descriptions);
  const own = new Set(merged.values());
  const digests = [...build.steps.all.keys()].filter((digest) => !own.has(digest));
  for (const digest of descriptions.keys())
    if (!build.steps.all.has(digest) && !own.has(digest) && digests.length < STEPS_MAX) digests.push(digest);
  const beganAtMs = beginningOf(build);
  const indexes = new Map(digests.map((digest, index) => [digest, index]));
  for (const [digest, described] of merged) indexes.set(described, indexes.get(digest) ?? 0);
  const steps = digests.map((digest) =>
    stepOf({ build, beganAtMs }, digest, descriptions.get(merged.get(digest) ?? digest), (of) => indexes.get(of)),
  );
  const { identity, start } = build;
  return {
    ...identity,
    ...{ ref: build.ref, group: start.group, builder: build.builder, worker: build.worker },
    revision: (start.request.frontendAttrs["vcs:revision"] ?? "").slice(0, 128),
    outputs: outputsOf(build),
    startedAtMs: start.startedAtMs,
    ...(build.endedAtMs !== undefined && { endedAtMs: build.endedAtMs }),
    ...{ outcome: build.outcome, error: build.error, counts: countSteps(steps), savedMs: 0, addedMs: build.addedMs },
    contextBytes: build.transfers.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    ...{ import: build.import, export: build.export, steps, transfers },
    ...{ argumentNames: build.argumentNames, noCache: build.noCache, baseline: "", isCut: build.steps.isCut },
  };
}

/**
 * Of equal steps of builds that run at the same time, BuildKit makes one, and tells all of them of that: the digest is
 * that of another build's step, and the own one never starts. Theirs by ours.
 */
function mergedSteps(build: LiveBuild, descriptions: Descriptions): ReadonlyMap<string, string> {
  const { steps } = build;
  const unseen = new Map<string, string[]>();
  for (const description of descriptions.values()) {
    const { digest } = description;
    if (description.name === "" || steps.all.get(digest)?.startedAtMs !== undefined) continue;
    const name = build.masked(description.name);
    unseen.set(name, [...(unseen.get(name) ?? []), digest]);
  }
  const merged = new Map<string, string>();
  if (unseen.size === 0) return merged;
  for (const { digest, name } of steps.all.values()) {
    const described = descriptions.has(digest) ? undefined : unseen.get(name)?.shift();
    if (described !== undefined) merged.set(digest, described);
  }
  return merged;
}

const FROM = /^\[.*\] FROM/;
const NOT_A_USERS = /^(\[internal\]|\[auth\]|importing cache|exporting )/;

/** Base images are not counted, as nothing could be reused of them. */
export const isCacheable = ({ isUser, name }: Pick<StepRecord, "isUser" | "name">): boolean =>
  isUser && !FROM.test(name);

export function countSteps(steps: readonly StepRecord[]): StepCounts {
  const counted = { total: 0, completed: 0, user: 0, cacheable: 0, cached: 0, cachedBuilder: 0, cachedShared: 0 };
  const counts = { ...counted, ran: 0, warnings: 0 };
  for (const step of steps) {
    const { cachedFrom, completedAtMs, isUser, result, warnings } = step;
    counts.warnings += warnings.length;
    counts.total += 1;
    if (completedAtMs !== undefined) counts.completed += 1;
    if (!isUser) continue;
    counts.user += 1;
    if (!isCacheable(step)) continue;
    counts.cacheable += 1;
    if (result === "cached") {
      counts.cached += 1;
      if (cachedFrom === "builder") counts.cachedBuilder += 1;
      if (cachedFrom === "shared") counts.cachedShared += 1;
    }
    if (result === "ran" || result === "failed") counts.ran += 1;
  }
  return counts;
}

/** By the builder's clock, when the frontend began; -Infinity where it is not told. */
function beginningOf({ steps }: LiveBuild): number {
  for (const { name, startedAtMs } of steps.all.values())
    if (startedAtMs !== undefined && name.startsWith("[internal] load build definition")) return startedAtMs;
  return -Infinity;
}

interface StepSurroundings {
  readonly build: LiveBuild;
  readonly beganAtMs: number;
}

function stepOf(
  { beganAtMs, build }: StepSurroundings,
  digest: string,
  description: StepDescription | undefined,
  indexOf: (digest: string) => number | undefined,
): StepRecord {
  const live = build.steps.all.get(digest);
  const completedAtMs = completionOf(live, build.endedAtMs !== undefined);
  const instruction = description?.instruction ?? "";
  const rawName = live?.name ?? build.masked(description?.name ?? "");
  const inputs = live === undefined || live.inputs.length === 0 ? (description?.inputs ?? []) : live.inputs;
  const selections = (description?.selections ?? []).flatMap(({ source, ...rest }) => {
    const index = indexOf(source);
    return index === undefined ? [] : [{ ...rest, source: index }];
  });
  // Written out, as it is called often: spreads make it many times slower.
  return {
    digest,
    key: description?.key ?? "",
    name: displayName(rawName, instruction, build.argumentValues),
    kind: description?.kind ?? "other",
    inputs: [...new Set(inputs)].flatMap((input) => indexOf(input) ?? []),
    contentInputs: (description?.contentInputs ?? []).flatMap((input) => indexOf(input) ?? []),
    isUser: !NOT_A_USERS.test(rawName),
    stage: description?.stage ?? "",
    instruction,
    lines: description?.lines,
    platform: description?.platform ?? "",
    ignoresCache: description?.ignoresCache ?? false,
    parts: description?.parts ?? {},
    shown: description?.shown ?? {},
    selections,
    result: resultOf(live, completedAtMs, build.endedAtMs !== undefined, beganAtMs),
    startedAtMs: live?.startedAtMs,
    completedAtMs,
    durationMs: live === undefined ? 0 : workOf(live),
    error: live?.error ?? "",
    progress: [...(live?.progress.values() ?? [])].slice(-PROGRESS_SHOWN_MAX),
    warnings: [...(live?.warnings ?? [])],
    logBytes: build.logs.bytesOf(digest),
    isLogCut: build.logs.isCut(digest),
  };
}

/** A step may be at work again when its build ends, as for another build or an export: it was complete before. */
function completionOf(step: LiveStep | undefined, hasEnded: boolean): number | undefined {
  if (step === undefined || step.completedAtMs !== undefined || !hasEnded) return step?.completedAtMs;
  const ends = [...step.intervals.values()];
  return ends.length === 0 ? undefined : Math.max(...ends);
}

function resultOf(
  step: LiveStep | undefined,
  completedAtMs: number | undefined,
  hasEnded: boolean,
  beganAtMs: number,
): StepResult {
  if (step?.startedAtMs === undefined) return hasEnded ? "skipped" : "waiting";
  if (completedAtMs === undefined) return hasEnded ? "canceled" : "running";
  if (step.error !== "") return step.error.includes("context canceled") ? "canceled" : "failed";
  // BuildKit tells of a step that a build before made, and that it still holds, as it was told of there.
  return step.isCached || completedAtMs < beganAtMs ? "cached" : "ran";
}

function outputsOf({ start: { request } }: LiveBuild): string[] {
  const types = request.exporters.map(({ type }) => type);
  const all = types.length > 0 || request.exporterDeprecated === "" ? types : [request.exporterDeprecated];
  return all.slice(0, 32).map((type) => type.slice(0, 64));
}
