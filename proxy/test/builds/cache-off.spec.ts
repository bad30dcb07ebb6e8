/** Records where there is no cache, and builds where there is no place for records. */
import { mkdir, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { runOk } from "../support/command.js";
import { poll } from "../support/poll.js";
import { readSeries } from "../support/series.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";
import { SHELL } from "../system/world.js";
import { BuildsWorld, useBuildsWorld } from "./builds-world.js";
import { expectSteps, reportedSteps } from "./reports.js";

const DISK_BYTES = 8 << 20;

describe("builds where the cache is off", () => {
  const world = useBuildsWorld({ args: ["--cache", "off"] });

  it("are recorded all the same", async () => {
    const context = await world().context("off", { Dockerfile: `${SHELL}RUN echo said\n` });
    for (const results of [
      { ran: 3, cached: 0 },
      { ran: 0, cached: 3 },
    ]) {
      let shown = "";
      const record = await world().recordOf(async () => {
        const { code, stderr } = await world().build(context, "--progress", "rawjson");
        expect(code, stderr).to.equal(0);
        shown = stderr;
      });
      expectSteps(record, reportedSteps(shown));
      const steps = record.steps.filter(({ stage }) => stage === "shell");
      for (const [result, count] of Object.entries(results))
        expect(steps.filter((step) => step.result === result)).to.have.length(count);
      expect(record.import.result).to.equal("none");
      expect(record.export.result).to.equal("none");
      expect(steps.filter(({ cachedFrom }) => cachedFrom !== undefined && cachedFrom !== "builder")).to.deep.equal([]);
    }
    expect((await world().api.status()).cacheMode).to.equal("off");
  });
});

describe("builds where nothing can be recorded", () => {
  const current: { world?: BuildsWorld; disk?: string } = {};

  before(async () => {
    const dir = await makeTempDir("d");
    const disk = join(dir, "data");
    await mkdir(disk);
    current.disk = disk;
    await runOk("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=700`, "tmpfs", disk]);
    current.world = await BuildsWorld.start({ dataDir: disk, args: ["--cache", "off"] });
  });

  after(async () => {
    const { disk, world } = current;
    await world?.stop();
    if (disk === undefined) return;
    await runOk("umount", [disk]);
    await removeDir(join(disk, ".."));
  });

  it("go on while the disk is full; it is counted and logged once, and recording goes on when there is room", async () => {
    const { disk = "", world } = current;
    if (world === undefined) throw new Error("there is a world");
    const context = await world.context("full", { Dockerfile: `${SHELL}RUN echo said\n` });
    const first = await world.recordOf(() => world.build(context));
    const others = join(disk, "others");
    const { bavail, bsize } = await statfs(disk);
    await writeFile(others, Buffer.alloc(bavail * bsize));
    // What the database has room for in its own files may still be taken.
    const failures = async (): Promise<number> =>
      [...(await readSeries(world.memoBuild))]
        .filter(([name]) => name.startsWith("memobuild_record_failures_total"))
        .reduce((sum, [, value]) => sum + value, 0);
    await poll(
      async () => {
        const { code, stderr } = await world.build(context, "--no-cache");
        expect(code, stderr).to.equal(0);
        return failures();
      },
      (count) => count > 2,
      { what: "builds cannot be recorded", timeoutMs: 60_000 },
    );
    const logged = world.memoBuild.logs().filter(({ msg }) => msg === "build not recorded");
    expect(logged).to.have.length.within(1, 11);
    expect(new Set(logged.map(({ part }) => part))).to.have.property("size", logged.length);
    expect(String(logged[0]?.["cause"])).to.match(/full|disk|space/);
    expect((await world.builds.build(first.ref)).steps).to.deep.equal(first.steps);

    await writeFile(others, "");
    const last = await world.recordOf(() => world.build(context));
    expect((await world.builds.build(last.ref)).outcome).to.equal("succeeded");
    await world.restart();
    expect((await world.all()).map(({ ref }) => ref)).to.include.members([first.ref, last.ref]);
  });
});
