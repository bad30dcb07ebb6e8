/** Managed builders as containers of a Docker Engine: they outlive MemoBuild, which takes them over at its next start. */
import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../../config/start-error.js";
import { unixPathProblem } from "../../config/unix-path.js";
import type { Logger } from "../../log/create-logger.js";
import type { Builder } from "../builder.js";
import { addressBuilder } from "../dial.js";
import { BUILDER_LABEL, containerOptions, isSameContainer, socketIn } from "./container-spec.js";
import { DockerEngine, reasonOf } from "./docker-engine.js";
import { managedName, managedNumber } from "./managed-builders.js";
import type { ManagedBuilder, ManagedBuilders, ManagedLimits } from "./managed-builders.js";

const START_TIMEOUT_MS = 10_000;
const START_POLL_MS = 50;

export interface ManagedContainersOptions {
  readonly count: number;
  readonly dockerSocket: string;
  readonly image: string;
  /** Stays the same for this data directory, and is no other's. */
  readonly installation: string;
  /** Holds a folder for the socket of each; the engine must know it by the same path. */
  readonly folder: string;
  readonly limits: ManagedLimits;
  readonly keepBytes?: number | undefined;
  readonly logger: Logger;
}

export class ManagedContainers implements ManagedBuilders {
  readonly #options: ManagedContainersOptions;
  readonly #engine: DockerEngine;

  constructor(options: ManagedContainersOptions) {
    this.#options = options;
    this.#engine = new DockerEngine(options.dockerSocket, options.installation, options.logger);
  }

  async start(): Promise<readonly ManagedBuilder[]> {
    const { count, dockerSocket, image } = this.#options;
    await this.#engine.ping().catch((cause: unknown) => {
      const message = `no Docker Engine answers at ${dockerSocket}: ${reasonOf(cause)}`;
      throw new StartError("managed-docker", message, { cause });
    });
    const imageId = await this.#engine.ensureImage(image);
    try {
      await this.#removeAbove(count);
      const reachesUsAt = await this.#engine.ensureNetwork();
      const names = Array.from({ length: count }, (_, index) => managedName(index + 1));
      return await Promise.all(names.map((name) => this.#start(name, imageId, reachesUsAt)));
    } catch (error) {
      if (error instanceof StartError) throw error;
      const message = `the Docker Engine does not run the builders: ${reasonOf(error)}`;
      throw new StartError("managed-docker", message, { cause: error });
    }
  }

  async remove(name: string): Promise<void> {
    await this.#engine.removeContainer(name);
    await this.#engine.removeVolume(name);
    await rm(join(this.#options.folder, name), { recursive: true, force: true });
    if ((await this.#engine.containers()).length === 0) await this.#engine.removeNetwork();
  }

  /** They go on: their cache stays warm, and a restart of MemoBuild is quick. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #removeAbove(count: number): Promise<void> {
    const labels = [...(await this.#engine.containers()), ...(await this.#engine.volumes())].map(
      (thing) => thing.Labels,
    );
    for (const name of new Set(labels.map((of) => of[BUILDER_LABEL] ?? ""))) {
      if ((managedNumber(name) ?? 0) > count) await this.remove(name);
    }
  }

  async #start(name: string, imageId: string, reachesUsAt: string | undefined): Promise<ManagedBuilder> {
    const { folder, image, installation, keepBytes, limits, logger } = this.#options;
    const runDir = join(folder, name, "run");
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    const path = socketIn(await realpath(runDir));
    const problem = unixPathProblem(path);
    if (problem !== undefined) throw new StartError("data-dir", problem);
    const gid = process.getgid?.() ?? 0;
    const wanted = containerOptions({
      ...{ gid, image, imageId, installation, keepBytes, limits, name },
      runDir: await realpath(runDir),
    });
    const existing = (await this.#engine.containers()).find(({ Labels }) => Labels[BUILDER_LABEL] === name);
    const isKept = existing !== undefined && isSameContainer(existing.Labels, wanted);
    if (existing !== undefined && !isKept) await this.#engine.removeContainer(name);
    const { Mountpoint: stateDir } = await this.#engine.ensureVolume(name);
    if (!isKept) await this.#engine.create(wanted);
    await this.#engine.start(name);
    logger.info({ name, image, container: wanted.name, adopted: isKept }, "managed builder started");
    const builder = addressBuilder({ kind: "unix", path });
    await untilListening(builder);
    const sample: ManagedBuilder["sample"] = async (signal) => {
      const usage = await this.#engine.usage(name, signal);
      return usage && { ...usage, cpuLimitCores: limits.cpus, memoryLimitBytes: limits.memoryBytes };
    };
    return { name, builder, reachesUsAt, stateDir, sample };
  }
}

/** Clients that come at once would be refused otherwise; whether it answers is for the health check to see. */
async function untilListening(builder: Builder): Promise<void> {
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  while (!timeout.aborted) {
    const socket = await builder.dial(timeout).catch(() => undefined); // not yet
    socket?.destroy();
    if (socket !== undefined) return;
    await sleep(START_POLL_MS);
  }
}
