/** Times many small builds, many at a time, through MemoBuild and split by hand over connections to the daemons. */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runOk } from "../proxy/test/support/command.js";
import { untilNoExportRuns } from "./cache-world.js";
import { DAEMONS, type FarmWorld } from "./farm-world.js";
import { cpuMs } from "./process-usage.js";
import { median, quantile, shuffled } from "./stats.js";

const BUILDS = 128;
/** More clients than this fight for the cores of one machine before they get to build. */
const IN_FLIGHT = 32;
const BUILD_LIMIT_MS = 120_000;
const TARGET_RATIO = 1.1;
const WAYS = ["direct", "cache off", "cache on"] as const;
type Way = (typeof WAYS)[number];

export interface ParallelRow {
  readonly way: Way;
  readonly round: number;
  /** From the first start to the last end. */
  readonly ms: number;
  /** CPU time of MemoBuild until then. */
  readonly cpuMs: number;
}

interface Route {
  readonly addressOf: (build: number) => string;
  /** Of MemoBuild. */
  readonly pid?: number;
}

async function build(address: string, context: string, number: number): Promise<void> {
  const source = `vcs:source=https://git.example/team/small-${number}.git`;
  const inputs = ["context", "dockerfile"].flatMap((name) => ["--local", `${name}=${context}`]);
  const what = ["--frontend", "dockerfile.v0", ...inputs, "--opt", source, "--progress", "plain"];
  await runOk("buildctl", ["--addr", address, "build", ...what], { timeoutMs: BUILD_LIMIT_MS });
}

async function inFlight(works: readonly (() => Promise<void>)[]): Promise<void> {
  const left = works.values();
  const worker = async (): Promise<void> => {
    for (const work of left) await work();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

export async function measureParallel(world: FarmWorld, rounds: number, signal: AbortSignal): Promise<ParallelRow[]> {
  const [off, on] = [await world.memobuild("parallel-off", "off"), await world.memobuild("parallel-on", "on")];
  const { addresses } = world;
  const routes: Readonly<Record<Way, Route>> = {
    direct: { addressOf: (number) => addresses[number % addresses.length] ?? "" },
    "cache off": { addressOf: () => `unix://${off.unixSocket}`, pid: off.pid },
    "cache on": { addressOf: () => `unix://${on.unixSocket}`, pid: on.pid },
  };
  const contexts = Array.from({ length: BUILDS }, (_, number) => join(world.dir, `small-${number}`));
  for (const context of contexts) {
    await mkdir(context);
    await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY file /\n");
  }
  const rows: ParallelRow[] = [];
  // The first round fills what is filled once, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const way of shuffled(WAYS)) {
      signal.throwIfAborted();
      // New content: nothing comes from a cache.
      for (const context of contexts) await writeFile(join(context, "file"), randomBytes(4096));
      const { addressOf, pid } = routes[way];
      const cpuBefore = pid === undefined ? 0 : cpuMs(pid);
      const startedAt = performance.now();
      await inFlight(contexts.map((context, number) => () => build(addressOf(number), context, number)));
      const ms = performance.now() - startedAt;
      const used = pid === undefined ? 0 : cpuMs(pid) - cpuBefore;
      process.stderr.write(`parallel ${round}: ${way} ${ms.toFixed(0)} ms, ${used} ms of CPU\n`);
      if (round > 0) rows.push({ way, round, ms, cpuMs: used });
      // What goes on behind the builds must not meet the next.
      await untilNoExportRuns(on);
    }
  }
  return rows;
}

export function describeParallel(rows: readonly ParallelRow[]): string {
  const of = (way: Way): readonly ParallelRow[] => rows.filter((row) => row.way === way);
  const base = new Map(of("direct").map(({ ms, round }) => [round, ms]));
  const lines = WAYS.map((way) => {
    const times = `median ${(median(of(way).map(({ ms }) => ms)) / 1000).toFixed(2)} s of ${of(way).length}`;
    if (way === "direct") return `split by hand: ${times}`;
    const ratios = of(way).map(({ ms, round }) => ms / (base.get(round) ?? NaN));
    const spread = `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`;
    const verdict = median(ratios) <= TARGET_RATIO ? "met" : "missed";
    const cpu = `${median(of(way).map((row) => row.cpuMs)).toFixed(0)} ms of its CPU`;
    const ratio = `${median(ratios).toFixed(2)} [${spread}] of split by hand, target ${TARGET_RATIO}: ${verdict}`;
    return `through MemoBuild, ${way}: ${times} (${cpu}): ${ratio}`;
  });
  return [`${BUILDS} small builds, ${IN_FLIGHT} at a time, on ${DAEMONS} daemons`, ...lines].join("\n");
}
