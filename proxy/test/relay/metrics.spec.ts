/** What `/metrics` shows is what docs/metrics.md says, and its series are there before anything happens. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { documentedMetrics, servedMetrics } from "../docs/metrics-table.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";

const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");

describe("/metrics", () => {
  let memoBuild: MemoBuild | undefined;
  let metrics = "";

  before(async () => {
    memoBuild = await startMemoBuild({ builder: "unix:///nowhere/buildkitd.sock" });
    metrics = await memoBuild.metrics();
  });

  after(async () => {
    await memoBuild?.stop();
  });

  it("has the metrics of docs/metrics.md with their types, labels and help, and no others", () => {
    const documented = documentedMetrics(page);
    expect(documented.length).to.be.greaterThan(5);
    const message = "docs/metrics.md is out of date: run npm run docs:metrics";
    expect(servedMetrics(metrics, documented), message).to.deep.equal(documented);
  });

  it("starts every known series at 0", () => {
    for (const series of [
      'memobuild_relay_calls_total{service="moby.buildkit.v1.Control",method="Solve",code="OK"}',
      'memobuild_relay_calls_total{service="other",method="other",code="UNAVAILABLE"}',
      'memobuild_relay_bytes_total{direction="to_client"}',
      'memobuild_relay_connections{side="client"}',
      'memobuild_relay_rejected_connections_total{reason="http1"}',
      'memobuild_builder_up{builder="unix:///nowhere/buildkitd.sock"}',
      'memobuild_cache_builder_reachable{builder="unix:///nowhere/buildkitd.sock"}',
      'memobuild_builder_clients{builder="unix:///nowhere/buildkitd.sock"}',
      'memobuild_placements_total{reason="warm"}',
      'memobuild_queue_refused_total{reason="timeout"}',
      'memobuild_cache_exports_total{result="published"}',
      'memobuild_cache_imports_total{result="injected"}',
      'memobuild_registry_requests_total{operation="get_blob",code="404"}',
    ]) {
      expect(metrics.split("\n")).to.include(`${series} 0`);
    }
  });
});
