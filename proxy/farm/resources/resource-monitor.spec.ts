/** When builders are warned of, asked to prune and forgotten: with a builder that keeps what the test says. */
import { expect } from "chai";
import { Registry } from "prom-client";
import { z } from "zod";
import { loadProto } from "../../buildkit/codec.js";
import { loadDiskUsageMessages } from "../../buildkit/disk-usage.js";
import { CONTROL } from "../../buildkit/methods.js";
import { createLogger } from "../../log/create-logger.js";
import { fakeDaemon, type FakeCall, type FakeDaemon } from "../../test/support/fake-daemons.js";
import { poll } from "../../test/support/poll.js";
import { ResourceMonitor, type MonitoredBuilder } from "./resource-monitor.js";

const KEEP_BYTES = 1000;
const MINUTE_MS = 60_000;
const PRUNES = "memobuild_builder_prunes_total";

const usageRecord = z.object({ inUse: z.boolean(), size: z.number() });

describe("ResourceMonitor", () => {
  let daemon: FakeDaemon;
  let builders: MonitoredBuilder[];
  let registry: Registry;
  let monitor: ResourceMonitor;
  let lines: string[];
  let nowMs: number;
  /** What the builder keeps. */
  let kept: { size: number; inUse: boolean };
  /** Calls to prune that were not answered yet. */
  let pruning: FakeCall[];
  let freed: (size: number) => Buffer;

  beforeEach(async () => {
    const codec = await loadProto("control.proto");
    const record = codec("moby.buildkit.v1.UsageRecord", usageRecord);
    const response = codec("moby.buildkit.v1.DiskUsageResponse", z.object({ record: z.array(usageRecord) }));
    freed = (size) => record.encode({ size });
    [registry, lines, nowMs, pruning] = [new Registry(), [], 0, []];
    kept = { size: 0, inUse: false };
    daemon = fakeDaemon("b");
    daemon.answers.set(CONTROL.diskUsage, (call) => {
      call.send(response.encode({ record: [kept] }));
      call.end();
    });
    daemon.answers.set(CONTROL.prune, (call) => pruning.push(call));
    builders = [{ builder: daemon.builder, isUp: true }];
    monitor = new ResourceMonitor({
      builders: () => builders,
      messages: await loadDiskUsageMessages(),
      dataDir: "/",
      ownState: () => Promise.resolve({}),
      keepBytes: KEEP_BYTES,
      registry,
      logger: createLogger({ level: "info", format: "json", stream: { write: (line) => lines.push(line) } }),
      now: () => nowMs,
      wallNow: () => nowMs,
    });
  });

  afterEach(() => monitor.close());

  const asked = (path: string): number => daemon.calls.filter((call) => call === path).length;
  const warned = (): number => lines.filter((line) => line.includes("builder nearly full")).length;
  const stateBytes = (): number | undefined => monitor.usageOf(daemon.builder.address).stateBytes;

  /** Looks when it is time for it again, until it is known that so much is kept. */
  const sampleWith = async (size: number, inUse: boolean): Promise<void> => {
    kept = { size, inUse };
    await sampleLater();
    await poll(stateBytes, (bytes) => bytes === size, { what: "it is known", timeoutMs: 1000, intervalMs: 2 });
  };
  const sampleLater = async (): Promise<void> => {
    nowMs += MINUTE_MS;
    await monitor.sample();
  };
  const untilPruning = async (): Promise<FakeCall> => {
    await poll(
      () => pruning.length,
      (count) => count > 0,
      { what: "it is to prune", timeoutMs: 1000, intervalMs: 2 },
    );
    const [call] = pruning.splice(0);
    if (call === undefined) throw new Error("there is a call");
    return call;
  };
  const metric = async (line: string): Promise<void> => {
    await poll(
      () => registry.metrics(),
      (metrics) => metrics.split("\n").includes(line),
      { what: line, timeoutMs: 1000, intervalMs: 2 },
    );
  };

  it("tells each time that it has looked at all", async () => {
    const seen: number[] = [];
    monitor.onSampled(() => seen.push(monitor.own().sampledAtMs));
    await sampleLater();
    await sampleLater();
    expect(seen).to.deep.equal([MINUTE_MS, 2 * MINUTE_MS]);
  });

  it("warns once when a builder has too much, and again when it has too much again", async () => {
    await sampleWith(2 * KEEP_BYTES, true);
    expect(warned()).to.equal(1);
    await sampleWith(3 * KEEP_BYTES, true);
    expect([warned(), monitor.warningsOf(daemon.builder.address).length]).to.deep.equal([1, 1]);
    await sampleWith(KEEP_BYTES, true);
    expect([warned(), monitor.warningsOf(daemon.builder.address).length]).to.deep.equal([1, 0]);
    await sampleWith(2 * KEEP_BYTES, true);
    expect(warned()).to.equal(2);
  });

  it("asks to prune above the limit only, and for what is not in use", async () => {
    await sampleWith(KEEP_BYTES, false);
    await sampleWith(2 * KEEP_BYTES, true);
    expect(asked(CONTROL.prune)).to.equal(0);
    kept = { size: KEEP_BYTES + 1, inUse: false };
    await sampleLater();
    const call = await untilPruning();
    kept = { size: KEEP_BYTES - 100, inUse: false };
    call.send(freed(101));
    call.end();
    await metric(`${PRUNES}{result="ok"} 1`);
    await metric("memobuild_builder_pruned_bytes_total 101");
    await poll(stateBytes, (bytes) => bytes === kept.size, { what: "what is left", timeoutMs: 1000, intervalMs: 2 });
  });

  it("asks for one thing at a time", async () => {
    kept = { size: 2 * KEEP_BYTES, inUse: false };
    await sampleLater();
    const call = await untilPruning();
    const before = daemon.calls.length;
    await sampleLater();
    await sampleLater();
    expect(daemon.calls).to.have.length(before);
    kept = { size: 0, inUse: false };
    call.end();
    await metric(`${PRUNES}{result="ok"} 1`);
    await poll(stateBytes, (bytes) => bytes === 0, { what: "what is left", timeoutMs: 1000, intervalMs: 2 });
    await sampleLater();
    expect(asked(CONTROL.prune)).to.equal(1);
  });

  it("asks again in time where pruning failed, and counts it", async () => {
    kept = { size: 2 * KEEP_BYTES, inUse: false };
    await sampleLater();
    (await untilPruning()).end("INTERNAL", "no");
    await metric(`${PRUNES}{result="error"} 1`);
    expect(lines.filter((line) => line.includes("builder not pruned"))).to.have.length(1);
    await poll(stateBytes, (bytes) => bytes === kept.size, { what: "what it keeps", timeoutMs: 1000, intervalMs: 2 });
    await sampleLater();
    (await untilPruning()).end();
    await metric(`${PRUNES}{result="ok"} 1`);
  });

  it("does not ask one that is down", async () => {
    builders = [{ builder: daemon.builder, isUp: false }];
    await sampleLater();
    expect(daemon.calls).to.deep.equal([]);
  });

  it("forgets a builder that has gone, with its metrics", async () => {
    await sampleWith(KEEP_BYTES, false);
    expect(await registry.metrics()).to.include(daemon.builder.address);
    builders = [];
    await monitor.sample();
    expect(await registry.metrics()).not.to.include(daemon.builder.address);
    expect(stateBytes()).to.equal(undefined);
  });

  it("ends what it asks when it closes", async () => {
    kept = { size: 2 * KEEP_BYTES, inUse: false };
    await sampleLater();
    await untilPruning();
    await monitor.close();
    await poll(
      () => daemon.connections.size,
      (open) => open === 0,
      { what: "its connections are closed", timeoutMs: 1000, intervalMs: 2 },
    );
    expect(lines.join("")).not.to.include("builder not pruned");
  });
});
