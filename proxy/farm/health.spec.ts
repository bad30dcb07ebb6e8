/** Promises of the health monitor, on a clock and with a builder that each test sets. */
import { once } from "node:events";
import { expect } from "chai";
import { pino } from "pino";
import type { Workers } from "../buildkit/workers.js";
import { FakeClock } from "../test/support/fake-clock.js";
import { type Health, type HealthDeps, HealthMonitor } from "./health.js";

const WORKERS: Workers = { id: "w1", version: "v0.32.2", platforms: ["linux/amd64"], labels: {} };

const TIMEOUT_MS = 100;

const fixture = ({ minVersion }: Pick<HealthDeps, "minVersion"> = { minVersion: "v0.28.1" }) => {
  const seen: Health[] = [];
  const lines: string[] = [];
  const clock = new FakeClock();
  const builder = { failure: "", code: "", isHanging: false, calls: 0, workers: WORKERS };
  const told = { silent: 0, hasOthers: true };
  const monitor = new HealthMonitor({
    name: "unix:///b",
    listWorkers: async (signal) => {
      builder.calls++;
      if (builder.isHanging) await once(signal, "abort");
      if (builder.failure !== "") throw Object.assign(new Error(builder.failure), { code: builder.code });
      return builder.workers;
    },
    timeoutMs: TIMEOUT_MS,
    minVersion,
    onChange: (health) => seen.push(health),
    onSilent: () => told.silent++,
    logger: pino({ base: null }, { write: (line: string) => lines.push(line) }),
    clock,
    random: () => 0.5,
    hasOthers: () => told.hasOthers,
  });
  const check = async (): Promise<Health> => {
    await clock.advance(1_000);
    return monitor.check();
  };
  return { builder, check, clock, lines, monitor, seen, told };
};

const causeOf = (health: Health): string => ("cause" in health ? health.cause : "");

