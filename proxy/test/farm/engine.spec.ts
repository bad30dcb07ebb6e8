/** A stock Docker Engine in a farm: managed builders in its containers, and its own BuildKit as a builder. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import Docker from "dockerode";
import { loadBuildkitImage } from "../support/buildkit-image.js";
import { Cleanups } from "../support/cleanups.js";
import { run, runOk } from "../support/command.js";
import { startDockerd, type Dockerd } from "../support/dockerd.js";
import { poll } from "../support/poll.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";
import { FarmWorld, type FarmWorldOptions } from "./farm-world.js";
import { allReach, build, madeBy, published, STEPS, writeProject } from "./shared-steps.js";

const IMAGE = "local/buildkit:pinned";
const MEASURED_TIMEOUT_MS = 30_000;
/** Of its own; it makes no bridge, see `startDockerd`. */
const NETWORKS = ["host", "none"];

describe("a Docker Engine", () => {
  const cleanups = new Cleanups();
  const ending = new Cleanups();
  let engine: Dockerd;
  let docker: Docker;

  before(async function () {
    const found = await run("sh", ["-c", "command -v dockerd"]);
    if (found.code !== 0) this.skip();
    const dir = await makeTempDir("en");
    cleanups.add(() => removeDir(dir));
    for (const folder of ["engine", "image"]) await mkdir(join(dir, folder));
    engine = await startDockerd(join(dir, "engine"));
    cleanups.add(() => engine.stop());
    docker = new Docker({ socketPath: engine.socket });
    await loadBuildkitImage(engine.socket, IMAGE, join(dir, "image"));
  });

  after(() => cleanups.run());

  /** Until the end of the block of tests. */
  const farm = async (options: FarmWorldOptions): Promise<FarmWorld> => {
    const world = await FarmWorld.start(options);
    ending.add(() => world.stop());
    return world;
  };

  const left = async (): Promise<object> => ({
    containers: (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names),
    volumes: (await docker.listVolumes()).Volumes.map(({ Name }) => Name),
    networks: (await docker.listNetworks()).map(({ Name }) => Name).sort(),
  });

  describe("that runs managed builders", () => {
    let world: FarmWorld;
    let made: string;

    before(async () => {
      const managed = ["--managed-builders", "2", "--managed-docker", engine.socket, "--managed-image", IMAGE];
      world = await farm({ builders: 0, others: 2, args: managed });
    });

    after(async () => {
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true });
      await ending.run();
      for (const { Name } of (await docker.listVolumes()).Volumes) await docker.getVolume(Name).remove();
      await docker.pruneNetworks();
      expect(await left()).to.deep.equal({ containers: [], volumes: [], networks: NETWORKS });
    });

    const ids = async (): Promise<readonly string[]> =>
      (await docker.listContainers({ all: true })).map(({ Id }) => Id).sort();

    it("builds on either, with one shared cache", async () => {
      await allReach(world, 2);
      const context = await writeProject(world, "shared");
      made = await published(world, context);
      const home = await world.homeOf("shared");
      await world.desk.drain(home);
      expect(await madeBy(world, context)).to.equal(made);
      expect(await world.homeOf("shared")).not.to.equal(home);
      await world.desk.undrain(home);
      // Where they came from is known a moment behind the build.
      await poll(
        () => world.ended("shared"),
        ([latest, ...earlier]) => earlier.length === 1 && latest?.counts.cachedShared === STEPS,
        { what: "all steps came from the shared cache" },
      );
    });

    it("tells what they use", async () => {
      const usages = await poll(
        async () => (await world.desk.report()).builders.map(({ usage }) => usage),
        (now) => now.every(({ cpuCores, stateBytes }) => cpuCores !== undefined && stateBytes !== undefined),
        { what: "all is measured", timeoutMs: MEASURED_TIMEOUT_MS, intervalMs: 200 },
      );
      for (const { cpuCores, diskFreeBytes, diskTotalBytes, memoryBytes } of usages) {
        expect(cpuCores).to.be.within(0, 4);
        expect(memoryBytes).to.be.within(10e6, 1e9);
        expect(diskFreeBytes).to.be.within(1, diskTotalBytes ?? 0);
      }
    });

    it("keeps them over a restart of MemoBuild, warm", async () => {
      const before = await ids();
      await world.restart();
      await world.allUp(2);
      expect(await ids()).to.deep.equal(before);
      expect(
        world.memoBuild.logs().filter(({ msg, adopted }) => msg === "managed builder started" && adopted === true),
      ).to.have.length(2);
      expect(await madeBy(world, await writeProject(world, "shared"))).to.equal(made);
      const [latest] = await world.ended("shared");
      expect(latest?.counts).to.include({ cacheable: STEPS, cached: STEPS });
      // What it had was there still.
      expect(latest?.import.fetchedBytes).to.equal(0);
    });

    it("removes one with its volume", async () => {
      const { code, stderr } = await world.memobuild("builders", "rm", "--yes", "managed-2");
      expect(code, stderr).to.equal(0);
      const names = (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names);
      expect(names).to.have.length(1);
      expect(names[0]).to.match(/-managed-1$/);
      expect((await docker.listVolumes()).Volumes.map(({ Name }) => `/${Name}`)).to.deep.equal(names);
      await madeBy(world, await writeProject(world, "alone"));
    });
  });

  describe("that is a builder", () => {
    let world: FarmWorld;

    before(async () => {
      world = await farm({ builders: 0, others: 1, args: ["--builder", `docker://${engine.socket}`] });
    });

    after(() => ending.run());

    it("builds what needs no image", async () => {
      const context = await writeProject(world, "plain");
      const made = await madeBy(world, context);
      await build(world, context);
      const tar = join(world.dir, "plain.tar");
      await build(world, context, "--output", `type=tar,dest=${tar}`);
      expect(await runOk("tar", ["-xOf", tar, "made"])).to.equal(made);
      expect(await readFile(join(world.dir, "output/made"), "utf8")).to.equal(made);
    });

    it("is not asked to export cache", async () => {
      const builds = await world.ended("plain");
      expect(builds.map(({ outcome }) => outcome)).to.deep.equal(["succeeded", "succeeded", "succeeded"]);
      const exports = [...(await world.series())].filter(([name]) => name.startsWith("memobuild_cache_exports_total"));
      expect(exports.filter(([, count]) => count > 0)).to.deep.equal([]);
      expect(exports).not.to.have.length(0);
    });

    it("says once what it lacks", async () => {
      const [report] = (await world.desk.report()).builders;
      const { limitations } = await world.desk.inspect(report?.name ?? "");
      expect(limitations.join("\n"))
        .to.match(/--push, --load/)
        .and.to.match(/cannot export cache/);
      const told = world.memoBuild.logs().filter(({ msg }) => msg === "builder limited");
      expect(told.map(({ limitation }) => limitation)).to.deep.equal(limitations);
      const { stdout } = await world.memobuild("builders", "inspect", report?.name ?? "");
      expect(stdout.toString()).to.include("cannot export cache");
    });
  });

  describe("beside a BuildKit daemon", () => {
    let world: FarmWorld;

    before(async () => {
      world = await farm({ builders: 1, others: 1, args: ["--builder", `docker://${engine.socket}`] });
    });

    after(() => ending.run());

    it("takes builds in turn with it", async () => {
      const { builders } = await world.desk.report();
      const context = await writeProject(world, "either");
      for (const { name } of builders) {
        for (const other of builders) if (other.name !== name) await world.desk.drain(other.name);
        await build(world, context, "--output", join(world.dir, "output"));
        await build(world, context);
        for (const other of builders) if (other.name !== name) await world.desk.undrain(other.name);
      }
      const builtOn = (await world.ended("either")).map(({ builder }) => builder);
      expect(new Set(builtOn)).to.deep.equal(new Set(builders.map(({ address }) => address)));
    });
  });
});
