/** Promises of the health monitor. */
import { expect } from "chai";
import { pino } from "pino";
import { HealthMonitor } from "./health.js";
import type { Health } from "./health.js";

const WORKERS = { id: "w1", version: "v1", platforms: ["linux/amd64"] };

/** A monitor on a clock and a builder that the test sets. */
const fixture = () => {
  const seen: Health[] = [];
  const lines: string[] = [];
  const builder = { failure: "", calls: 0, nowMs: 0 };
  const monitor = new HealthMonitor({
    address: "unix:///b",
    listWorkers: () => {
      builder.calls++;
      return builder.failure === "" ? Promise.resolve(WORKERS) : Promise.reject(new Error(builder.failure));
    },
    onChange: (health) => seen.push(health),
    logger: pino({ base: null }, { write: (line: string) => lines.push(line) }),
    now: () => builder.nowMs,
  });
  const check = (): Promise<Health> => {
    builder.nowMs += 1_000;
    return monitor.check();
  };
  return { builder, check, lines, monitor, seen };
};

describe("HealthMonitor", () => {
  it("tells and logs changes only", async () => {
    const { builder, check, lines, seen } = fixture();
    await check();
    await check();
    builder.failure = "connect ECONNREFUSED";
    expect(await check()).to.deep.equal({ state: "down", cause: "connect ECONNREFUSED" });
    await check();
    builder.failure = "";
    await check();
    expect(seen.map(({ state }) => state)).to.deep.equal(["up", "down", "up"]);
    expect(lines).to.have.length(3);
    expect(lines[1]).to.contain("connect ECONNREFUSED").and.to.contain("unix:///b");
  });

  it("answers several who ask at once with one check, and soon after with the same", async () => {
    const { builder, monitor } = fixture();
    await Promise.all([monitor.check(), monitor.check()]);
    await monitor.check();
    expect(builder.calls).to.equal(1);
  });

  it("changes nothing after it was closed", async () => {
    const { check, monitor, seen } = fixture();
    await monitor.close();
    await check();
    expect(seen).to.deep.equal([]);
  });
});
