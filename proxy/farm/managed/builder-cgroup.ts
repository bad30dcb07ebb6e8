/** A control group (cgroup v2) for a builder and the containers that it runs, with limits for all of them together. */
import { writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../../config/start-error.js";
import type { ManagedLimits } from "./managed-builders.js";

const CPU_PERIOD_US = 100_000;
/** A group can be removed once the kernel has buried its last process. */
const REMOVE_TIMEOUT_MS = 2_000;
const REMOVE_POLL_MS = 50;
const CONTROLLERS = ["cpu", "memory"] as const;

export interface CgroupPlace {
  /** Folder of the group that this process is in. */
  readonly dir: string;
  /** The same as BuildKit and runc name it: without the mount point. */
  readonly path: string;
}

/**
 * @param cgroup text of /proc/self/cgroup. @param mountinfo text of /proc/self/mountinfo.
 * @returns undefined where this process sees no cgroup v2.
 */
export function ownCgroup(cgroup: string, mountinfo: string): CgroupPlace | undefined {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  const mount = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2");
  const [root, point] = [mount?.[3], mount?.[4]];
  if (path === undefined || root === undefined || point === undefined) return undefined;
  const below = root === "/" ? path : path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
  return { dir: join(point, below), path: below };
}

export class BuilderCgroup {
  readonly #dir: string;
  /** What BuildKit puts its containers below. */
  readonly path: string;

  constructor(own: CgroupPlace, name: string) {
    this.#dir = join(own.dir, name);
    this.path = join(own.path, name);
  }

  /** @throws Error of the file system */
  async create({ cpus, memoryBytes }: ManagedLimits): Promise<void> {
    // The daemon in a group of its own below: one that has groups with limits below it may hold no process.
    await mkdir(join(this.#dir, "buildkitd"), { recursive: true });
    const quota = cpus === undefined ? "max" : Math.round(cpus * CPU_PERIOD_US);
    await writeFile(join(this.#dir, "cpu.max"), `${quota} ${CPU_PERIOD_US}`);
    await writeFile(join(this.#dir, "memory.max"), String(memoryBytes ?? "max"));
  }

  /** At once, before it can start a process that would stay outside. */
  enter(pid: number): void {
    writeFileSync(join(this.#dir, "buildkitd", "cgroup.procs"), String(pid));
  }

  async remove(): Promise<void> {
    const deadline = performance.now() + REMOVE_TIMEOUT_MS;
    while (!(await removeGroup(this.#dir)) && performance.now() < deadline) await sleep(REMOVE_POLL_MS);
  }
}

/** Makes a group for others below this process's own. @throws StartError where it may not limit anything. */
export async function delegatedCgroup(): Promise<CgroupPlace> {
  const [cgroup, mountinfo] = await Promise.all(
    ["cgroup", "mountinfo"].map((file) => readFile(`/proc/self/${file}`, "utf8")),
  );
  const own = ownCgroup(cgroup ?? "", mountinfo ?? "");
  if (own === undefined) throw cannotLimit("this machine has no cgroup v2");
  await enableControllers(own, process.pid);
  return own;
}

/** @throws StartError */
export async function enableControllers({ dir }: CgroupPlace, pid: number): Promise<void> {
  const available = (await readFile(join(dir, "cgroup.controllers"), "utf8").catch(() => "")).trim().split(" ");
  const missing = CONTROLLERS.filter((controller) => !available.includes(controller));
  if (missing.length > 0) throw cannotLimit(`its cgroup has no controller for ${missing.join(" and ")}`);
  const enable = (): Promise<void> =>
    writeFile(join(dir, "cgroup.subtree_control"), CONTROLLERS.map((controller) => `+${controller}`).join(" "));
  try {
    await enable().catch(async (error: unknown) => {
      const isBusy = error instanceof Error && "code" in error && error.code === "EBUSY";
      if (!isBusy) throw error;
      // A group that holds processes has none with limits below it; other people's processes are not moved about.
      const pids = (await readFile(join(dir, "cgroup.procs"), "utf8")).trim().split("\n");
      if (pids.some((other) => Number(other) !== pid)) throw cannotLimit("its cgroup holds other processes too");
      await mkdir(join(dir, "memobuild"), { recursive: true });
      await writeFile(join(dir, "memobuild", "cgroup.procs"), String(pid));
      await enable();
    });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw cannotLimit(error instanceof Error ? error.message : String(error));
  }
}

function cannotLimit(reason: string): StartError {
  return new StartError(
    "managed-cpus",
    `MemoBuild cannot limit the processor and memory of processes here: ${reason}; ` +
      "give it a cgroup of its own (as a systemd service with Delegate=yes), or use --managed-docker",
  );
}

/** Whether it is gone; groups below it go first. */
async function removeGroup(dir: string): Promise<boolean> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return true;
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(dir, entry.name));
  return rmdir(dir).then(
    () => true,
    () => false,
  );
}
