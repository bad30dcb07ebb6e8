/** What a container uses, as a Docker Engine tells it. */
import { z } from "zod";
import type { UsageSample } from "./usage-source.js";

const NANOSECONDS = 1e9;

const containerStats = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z
    .object({
      usage: z.number().optional(),
      stats: z.object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() }).optional(),
    })
    .optional(),
});

/** @returns undefined where it does not run: then the engine answers with zeros. */
export function containerUsage(stats: unknown): UsageSample | undefined {
  const parsed = containerStats.safeParse(stats);
  const usageBytes = parsed.data?.memory_stats?.usage;
  if (!parsed.success || usageBytes === undefined) return undefined;
  const { cpu_stats: cpu, memory_stats: memory } = parsed.data;
  // Files that it read and that the system drops at need, as `docker stats` leaves them out; named so by cgroup v1 and v2.
  const droppableBytes = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0;
  return {
    cpuSeconds: cpu.cpu_usage.total_usage / NANOSECONDS,
    memoryBytes: Math.max(0, usageBytes - droppableBytes),
  };
}