describe("HealthMonitor", () => {
  it("tells and logs changes only", async () => {
    const { builder, check, lines, seen } = fixture();
    await check();
    await check();
    builder.failure = "connect ECONNREFUSED";
    expect(await check()).to.include({ state: "down", cause: "connect ECONNREFUSED" });
    await check();
    expect(seen.map(({ state }) => state)).to.deep.equal(["up", "down"]);
    expect(lines).to.have.length(2);
    expect(lines[1]).to.contain("connect ECONNREFUSED").and.to.contain("unix:///b");
  });

  it("answers several who ask at once with one check, and soon after with the same", async () => {
    const { builder, monitor } = fixture();
    await Promise.all([monitor.check(), monitor.check()]);
    await monitor.check();
    expect(builder.calls).to.equal(1);
  });

  it("changes nothing after it was closed", async () => {
    const { check, clock, monitor, seen } = fixture();
    monitor.start();
    await monitor.close();
    await check();
    expect(seen).to.deep.equal([]);
    expect(clock.waiting).to.equal(0);
  });

  it("checks every 5 s while the builder is up", async () => {
    const { builder, clock, monitor } = fixture();
    monitor.start();
    await clock.advance(25_000);
    expect(builder.calls).to.equal(6);
  });

  it("checks a builder that is down after 1, 2, 4 and so on up to 30 s", async () => {
    const { builder, clock, monitor } = fixture();
    builder.failure = "gone";
    monitor.start();
    const callsAfterMs: number[] = [];
    for (let atMs = 0; atMs <= 121_000; atMs += 1_000) {
      if (builder.calls > callsAfterMs.length) callsAfterMs.push(atMs);
      await clock.advance(1_000);
    }
    expect(callsAfterMs.map((atMs) => Math.round(atMs / 1_000))).to.deep.equal([0, 1, 3, 7, 15, 31, 61, 91, 121]);
  });

  it("does not wait longer because somebody asks in between", async () => {
    const { builder, check, clock, monitor } = fixture();
    builder.failure = "gone";
    monitor.start();
    await clock.advance(3_100);
    for (let count = 0; count < 3; count++) await check();
    const before = builder.calls;
    await clock.advance(1_000);
    expect(builder.calls).to.equal(before + 1);
  });

  it("takes up at once what was down, where it had been up for long", async () => {
    const { builder, check, clock, monitor } = fixture();
    monitor.start();
    await clock.advance(61_000);
    builder.failure = "gone";
    await check();
    builder.failure = "";
    await clock.advance(600);
    expect(await monitor.check()).to.include({ state: "up" });
  });

  it("tells a builder that is silent from one where nobody listens", async () => {
    for (const [code, silent] of [
      ["ECONNREFUSED", 0],
      ["ENOENT", 0],
      ["EHOSTUNREACH", 1],
      ["", 1],
    ] as const) {
      const { builder, check, told } = fixture();
      Object.assign(builder, { failure: "it fails", code });
      expect(await check()).to.include({ state: "down", cause: "it fails" });
      expect(told.silent, code).to.equal(silent);
    }
  });

  it("tells of each check that a builder leaves without an answer, and changes its state once", async () => {
    const { builder, check, seen, told } = fixture();
    await check();
    Object.assign(builder, { isHanging: true, failure: "aborted" });
    expect(await check()).to.include({ state: "down", cause: "no answer within 0.1 s" });
    await check();
    await check();
    expect(told.silent).to.equal(3);
    expect(seen.map(({ state }) => state)).to.deep.equal(["up", "down"]);
  });

  it("leaves alone what flaps until its back-off is over", async () => {
    const { builder, check, clock, monitor } = fixture();
    for (let count = 0; count < 4; count++) {
      builder.failure = "";
      await clock.advance(30_000);
      await check();
      expect(monitor.health.state, `up ${count}`).to.equal("up");
      builder.failure = "gone";
      await check();
    }
    builder.failure = "";
    await clock.advance(600);
    const held = await monitor.check();
    expect(held.state).to.equal("down");
    expect(causeOf(held)).to.match(/^it answers, but went down within a minute of coming up: not used for \d+ s more$/);
    await clock.advance(30_000);
    expect(monitor.health.state).to.equal("up");
  });

  it("uses the only builder as soon as it answers, however often it went down, and keeps asking it", async () => {
    const { builder, check, clock, told } = fixture();
    told.hasOthers = false;
    for (let count = 0; count < 6; count++) {
      builder.failure = "";
      expect((await check()).state, `up ${count}`).to.equal("up");
      builder.failure = "gone";
      expect((await check()).state).to.equal("down");
    }
    const { calls } = builder;
    await clock.advance(10_000);
    expect(builder.calls - calls).to.be.at.least(2);
  });

  it("checks at once what is suspected, once in half a second", async () => {
    const { builder, clock, monitor } = fixture();
    monitor.start();
    await clock.advance(2_000);
    builder.failure = "gone";
    for (let count = 0; count < 5; count++) monitor.suspect();
    await clock.advance(0);
    expect(builder.calls).to.equal(2);
    expect(monitor.health.state).to.equal("down");
  });

  it("checks soon what is suspected just after a check", async () => {
    const { builder, clock, monitor } = fixture();
    monitor.start();
    await clock.advance(100);
    builder.failure = "gone";
    monitor.suspect();
    monitor.suspect();
    await clock.advance(500);
    expect(builder.calls).to.equal(2);
    expect(monitor.health.state).to.equal("down");
  });

  it("refuses a version that is too old, and says why", async () => {
    const { builder, check, lines } = fixture();
    builder.workers = { ...WORKERS, version: "v0.11.6" };
    const health = await check();
    expect(health.state).to.equal("refused");
    expect(causeOf(health)).to.equal(
      "runs BuildKit v0.11.6, older than v0.28.1 of --builder-min-version: " +
        "earlier ones let a build's frontend write outside of its folder (CVE-2026-33747)",
    );
    expect(lines.join("")).to.contain("builder refused");
  });

  it("blames no hole on a version that has none", async () => {
    const { builder, check } = fixture({ minVersion: "v0.32.0" });
    builder.workers = { ...WORKERS, version: "v0.30.0" };
    expect(causeOf(await check())).to.equal("runs BuildKit v0.30.0, older than v0.32.0 of --builder-min-version");
  });

  it("takes a version that cannot be compared, and says so once", async () => {
    const { builder, check, lines } = fixture();
    builder.workers = { ...WORKERS, version: "v0.0.0+unknown" };
    expect((await check()).state).to.equal("up");
    await check();
    expect(lines.filter((line) => line.includes("cannot be compared"))).to.have.length(1);
  });

  it("takes any version where there is no minimum", async () => {
    const { builder, check } = fixture();
    const any = fixture({ minVersion: undefined });
    builder.workers = { ...WORKERS, version: "v0.11.6" };
    any.builder.workers = builder.workers;
    expect((await check()).state).to.equal("refused");
    expect((await any.check()).state).to.equal("up");
  });

  it("tells that another daemon answers, though it was never seen down", async () => {
    const { builder, check, seen } = fixture();
    await check();
    builder.workers = { ...WORKERS, id: "w2" };
    await check();
    await check();
    expect(seen.map(({ state }) => state)).to.deep.equal(["up", "up"]);
  });

  it("keeps since when it is in its state", async () => {
    const { check } = fixture();
    const first = await check();
    expect(first.sinceMs).to.be.closeTo(Date.now(), 5_000);
    expect((await check()).sinceMs).to.equal(first.sinceMs);
  });
});
