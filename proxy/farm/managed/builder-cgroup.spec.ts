/** Promises of control groups, on a folder that stands for the kernel's. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { BuilderCgroup, enableControllers, ownCgroup } from "./builder-cgroup.js";

const V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

describe("ownCgroup", () => {
  it("finds the group where the system has mounted it", () => {
    expect(ownCgroup("0::/system.slice/memobuild.service\n", V2)).to.deep.equal({
      dir: "/sys/fs/cgroup/system.slice/memobuild.service",
      path: "/system.slice/memobuild.service",
    });
    expect(ownCgroup("0::/\n", V2)).to.deep.equal({ dir: "/sys/fs/cgroup/", path: "/" });
  });

  it("knows a mount of a part of the hierarchy", () => {
    const part = V2.replace("0:26 / ", "0:26 /docker/1 ");
    expect(ownCgroup("0::/docker/1/x\n", part)).to.deep.equal({ dir: "/sys/fs/cgroup/x", path: "/x" });
  });

  it("is undefined without cgroup v2", () => {
    const v1 = "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
    expect(ownCgroup("4:cpu:/x\n", v1)).to.equal(undefined);
    expect(ownCgroup("0::/\n", v1)).to.equal(undefined);
  });
});

describe("with a group of its own", () => {
  let dir = "";

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "memobuild-cgroup-"));
    await writeFile(join(dir, "cgroup.controllers"), "cpuset cpu io memory pids\n");
  });

  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  const text = (...path: string[]): Promise<string> => readFile(join(dir, ...path), "utf8");

  it("enableControllers passes processor and memory on", async () => {
    await enableControllers({ dir, path: "/m" }, 1);
    expect(await text("cgroup.subtree_control")).to.equal("+cpu +memory");
  });

  it("enableControllers says what is missing, and what to do", async () => {
    await writeFile(join(dir, "cgroup.controllers"), "hugetlb cpu\n");
    const failure = await enableControllers({ dir, path: "/m" }, 1).catch(String);
    expect(failure).to.match(/has no controller for memory; .*Delegate=yes.*--managed-docker/);
  });

  it("BuilderCgroup limits a builder and what it runs, and takes the daemon in", async () => {
    const group = new BuilderCgroup({ dir, path: "/m" }, "managed-1");
    await group.create({ cpus: 1.5 });
    expect(await text("managed-1", "cpu.max")).to.equal("150000 100000");
    expect(await text("managed-1", "memory.max")).to.equal("max");
    group.enter(4711);
    expect(await text("managed-1", "buildkitd", "cgroup.procs")).to.equal("4711");
    expect(group.path).to.equal("/m/managed-1");
  });

  it("BuilderCgroup goes with the groups below it", async () => {
    await mkdir(join(dir, "managed-1", "buildkit", "x1"), { recursive: true });
    await new BuilderCgroup({ dir, path: "/m" }, "managed-1").remove();
    expect(await readdir(dir)).to.deep.equal(["cgroup.controllers"]);
    // Once more is no failure.
    await new BuilderCgroup({ dir, path: "/m" }, "managed-1").remove();
  });
});
