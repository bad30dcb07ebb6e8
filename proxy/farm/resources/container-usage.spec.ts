/** Promises of reading an engine's stats, with answers of real engines, shortened. */
import { expect } from "chai";
import { containerUsage } from "./container-usage.js";

/** cgroup v1, Docker Engine 20.10. */
const V1 = {
  read: "2026-11-23T02:51:12.480116137Z",
  preread: "0001-01-01T00:00:00Z",
  pids_stats: { current: 11 },
  cpu_stats: {
    cpu_usage: {
      total_usage: 1_593_210_774,
      percpu_usage: [801_000_000, 792_210_774],
      usage_in_kernelmode: 410_000_000,
    },
    system_cpu_usage: 41_205_510_000_000,
    online_cpus: 2,
  },
  memory_stats: {
    usage: 98_435_072,
    max_usage: 103_313_408,
    stats: { cache: 61_202_432, inactive_file: 40_108_032, total_cache: 61_202_432, total_inactive_file: 40_108_032 },
    limit: 25_276_510_208,
  },
};
/** cgroup v2. */
const V2 = {
  cpu_stats: { cpu_usage: { total_usage: 2_000_000_000, usage_in_kernelmode: 1, usage_in_usermode: 1 } },
  memory_stats: {
    usage: 50_000_000,
    stats: { anon: 30_000_000, file: 19_000_000, inactive_file: 15_000_000 },
    limit: 1,
  },
};
/** Of a container that does not run. */
const STOPPED = {
  read: "0001-01-01T00:00:00Z",
  cpu_stats: { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 } },
  memory_stats: {},
};

describe("containerUsage", () => {
  it("counts memory as docker stats does, with either version of cgroups", () => {
    expect(containerUsage(V1)).to.deep.equal({ cpuSeconds: 1.593210774, memoryBytes: 58_327_040 });
    expect(containerUsage(V2)).to.deep.equal({ cpuSeconds: 2, memoryBytes: 35_000_000 });
  });

  it("knows nothing of a container that does not run, or is not there", () => {
    expect(containerUsage(STOPPED)).to.equal(undefined);
    expect(containerUsage(undefined)).to.equal(undefined);
    expect(containerUsage("no such container")).to.equal(undefined);
  });
});
