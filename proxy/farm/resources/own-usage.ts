/** What MemoBuild's own process uses, and what it may. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ownCgroup } from "../managed/builder-cgroup.js";
import type { UsageSample } from "./usage-source.js";

const MICROSECONDS = 1e6;

/** @param cpuMax text of a cgroup's cpu.max, as in `150000 100000` or `max 100000`. */
export function parseCpuMax(cpuMax: string): number | undefined {
  const [quota = Number.NaN, period = Number.NaN] = cpuMax.trim().split(" ").map(Number);
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** @param memoryMax text of a cgroup's memory.max, as in `268435456` or `max`. */
export function parseMemoryMax(memoryMax: string): number | undefined {
  return /^\d+\s*$/.test(memoryMax) ? Number(memoryMax) : undefined;
}

export async function ownUsage(): Promise<UsageSample> {
  const { system, user } = process.cpuUsage();
  const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => ""); // another system has none
  const own = ownCgroup(await read("/proc/self/cgroup"), await read("/proc/self/mountinfo"));
  const dir = own?.dir;
  return {
    cpuSeconds: (system + user) / MICROSECONDS,
    cpuLimitCores: dir === undefined ? undefined : parseCpuMax(await read(join(dir, "cpu.max"))),
    memoryBytes: process.memoryUsage.rss(),
    memoryLimitBytes: dir === undefined ? undefined : parseMemoryMax(await read(join(dir, "memory.max"))),
  };
}
