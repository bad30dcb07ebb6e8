/** What `/metrics` shows is what the README says, and its series are there before anything happens. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";

/** `name` → `type labels` of the rows between the README's markers. */
function readmeRows(): Map<string, string> {
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  const [, table = ""] = /<!-- metrics -->(.*)<!-- \/metrics -->/s.exec(readme) ?? [];
  const rows = table.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\|/gm);
  const labels = (cell: string): string => Array.from(cell.matchAll(/`(\w+)`/g), ([, label]) => label).join(",");
  return new Map(Array.from(rows, ([, name = "", type = "", cell = ""]) => [name, `${type} ${labels(cell)}`]));
}

/**
 * The same of what is served; a histogram's `le` is no label of ours. What has no series yet, such as figures of a
 * builder that was never up, shows no labels: those of the README are taken for it.
 */
function servedRows(metrics: string, readme: ReadonlyMap<string, string>): Map<string, string> {
  const rows = new Map<string, string>();
  for (const [, name = "", type = ""] of metrics.matchAll(/^# TYPE (memobuild_\w+) (\w+)$/gm)) {
    const sample = new RegExp(`^${name}(?:_sum)?(?:\\{(.*)\\})? `, "m").exec(metrics);
    const documented = readme.get(name) ?? "";
    const [, pairs = ""] = sample ?? [];
    if (sample === null && documented.startsWith(`${type} `)) rows.set(name, documented);
    else rows.set(name, `${type} ${Array.from(pairs.matchAll(/(\w+)="/g), ([, label]) => label).join(",")}`);
  }
  return rows;
}

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

  it("has the metrics, types and labels of the README, and no others", () => {
    expect(readmeRows().size).to.be.greaterThan(5);
    const readme = readmeRows();
    expect(Object.fromEntries(servedRows(metrics, readme))).to.deep.equal(Object.fromEntries(readme));
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
