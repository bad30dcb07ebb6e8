/** Managed builders as real buildkitd processes, and what is measured and pruned there. */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { Registry } from "prom-client";
import { loadDiskUsageMessages } from "../../buildkit/disk-usage.js";
import type { Logger } from "../../log/create-logger.js";
import type { ManagedBuilder } from "../../farm/managed/managed-builders.js";
import { ManagedProcesses } from "../../farm/managed/managed-processes.js";
import type { ManagedProcessesOptions } from "../../farm/managed/managed-processes.js";
import { ResourceMonitor } from "../../farm/resources/resource-monitor.js";
import type { ResourceMonitorDeps } from "../../farm/resources/resource-monitor.js";
import { BUSYBOX, ROOT, run } from "../support/command.js";
import { poll } from "../support/poll.js";
import { mountsBelow, processes } from "../support/processes.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

const patient = new AbortController().signal;
const ignore = (): void => undefined;
const logger: Logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

describe("managed builders in processes", () => {
  const world: { dir: string; folder: string; managed: ManagedProcesses[] } = { dir: "", folder: "", managed: [] };

  beforeEach(async () => {
    world.dir = await makeTempDir("mp");
    world.folder = join(world.dir, "builders");
    await mkdir(join(world.dir, "context"));
    await copyFile(BUSYBOX, join(world.dir, "context/busybox"));
    const loop = "i=0; while [ $i -lt 500000 ]; do i=$((i+1)); done";
    await writeFiles(join(world.dir, "context"), {
      Dockerfile: `FROM scratch\nCOPY busybox /bin/sh\nRUN ${loop}; echo hello > /greeting\n`,
    });
  });

  afterEach(async () => {
    for (const managed of world.managed.splice(0)) await managed.close(patient);
    expect(processes().filter(({ command }) => command.includes(world.folder))).to.deep.equal([]);
    expect(mountsBelow(world.folder)).to.deep.equal([]);
    await removeDir(world.dir);
  });

  const start = async (options: Partial<ManagedProcessesOptions> = {}): Promise<readonly ManagedBuilder[]> => {
    const managed = new ManagedProcesses({
      ...{ count: 2, buildkitd: "buildkitd", folder: world.folder, limits: {}, env: process.env, logger },
      searchPath: [join(ROOT, ".tools/bin"), ...(process.env["PATH"] ?? "").split(":")],
      ...options,
    });
    world.managed.push(managed);
    return managed.start();
  };

  const build = async ({ builder }: ManagedBuilder): Promise<void> => {
    const context = join(world.dir, "context");
    const source = ["--local", `context=${context}`, "--local", `dockerfile=${context}`];
    const args = ["--addr", builder.address, "build", "--frontend=dockerfile.v0", ...source];
    const { code, stderr } = await run("buildctl", args);
    expect(code, stderr).to.equal(0);
  };

  const monitor = async (
    builders: readonly ManagedBuilder[],
    deps: Partial<ResourceMonitorDeps> = {},
  ): Promise<ResourceMonitor> =>
    new ResourceMonitor({
      builders: () => builders.map((managed) => ({ ...managed, isUp: true })),
      messages: await loadDiskUsageMessages(),
      dataDir: world.dir,
      ownState: () => Promise.resolve({ stateBytes: 7 }),
      registry: new Registry(),
      logger,
      now: () => performance.now(),
      wallNow: Date.now,
      ...deps,
    });

  const daemonOf = ({ builder }: ManagedBuilder): number =>
    processes().find(({ command }) => command.endsWith(`--addr ${builder.address}`))?.pid ?? 0;

  it("build beside each other, each with a state of its own, and are started anew when they die", async () => {
    const [one, two] = await start();
    if (one === undefined || two === undefined) throw new Error("there are not two");
    await Promise.all([build(one), build(two)]);
    expect(one.stateDir).not.to.equal(two.stateDir);
    const [killed, other] = [daemonOf(one), daemonOf(two)];
    process.kill(killed, "SIGKILL");
    await poll(
      () => daemonOf(one),
      (pid) => pid !== killed && pid !== 0,
      { what: "it is started anew" },
    );
    expect(daemonOf(two)).to.equal(other);
    await poll(
      () => build(one).then(ignore, String),
      (failure) => failure === undefined,
      {
        what: "it builds again",
        timeoutMs: 20_000,
      },
    );
  });

  it("go with their state when they are removed, or fewer are wanted", async () => {
    await start({ count: 3 });
    await world.managed[0]?.remove("managed-2");
    expect((await readdir(world.folder)).sort()).to.deep.equal(["managed-1", "managed-3"]);
    await world.managed[0]?.close(patient);
    await start({ count: 1 });
    expect(await readdir(world.folder)).to.deep.equal(["managed-1"]);
  });

  it("tell what they use with all that they run, and MemoBuild what it does itself", async () => {
    const builders = await start({ count: 1 });
    const [builder] = builders;
    if (builder === undefined) throw new Error("there is none");
    const registry = new Registry();
    const watching = await monitor(builders, { registry });
    await watching.sample();
    await build(builder);
    await watching.sample();
    const { address } = builder.builder;
    const usage = watching.usageOf(address);
    expect(usage.cpuCores).to.be.within(0.05, 2);
    expect(usage.memoryBytes).to.be.within(10e6, 1e9);
    expect(usage.diskFreeBytes).to.be.within(1, usage.diskTotalBytes ?? 0);
    expect(watching.own()).to.include({ stateBytes: 7 });
    expect(watching.own().memoryBytes).to.be.greaterThan(10e6);
    const metrics = await registry.metrics();
    expect(metrics).to.include(`memobuild_builder_memory_bytes{builder="${address}"}`);
    await watching.close();
  });

  it("are asked to prune what exceeds the limit", async () => {
    const builders = await start({ count: 1 });
    const [builder] = builders;
    if (builder === undefined) throw new Error("there is none");
    await build(builder);
    const registry = new Registry();
    const watching = await monitor(builders, { registry, keepBytes: 1_000_000 });
    await watching.sample();
    await poll(
      () => registry.metrics(),
      (metrics) => metrics.includes('memobuild_builder_prunes_total{result="ok"} 1'),
      { what: "it was asked" },
    );
    await poll(
      () => watching.usageOf(builder.builder.address).stateBytes ?? Infinity,
      (stateBytes) => stateBytes < 1_000_000,
      { what: "its state is below the limit" },
    );
    expect(await registry.metrics()).to.match(/^memobuild_builder_pruned_bytes_total [1-9]\d{6}/m);
    await watching.close();
  });
});
