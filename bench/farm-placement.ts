/** Times one placement in a large farm: the question to the warmth, the choice among all builders, and the lease. */
import { Registry } from "prom-client";
import type { FarmBuilder } from "../proxy/farm/farm-builder.js";
import { BuildQueue } from "../proxy/farm/build-queue.js";
import { FarmMetrics } from "../proxy/farm/farm-metrics.js";
import { PLACEMENT_REASONS, type Lease, type PlacementReason } from "../proxy/farm/placing.js";
import { Warmth } from "../proxy/farm/warmth.js";
import { memoryFarmBuilder } from "../proxy/test/support/farm-builders.js";
import { quantile } from "./stats.js";

const BUILDERS = 1_000;
const PROJECTS = 100_000;
const SCOPES_PER_PROJECT = 2;
const WARM_UP = 1_000;
const PLACEMENTS = 10_000;
/** Builds that run at once: enough for builders to be over the bound of load. */
const LEASES = 5_000;
/** One placement in so many is of a project that is not known. */
const COLD_EVERY = 10;
const HOUR_MS = 60 * 60 * 1000;
const TARGET_MS = 1;

interface Sample {
  readonly reason: PlacementReason;
  readonly ms: number;
  readonly cpuMs: number;
}

interface Spread {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface PlacementRow {
  readonly reason: PlacementReason | "all";
  readonly placements: number;
  readonly ms: Spread;
  /** CPU time of the process, which others on the machine lengthen less. */
  readonly cpuMs: Spread;
}

const address = (number: number): string => `tcp://10.0.${number >> 8}.${number & 255}:1234`;
const project = (number: number): string => `git.example/team/project-${number}`;

function fill(warmth: Warmth, nowMs: number): void {
  for (let number = 0; number < PROJECTS; number++) {
    for (let scope = 0; scope < SCOPES_PER_PROJECT; scope++) {
      warmth.built({
        ...{ tenant: "", project: project(number), scope: `Dockerfile ${scope}` },
        address: address((number * 7 + scope) % BUILDERS),
        workMs: 1_000 * (1 + (number % 60)),
        endedAtMs: nowMs - (number % 48) * HOUR_MS,
      });
    }
  }
}

/** Mostly of a few hundred projects, as builds are, so that some have more than one builder takes. */
function pickProject(number: number): string {
  if (number % COLD_EVERY === 0) return project(PROJECTS + number);
  return project(Math.floor(Math.random() ** 4 * PROJECTS));
}

function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

export async function measurePlacement(): Promise<readonly PlacementRow[]> {
  const warmth = new Warmth();
  fill(warmth, Date.now());
  const builders: readonly FarmBuilder[] = Array.from({ length: BUILDERS }, (_, n) => memoryFarmBuilder(address(n)));
  const queue = new BuildQueue({
    ...{ farm: { builders }, warmth, metrics: new FarmMetrics(new Registry()), maxClients: undefined },
    ...{ queueTimeoutMs: HOUR_MS, now: () => performance.now(), wallClock: Date.now },
  });
  const options = { signal: new AbortController().signal, onWaiting: () => undefined };
  const leases: Lease[] = [];
  const samples: Sample[] = [];
  for (let number = 0; number < LEASES + WARM_UP + PLACEMENTS; number++) {
    const build = { tenant: "", project: pickProject(number), scope: `Dockerfile ${number % SCOPES_PER_PROJECT}` };
    const startedCpu = process.cpuUsage();
    const startedAt = performance.now();
    const lease = await queue.place({ ...build, platforms: ["linux/amd64"], exclude: new Set() }, options);
    const ms = performance.now() - startedAt;
    if (number >= LEASES + WARM_UP) samples.push({ reason: lease.reason, ms, cpuMs: cpuMsSince(startedCpu) });
    leases.push(lease);
    if (leases.length > LEASES) leases.shift()?.release();
  }
  for (const lease of leases) lease.release();
  return summarize(samples);
}

function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), p99: quantile(values, 0.99), max: quantile(values, 1) };
}

function summarize(samples: readonly Sample[]): readonly PlacementRow[] {
  return (["all", ...PLACEMENT_REASONS] as const).flatMap((reason) => {
    const own = samples.filter((sample) => reason === "all" || sample.reason === reason);
    if (own.length === 0) return [];
    const ms = spreadOf(own.map((sample) => sample.ms));
    return [{ reason, placements: own.length, ms, cpuMs: spreadOf(own.map((sample) => sample.cpuMs)) }];
  });
}

const textOf = ({ max, median, p99 }: Spread): string => [median, p99, max].map((ms) => ms.toFixed(3)).join(" / ");

export function describePlacement(rows: readonly PlacementRow[]): string {
  const title = `placement among ${BUILDERS} builders with ${PROJECTS} projects (target ${TARGET_MS} ms)`;
  const lines = rows.map(
    ({ reason, placements, ms, cpuMs }) => `${reason}: ${textOf(ms)} ms (${textOf(cpuMs)} ms of CPU), of ${placements}`,
  );
  return [`${title}: median / 99 % / slowest`, ...lines].join("\n");
}
