/** Builders that MemoBuild runs as processes, as users have them: `memobuild serve --managed-builders`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { BuilderReport } from "../../farm/builder-desk.js";
import { poll } from "../support/poll.js";
import { mountsBelow, processes } from "../support/processes.js";
import { useFarmWorld, type FarmWorld } from "./farm-world.js";
import { allReach, madeBy, published, STEPS, writeProject } from "./shared-steps.js";

const MEASURED_TIMEOUT_MS = 30_000;
/** What a builder keeps is looked at once a minute. */
const PRUNED_TIMEOUT_MS = 90_000;
/** Less than one busybox. */
const KEEP_BYTES = 1 << 20;

const builderNamed = async (world: FarmWorld, name: string): Promise<BuilderReport> => {
  const found = (await world.desk.report()).builders.find((builder) => builder.name === name);
  if (found === undefined) throw new Error(`there is no builder ${name}`);
  return found;
};

const nameAt = async (world: FarmWorld, address: string): Promise<string | undefined> =>
  (await world.desk.report()).builders.find((builder) => builder.address === address)?.name;

const folderOf = ({ dir }: FarmWorld, name: string): string => join(dir, "data/builders", name);

/** Of the daemon itself; 0 where it does not run. */
const daemonOf = (world: FarmWorld, name: string): number =>
  processes().find(({ command }) => command.endsWith(`--addr unix://${folderOf(world, name)}/buildkitd.sock`))?.pid ??
  0;

describe("two managed builders", () => {
  const world = useFarmWorld({ builders: 0, others: 2, args: ["--managed-builders", "2"] });

  it("take builds, and the shared cache is for both", async () => {
    const { builders } = await world().desk.report();
    expect(builders.map(({ name, origin, state }) => [name, origin, state])).to.deep.equal([
      ["managed-1", "managed", "up"],
      ["managed-2", "managed", "up"],
    ]);
    await allReach(world(), 2);
    const context = await writeProject(world(), "shared");
    const made = await published(world(), context);
    const home = await world().homeOf("shared");
    await world().desk.drain(home);
    expect(await madeBy(world(), context)).to.equal(made);
    expect(await world().homeOf("shared")).not.to.equal(home);
    await world().desk.undrain(home);
    // Where they came from is known a moment behind the build.
    await poll(
      () => world().ended("shared"),
      ([latest, ...earlier]) => earlier.length === 1 && latest?.counts.cachedShared === STEPS,
      { what: "all steps came from the shared cache" },
    );
  });

  it("tell what they use", async () => {
    const usages = await poll(
      async () => (await world().desk.report()).builders.map(({ usage }) => usage),
      (now) => now.every(({ cpuCores, stateBytes }) => cpuCores !== undefined && stateBytes !== undefined),
      { what: "all is measured", timeoutMs: MEASURED_TIMEOUT_MS, intervalMs: 200 },
    );
    for (const { cpuCores, diskFreeBytes, diskTotalBytes, memoryBytes, stateBytes } of usages) {
      expect(cpuCores).to.be.within(0, 4);
      expect(memoryBytes).to.be.within(10e6, 1e9);
      expect(diskFreeBytes).to.be.within(1, diskTotalBytes ?? 0);
      expect(stateBytes).to.be.within(0, 1e9);
    }
    const { address } = await builderNamed(world(), "managed-1");
    const series = await world().series();
    expect(series.get(`memobuild_builder_memory_bytes{builder="${address}"}`)).to.be.greaterThan(10e6);
    const top = await world().memobuild("top", "--once");
    expect(top.stdout.toString()).to.match(/^managed-2 +up +\d+(\.\d+)?\b.*B\b/m);
    expect(top.stdout.toString()).to.match(/^MemoBuild .*B\b/m);
  });

  it("come back when they die, with what they had", async () => {
    const context = await writeProject(world(), "killed");
    const made = await published(world(), context);
    const home = (await nameAt(world(), await world().homeOf("killed"))) ?? "";
    const killed = daemonOf(world(), home);
    expect(killed).not.to.equal(0);
    process.kill(killed, "SIGKILL");
    await poll(
      () => daemonOf(world(), home),
      (pid) => pid !== killed && pid !== 0,
      { what: "it is started anew" },
    );
    const other = home === "managed-1" ? "managed-2" : "managed-1";
    await world().desk.drain(other);
    await poll(
      () => madeBy(world(), context).catch(String), // it does not listen yet
      (again) => again === made,
      { what: "it builds again, from what it had", timeoutMs: MEASURED_TIMEOUT_MS },
    );
    expect(await nameAt(world(), await world().homeOf("killed"))).to.equal(home);
    await world().desk.undrain(other);
  });

  it("go with all that they have when they are removed", async () => {
    const { address } = await builderNamed(world(), "managed-2");
    const { code, stderr } = await world().memobuild("builders", "rm", "--yes", "managed-2");
    expect(code, stderr).to.equal(0);
    expect(daemonOf(world(), "managed-2")).to.equal(0);
    expect(existsSync(folderOf(world(), "managed-2"))).to.equal(false);
    expect(mountsBelow(folderOf(world(), "managed-2"))).to.deep.equal([]);
    expect((await world().desk.report()).builders.map(({ name }) => name)).to.deep.equal(["managed-1"]);
    await madeBy(world(), await writeProject(world(), "alone"));
    await poll(
      () => world().memoBuild.metrics(),
      (metrics) => !metrics.includes(address),
      { what: "no metric tells of it", timeoutMs: MEASURED_TIMEOUT_MS, intervalMs: 500 },
    );
  });

  it("end with MemoBuild", async () => {
    expect(await world().memoBuild.stop()).to.equal(0);
    expect(processes().filter(({ command }) => command.includes(join(world().dir, "data")))).to.deep.equal([]);
    expect(mountsBelow(join(world().dir, "data"))).to.deep.equal([]);
  });
});

describe("a managed builder beside another", () => {
  const keep = ["--builder-keep-bytes", `${KEEP_BYTES >> 10}kb`];
  const world = useFarmWorld({ builders: 1, others: 1, args: ["--managed-builders", "1", ...keep] });

  it("shares builds with it, and each is pruned to the limit", async () => {
    const names = (await world().desk.report()).builders.map(({ name }) => name);
    expect(names).to.include("managed-1").and.to.have.length(2);
    for (const name of names) {
      const [other = ""] = names.filter((one) => one !== name);
      await world().desk.drain(other);
      await madeBy(world(), await writeProject(world(), `only-${names.indexOf(name)}`));
      await world().desk.undrain(other);
    }
    const builtOn = new Set((await world().ended()).map(({ builder }) => builder));
    expect(builtOn.size).to.equal(2);
    const usages = await poll(
      async () => (await world().desk.report()).builders.map(({ usage }) => usage),
      (now) => now.every(({ stateBytes }) => stateBytes !== undefined && stateBytes < KEEP_BYTES),
      { what: "both keep less than the limit", timeoutMs: PRUNED_TIMEOUT_MS, intervalMs: 500 },
    );
    expect(usages.map(({ stateLimitBytes }) => stateLimitBytes)).to.deep.equal([KEEP_BYTES, KEEP_BYTES]);
    // Of those that it does not run, MemoBuild has to ask.
    expect((await world().series()).get('memobuild_builder_prunes_total{result="ok"}')).to.be.greaterThan(0);
    expect((await world().series()).get("memobuild_builder_pruned_bytes_total")).to.be.greaterThan(KEEP_BYTES);
  });
});
