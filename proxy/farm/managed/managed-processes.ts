/** Managed builders as processes of this machine, each with a folder of its own. */
import { existsSync } from "node:fs";
import { mkdir, readdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../log/create-logger.js";
import { removeLeftovers } from "../leftovers.js";
import { processUsage } from "../resources/process-usage.js";
import { BuilderCgroup, delegatedCgroup } from "./builder-cgroup.js";
import { BuilderProcess } from "./builder-process.js";
import { managedName, managedNumber } from "./managed-builders.js";
import type { ManagedBuilder, ManagedBuilders, ManagedLimits } from "./managed-builders.js";

export interface ManagedProcessesOptions {
  readonly count: number;
  /** Program: a path, or a name to look up. */
  readonly buildkitd: string;
  /** Holds a folder for each. */
  readonly folder: string;
  readonly limits: ManagedLimits;
  readonly keepBytes?: number | undefined;
  readonly searchPath: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

export class ManagedProcesses implements ManagedBuilders {
  readonly #options: ManagedProcessesOptions;
  readonly #running = new Map<string, BuilderProcess>();

  constructor(options: ManagedProcessesOptions) {
    this.#options = options;
  }

  async start(): Promise<readonly ManagedBuilder[]> {
    const { count, folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const path = join(await realpath(folder), name);
      // Without a state there, it is a container's.
      if ((managedNumber(name) ?? 0) > count && existsSync(join(path, "buildkit"))) await removeState(path);
    }
    const { cpus, memoryBytes } = this.#options.limits;
    const own = cpus === undefined && memoryBytes === undefined ? undefined : await delegatedCgroup();
    const names = Array.from({ length: count }, (_, index) => managedName(index + 1));
    const started = await Promise.allSettled(
      names.map((name) => this.#start(name, own === undefined ? undefined : new BuilderCgroup(own, name))),
    );
    for (const outcome of started) if (outcome.status === "rejected") throw outcome.reason;
    return started.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  }

  async remove(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    this.#running.delete(name);
    // Its builds have ended or are not waited for: that is for the caller.
    await running.close(AbortSignal.abort());
    await removeState(join(await realpath(this.#options.folder), name));
  }

  async close(hurry: AbortSignal): Promise<void> {
    const closed = await Promise.allSettled([...this.#running.values()].map((running) => running.close(hurry)));
    this.#running.clear();
    for (const outcome of closed) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #start(name: string, cgroup: BuilderCgroup | undefined): Promise<ManagedBuilder> {
    const { buildkitd, env, folder, keepBytes, limits, logger, searchPath } = this.#options;
    await cgroup?.create(limits);
    const running = new BuilderProcess({
      ...{ buildkitd, cgroup, env, keepBytes, logger, searchPath },
      option: "managed-builders",
      folder: join(folder, name),
    });
    this.#running.set(name, running);
    await running.start();
    return {
      name,
      builder: running.builder,
      stateDir: running.stateDir,
      sample: processUsage(() => running.pid, limits),
    };
  }
}

/** @param folder a real path. */
async function removeState(folder: string): Promise<void> {
  // A daemon of an earlier run may still hold it; what it was started with ends with the socket's path.
  await removeLeftovers(join(folder, "buildkit"), join(folder, "tmp"), [
    ...["--root", join(folder, "buildkit")],
    ...["--addr", `unix://${join(folder, "buildkitd.sock")}`],
  ]);
  await rm(folder, { recursive: true, force: true });
}
