/** Promises of the metrics of builds. */
import { expect } from "chai";
import { Registry } from "prom-client";
import { createLogger } from "../log/create-logger.js";
import { FILES_CHANGED, sampleBuild, sampleCounts, sampleStep } from "../test/support/build-samples.js";
import { BuildMetrics } from "./build-metrics.js";

describe("BuildMetrics", () => {
  let registry: Registry;
  let lines: string[];
  let metrics: BuildMetrics;

  beforeEach(() => {
    [registry, lines] = [new Registry(), []];
    const stream = { write: (line: string) => lines.push(line) };
    metrics = new BuildMetrics(registry, createLogger({ level: "warn", format: "json", stream }));
  });

  const values = async (name: string): Promise<Readonly<Record<string, number>>> => {
    const found = (await registry.getSingleMetric(name)?.get())?.values ?? [];
    return Object.fromEntries(found.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };

  it("begin at 0 for all that they can count", async () => {
    expect(await values("memobuild_builds_total")).to.deep.equal({ succeeded: 0, failed: 0, canceled: 0, lost: 0 });
    const steps = { cached_builder: 0, cached_shared: 0, cached_unknown: 0, ran: 0 };
    expect(await values("memobuild_build_steps_total")).to.deep.equal(steps);
    for (const name of ["memobuild_misses_total", "memobuild_record_failures_total"])
      expect(new Set(Object.values(await values(name)))).to.deep.equal(new Set([0]));
  });

  it("count builds that run, and those that ended", async () => {
    metrics.began();
    metrics.began();
    metrics.gone();
    metrics.ended(sampleBuild({ outcome: "failed" }));
    expect(await values("memobuild_builds_running")).to.deep.equal({ "": 1 });
    expect((await values("memobuild_builds_total"))["failed"]).to.equal(1);
    expect(await registry.metrics()).to.include('memobuild_build_seconds_sum{outcome="failed"} 64');
  });

  it("count steps by where they came from, and causes without what they cascaded to", async () => {
    const cascaded = { kind: "input_changed" as const, text: "", hint: "", root: 0 };
    const steps = [sampleStep({ cause: FILES_CHANGED }), sampleStep({ cause: cascaded }), sampleStep()];
    const counts = sampleCounts({ cached: 6, cachedBuilder: 1, cachedShared: 2, ran: 3 });
    metrics.ended(sampleBuild({ steps, counts, savedMs: 1_500 }));
    const counted = { cached_builder: 1, cached_shared: 2, cached_unknown: 3, ran: 3 };
    expect(await values("memobuild_build_steps_total")).to.deep.equal(counted);
    const causes = Object.entries(await values("memobuild_misses_total")).filter(([, value]) => value > 0);
    expect(causes).to.deep.equal([["files_changed", 1]]);
    expect(await values("memobuild_build_saved_seconds_total")).to.deep.equal({ "": 1.5 });
  });

  it("take a clock that was set back", async () => {
    metrics.ended(sampleBuild({ startedAtMs: 9_000, endedAtMs: 5_000 }));
    expect(await registry.metrics()).to.include('memobuild_build_seconds_sum{outcome="succeeded"} 0');
  });

  it("count all that was not recorded, and log the first of each kind", async () => {
    for (let n = 0; n < 3; n++) metrics.failed("log", new Error("no space"));
    metrics.failed("finish", "no error");
    const failed = Object.entries(await values("memobuild_record_failures_total")).filter(([, value]) => value > 0);
    expect(Object.fromEntries(failed)).to.deep.equal({ log: 3, finish: 1 });
    expect(lines).to.have.length(2);
    expect(lines[0]).to.include("no space");
  });
});
