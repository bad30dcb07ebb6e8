/** What buildx, buildctl and BuildKit's own history say of a build, to be compared with the record of it. */
import { expect } from "chai";
import type { BuildRecord, StepRecord } from "../../builds/build-record.js";
import { isOurImport } from "../system/progress.js";

/** buildx counts time from its own first look at the build, so that its times are those of the builder and a constant. */
const CLOCKS_TOLERANCE_MS = 2_000;
const ROUNDING_MS = 1;

/** A step of buildx itself, of which the builder does not know. */
const BUILDX_OWN = /^\[internal\] load local bake definitions$/;

interface RawVertex {
  readonly digest: string;
  readonly name?: string;
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly error?: string;
}

interface RawProgress {
  readonly vertexes?: readonly RawVertex[];
}

/** A step as a client's progress shows it at the end. */
interface ReportedStep {
  name: string;
  isCached: boolean;
  error: string;
  startedAtMs: number | undefined;
  completedAtMs: number | undefined;
}

/** Reads what `--progress rawjson` wrote. */
export function reportedSteps(stderr: string): Map<string, ReportedStep> {
  const steps = new Map<string, ReportedStep>();
  for (const line of stderr.split("\n")) {
    if (!line.startsWith("{")) continue;
    for (const vertex of (JSON.parse(line) as RawProgress).vertexes ?? [])
      if (!BUILDX_OWN.test(vertex.name ?? "")) follow(steps, vertex);
  }
  return steps;
}

function follow(steps: Map<string, ReportedStep>, { digest, ...vertex }: RawVertex): void {
  const unknown = { name: "", isCached: false, error: "", startedAtMs: undefined, completedAtMs: undefined };
  const step: ReportedStep = steps.get(digest) ?? unknown;
  steps.set(digest, step);
  const name = vertex.name ?? "";
  if (name !== "") step.name = isOurImport(name) ? "importing cache manifest from the shared cache" : name;
  step.isCached ||= vertex.cached ?? false;
  if (vertex.error !== undefined) step.error = vertex.error;
  if (vertex.started === undefined) return;
  const started = Date.parse(vertex.started);
  step.startedAtMs = Math.min(step.startedAtMs ?? started, started);
  step.completedAtMs = vertex.completed === undefined ? undefined : Date.parse(vertex.completed);
}

const byDigest = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** The record of a build has the steps that the client was shown: the same ones, at the same times, with the same end. */
export function expectSteps(record: BuildRecord, reported: ReadonlyMap<string, ReportedStep>): void {
  const shown = [...reported].map(
    ([digest, { error, isCached, name }]) => [digest, { name, isCached, error }] as const,
  );
  const recorded = record.steps.map(
    ({ digest, error, name, result }) => [digest, { name, isCached: result === "cached", error }] as const,
  );
  expect([...recorded].sort(byDigest)).to.deep.equal([...shown].sort(byDigest));
  expectTimes(record.steps, reported);
}

function expectTimes(steps: readonly StepRecord[], reported: ReadonlyMap<string, ReportedStep>): void {
  const shifts = steps.flatMap(({ completedAtMs, digest, startedAtMs }) => {
    const step = reported.get(digest);
    expect(startedAtMs === undefined, digest).to.equal(step?.startedAtMs === undefined);
    expect(completedAtMs === undefined, digest).to.equal(step?.completedAtMs === undefined);
    return [
      ...(startedAtMs === undefined || step?.startedAtMs === undefined ? [] : [startedAtMs - step.startedAtMs]),
      ...(completedAtMs === undefined || step?.completedAtMs === undefined ? [] : [completedAtMs - step.completedAtMs]),
    ];
  });
  expect(Math.max(...shifts) - Math.min(...shifts)).to.be.at.most(2 * ROUNDING_MS);
  expect(Math.abs(shifts[0] ?? NaN)).to.be.at.most(CLOCKS_TOLERANCE_MS);
}

/** What `buildx history inspect --format json` says. */
export interface Inspected {
  readonly Status: "canceled" | "completed" | "failed";
  readonly StartedAt: string;
  readonly CompletedAt: string;
  readonly NumTotalSteps: number;
  readonly NumCompletedSteps: number;
  readonly NumCachedSteps: number;
  readonly Error?: { readonly Message?: string };
}

const OUTCOMES = { completed: "succeeded", failed: "failed", canceled: "canceled" } as const;

/** The record says of the build as a whole what BuildKit's history says. */
export function expectInspected(record: BuildRecord, inspected: Inspected): void {
  const { counts, endedAtMs = NaN, outcome, startedAtMs, steps } = record;
  expect({
    ...{ outcome, total: counts.total, completed: counts.completed },
    cached: steps.filter(({ result }) => result === "cached").length,
  }).to.deep.equal({
    ...{ outcome: OUTCOMES[inspected.Status], total: inspected.NumTotalSteps, completed: inspected.NumCompletedSteps },
    cached: inspected.NumCachedSteps,
  });
  expect(startedAtMs).to.be.closeTo(Date.parse(inspected.StartedAt), CLOCKS_TOLERANCE_MS);
  expect(endedAtMs).to.be.closeTo(Date.parse(inspected.CompletedAt), CLOCKS_TOLERANCE_MS);
}

/** What `buildctl --debug-json-cache-metrics` counts. */
export interface CacheMetrics {
  readonly total: number;
  readonly completed: number;
  readonly user_total: number;
  readonly user_cached: number;
  readonly user_completed: number;
  readonly user_cacheable: number;
  readonly from: number;
  readonly miss: number;
}

export function cacheMetricsOf(stdout: string): CacheMetrics {
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`there are no cache metrics in ${stdout}`);
  return JSON.parse(line) as CacheMetrics;
}

export function expectCounts({ counts, steps }: BuildRecord, metrics: CacheMetrics): void {
  const user = steps.filter(({ isUser }) => isUser);
  expect({
    ...{ total: counts.total, completed: counts.completed, user_total: counts.user },
    user_cacheable: counts.cacheable,
    user_cached: user.filter(({ result }) => result === "cached").length,
    user_completed: user.filter(({ completedAtMs }) => completedAtMs !== undefined).length,
    // Base images are left out of our number.
    miss: counts.cacheable - counts.cached,
  }).to.deep.equal({
    ...{ total: metrics.total, completed: metrics.completed, user_total: metrics.user_total },
    user_cacheable: metrics.user_cacheable,
    user_cached: metrics.user_cached,
    user_completed: metrics.user_completed,
    miss: metrics.miss,
  });
}
