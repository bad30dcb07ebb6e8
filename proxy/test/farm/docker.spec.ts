/** Managed builders as containers of a real Docker Engine. */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import Docker from "dockerode";
import { loadDiskUsageMessages } from "../../buildkit/disk-usage.js";
import { StartError } from "../../config/start-error.js";
import type { ManagedBuilder } from "../../farm/managed/managed-builders.js";
import { ManagedContainers } from "../../farm/managed/managed-containers.js";
import type { ManagedContainersOptions } from "../../farm/managed/managed-containers.js";
import { diskUsageOf } from "../../farm/resources/builder-disk.js";
import { loadBuildkitImage } from "../support/buildkit-image.js";
import { BUSYBOX, run, runOk } from "../support/command.js";
import { startDockerd, type Dockerd } from "../support/dockerd.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

const IMAGE = "local/buildkit:pinned";
/** Processor time that a step takes, and that a builder alone does not. */
const STEP_LOOPS = 1_000_000;
const STEP_SECONDS_MIN = 1;
const INSTALLATION = "abc123";
const never = new AbortController().signal;
const logger = { trace: skip, debug: skip, info: skip, warn: skip, error: skip };

function skip(): void {
  // What is logged is not asked for here.
}

describe("managed builders in containers", () => {
  const world: { dir: string; engine?: Dockerd } = { dir: "" };
  let docker: Docker;

  before(async function () {
    world.dir = await makeTempDir("dk");
    for (const folder of ["engine", "image", "context", "builders"]) await mkdir(join(world.dir, folder));
    const found = await run("sh", ["-c", "command -v dockerd"]);
    if (found.code !== 0) this.skip();
    world.engine = await startDockerd(join(world.dir, "engine"));
    docker = new Docker({ socketPath: world.engine.socket });
    await loadBuildkitImage(world.engine.socket, IMAGE, join(world.dir, "image"));
    await copyFile(BUSYBOX, join(world.dir, "context/busybox"));
    await writeFiles(join(world.dir, "context"), {
      Dockerfile: [
        ...["FROM scratch AS shell", "COPY busybox /bin/busybox", 'RUN ["/bin/busybox", "--install", "-s", "/bin"]'],
        ...[`RUN --network=none echo hello > /greeting && i=0; while [ $i -lt ${STEP_LOOPS} ]; do i=$((i+1)); done`],
        ...["FROM scratch", "COPY --from=shell /greeting /", ""],
      ].join("\n"),
    });
  });

  after(async () => {
    await world.engine?.stop();
    await removeDir(world.dir);
  });

  afterEach(async () => {
    const managed = create();
    for (const name of ["managed-1", "managed-2", "managed-3"]) await managed.remove(name);
    expect(await left()).to.deep.equal({ containers: [], volumes: [], networks: ["host", "none"] });
    expect(await readdir(join(world.dir, "builders"))).to.deep.equal([]);
  });

  const create = (options: Partial<ManagedContainersOptions> = {}): ManagedContainers =>
    new ManagedContainers({
      ...{ count: 2, image: IMAGE, installation: INSTALLATION, limits: {}, logger },
      dockerSocket: world.engine?.socket ?? "",
      folder: join(world.dir, "builders"),
      ...options,
    });

  const left = async (): Promise<object> => ({
    containers: (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names),
    volumes: (await docker.listVolumes()).Volumes.map(({ Name }) => Name),
    networks: (await docker.listNetworks()).map(({ Name }) => Name).sort(),
  });

  const ids = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await docker.listContainers({ all: true })).map(({ Id, Names }) => [Names[0] ?? "", Id] as const).sort(),
    );

  /** @returns what the build told. */
  const build = async ({ builder }: ManagedBuilder, ...more: readonly string[]): Promise<string> => {
    const context = join(world.dir, "context");
    const source = ["--local", `context=${context}`, "--local", `dockerfile=${context}`];
    const args = ["build", "--progress=plain", "--frontend=dockerfile.v0", ...source, ...more];
    const { code, stderr } = await run("buildctl", ["--addr", builder.address, ...args]);
    expect(code, stderr).to.equal(0);
    return stderr;
  };

  const first = (builders: readonly ManagedBuilder[]): ManagedBuilder => {
    const [builder] = builders;
    if (builder === undefined) throw new Error("there is no builder");
    return builder;
  };

  it("build, tell what they use, and go on without MemoBuild", async () => {
    const builders = await create().start();
    expect(builders.map(({ name }) => name)).to.deep.equal(["managed-1", "managed-2"]);
    const before = await first(builders).sample(never);
    for (const builder of builders) await build(builder);
    const after = await first(builders).sample(never);
    // What its steps used counts as its own.
    expect((after?.cpuSeconds ?? 0) - (before?.cpuSeconds ?? 0)).to.be.greaterThan(STEP_SECONDS_MIN);
    expect(after?.memoryBytes).to.be.greaterThan(10e6);

    const started = await ids();
    const adopted = await create().start();
    expect(await ids()).to.deep.equal(started);
    expect(await build(first(adopted))).to.match(/CACHED/);
  });

  it("reach this machine at the address that they name", async () => {
    const builder = first(await create({ count: 1 }).start());
    const listed = await runOk("ip", ["-br", "-4", "address"]);
    expect(builder.reachesUsAt).to.match(/^[\d.]+$/);
    expect(listed).to.include(` ${String(builder.reachesUsAt)}/`);
  });

  it("are made anew with their state when a setting changes", async () => {
    await build(first(await create({ count: 1 }).start()));
    const started = await ids();
    const limits = { cpus: 1, memoryBytes: 512 << 20 };
    const changed = first(await create({ count: 1, keepBytes: 1e9, limits }).start());
    expect(await ids()).not.to.deep.equal(started);
    expect(await build(changed)).to.match(/CACHED/);
    const { HostConfig } = await docker.getContainer(`memobuild-${INSTALLATION}-managed-1`).inspect();
    expect([HostConfig.NanoCpus, HostConfig.Memory]).to.deep.equal([1e9, 512 << 20]);
    const policies = await runOk("buildctl", ["--addr", changed.builder.address, "debug", "workers", "--verbose"]);
    expect(policies).to.match(/Maximum used space:\s+1GB/i);
    expect(await changed.sample(never)).to.include({ cpuLimitCores: 1, memoryLimitBytes: 512 << 20 });
  });

  it("are removed with their state when fewer are wanted", async () => {
    const three = await create({ count: 3 }).start();
    await build(three[2] ?? first(three));
    await create({ count: 1 }).start();
    expect(await left()).to.deep.equal({
      containers: [`/memobuild-${INSTALLATION}-managed-1`],
      volumes: [`memobuild-${INSTALLATION}-managed-1`],
      networks: ["host", `memobuild-${INSTALLATION}`, "none"],
    });
  });

  it("leave the things of another MemoBuild alone", async () => {
    const other = { count: 1, installation: "def456", folder: join(world.dir, "others") };
    await create(other).start();
    await create({ count: 1 }).start();
    await create().remove("managed-1");
    expect(Object.keys(await ids())).to.deep.equal(["/memobuild-def456-managed-1"]);
    await create(other).remove("managed-1");
  });

  it("are asked what they keep", async () => {
    const builder = first(await create({ count: 1 }).start());
    await build(builder);
    const usage = await diskUsageOf(builder.builder, await loadDiskUsageMessages(), never);
    expect(usage.totalBytes).to.be.greaterThan(1e6);
  });

  it("say which option to set where their image cannot be had", async () => {
    const error: unknown = await create({ image: "127.0.0.1:1/no/such:image" })
      .start()
      .catch((failure: unknown) => failure);
    expect(error).to.be.instanceOf(StartError);
    expect(String(error)).to.match(/cannot pull 127\.0\.0\.1:1\/no\/such:image: .*--managed-image/);
  });
});
