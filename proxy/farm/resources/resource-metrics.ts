/** Metrics of what builders use, and of asking them to prune. */
import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { ResourceUsage } from "../builder-desk.js";

const PRUNE_RESULTS = ["ok", "error"] as const;
export type PruneResult = (typeof PRUNE_RESULTS)[number];

/** Metric → what of a builder it shows. */
const GAUGES = {
  memobuild_builder_cpu_cores: {
    help: "Processors that the builder uses, on average over the last seconds.",
    read: (usage: ResourceUsage) => usage.cpuCores,
  },
  memobuild_builder_memory_bytes: {
    help: "Memory that the builder and its steps use.",
    read: (usage: ResourceUsage) => usage.memoryBytes,
  },
  memobuild_builder_state_bytes: {
    help: "What BuildKit keeps: layers, contexts, cache mounts.",
    read: (usage: ResourceUsage) => usage.stateBytes,
  },
  memobuild_builder_disk_free_bytes: {
    help: "What is free on the file system of the builder's state.",
    read: (usage: ResourceUsage) => usage.diskFreeBytes,
  },
} as const;

export class ResourceMetrics {
  readonly #gauges: readonly {
    readonly gauge: Gauge<"builder">;
    readonly read: (usage: ResourceUsage) => number | undefined;
  }[];
  readonly #prunes: Counter<"result">;
  readonly #prunedBytes: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#gauges = Object.entries(GAUGES).map(([name, { help, read }]) => ({
      gauge: new Gauge({ name, help, labelNames: ["builder"], registers }),
      read,
    }));
    this.#prunes = new Counter({
      name: "memobuild_builder_prunes_total",
      help: "Times that a builder above --builder-keep-bytes was asked to prune.",
      labelNames: ["result"],
      registers,
    });
    for (const result of PRUNE_RESULTS) this.#prunes.inc({ result }, 0);
    this.#prunedBytes = new Counter({
      name: "memobuild_builder_pruned_bytes_total",
      help: "What builders removed when they were asked to.",
      registers,
    });
  }

  /** What is not known has no series. */
  show(builder: string, usage: ResourceUsage): void {
    for (const { gauge, read } of this.#gauges) {
      const value = read(usage);
      if (value === undefined) gauge.remove({ builder });
      else gauge.set({ builder }, value);
    }
  }

  remove(builder: string): void {
    for (const { gauge } of this.#gauges) gauge.remove({ builder });
  }

  pruned(result: PruneResult, freedBytes: number): void {
    this.#prunes.inc({ result });
    this.#prunedBytes.inc(freedBytes);
  }
}
