/** The Docker Engine as managed builders need it: images, and what bears an installation's label. */
import Docker from "dockerode";
import type { Container, ContainerInfo, Network, VolumeInspectInfo } from "dockerode";
import { formatByteSize } from "../../config/byte-size.js";
import { StartError } from "../../config/start-error.js";
import type { Logger } from "../../log/create-logger.js";
import { containerUsage } from "../resources/container-usage.js";
import type { UsageSample } from "../resources/usage-source.js";
import { engineName, INSTALLATION_LABEL, labelsOf } from "./container-spec.js";

/** Without a byte: removing a large volume takes the engine a while. */
const IDLE_TIMEOUT_MS = 120_000;
const PROGRESS_INTERVAL_MS = 5_000;
const NOT_FOUND = 404;
const NOT_MODIFIED = 304;

const hasStatus = (error: unknown, status: number): boolean =>
  error instanceof Error && "statusCode" in error && error.statusCode === status;

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What an engine's progress tells of one layer. */
interface PullProgress {
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number };
}

export class DockerEngine {
  readonly #docker: Docker;
  readonly #installation: string;
  readonly #logger: Logger;

  constructor(socketPath: string, installation: string, logger: Logger) {
    this.#docker = new Docker({ socketPath, timeout: IDLE_TIMEOUT_MS });
    this.#installation = installation;
    this.#logger = logger;
  }

  async ping(): Promise<void> {
    await this.#docker.ping();
  }

  /** @returns the image's id. @throws StartError where it is not there and cannot be pulled */
  async ensureImage(image: string): Promise<string> {
    const present = await orMissing(this.#docker.getImage(image).inspect());
    if (present !== undefined) return present.Id;
    try {
      await this.#pull(image);
      return (await this.#docker.getImage(image).inspect()).Id;
    } catch (error) {
      const advice = "pull it, or name another with --managed-image";
      throw new StartError("managed-image", `cannot pull ${image}: ${reasonOf(error)}; ${advice}`, { cause: error });
    }
  }

  /** @returns its gateway: this machine's address as its containers see it. */
  async ensureNetwork(): Promise<string | undefined> {
    const name = engineName(this.#installation);
    if ((await orMissing(this.#network.inspect())) === undefined) {
      await this.#docker.createNetwork({ Name: name, Driver: "bridge", Labels: labelsOf(this.#installation) });
    }
    const { IPAM } = await this.#network.inspect();
    return IPAM?.Config?.map(({ Gateway }) => Gateway).find((gateway) => gateway !== undefined);
  }

  async ensureVolume(name: string): Promise<VolumeInspectInfo> {
    const volume = engineName(this.#installation, name);
    // The engine answers with the one that is there.
    await this.#docker.createVolume({ Name: volume, Labels: labelsOf(this.#installation, name) });
    return this.#docker.getVolume(volume).inspect();
  }

  async create(options: Docker.ContainerCreateOptions): Promise<void> {
    await this.#docker.createContainer(options);
  }

  async start(name: string): Promise<void> {
    await this.#container(name)
      .start()
      .catch((error: unknown) => {
        if (!hasStatus(error, NOT_MODIFIED)) throw error; // it runs already
      });
  }

  /** Of this installation, whether they run or not. */
  async containers(): Promise<readonly ContainerInfo[]> {
    return this.#docker.listContainers({ all: true, filters: this.#ours() });
  }

  async volumes(): Promise<readonly VolumeInspectInfo[]> {
    const { Volumes } = await this.#docker.listVolumes({ filters: this.#ours() });
    return Volumes;
  }

  async removeContainer(name: string): Promise<void> {
    await orMissing(this.#container(name).remove({ force: true }));
  }

  async removeVolume(name: string): Promise<void> {
    await orMissing(this.#docker.getVolume(engineName(this.#installation, name)).remove());
  }

  async removeNetwork(): Promise<void> {
    await orMissing(this.#network.remove());
  }

  async usage(name: string, abortSignal: AbortSignal): Promise<UsageSample | undefined> {
    const once = { stream: false, "one-shot": true, abortSignal } as const;
    return containerUsage(await orMissing(this.#container(name).stats(once)));
  }

  get #network(): Network {
    return this.#docker.getNetwork(engineName(this.#installation));
  }

  #container(name: string): Container {
    return this.#docker.getContainer(engineName(this.#installation, name));
  }

  #ours(): { label: string[] } {
    return { label: [`${INSTALLATION_LABEL}=${this.#installation}`] };
  }

  async #pull(image: string): Promise<void> {
    const bytes = new Map<string, number>();
    const report = (): void => {
      const received = formatByteSize([...bytes.values()].reduce((sum, size) => sum + size, 0));
      this.#logger.info({ image, received }, "pulling image");
    };
    report();
    const timer = setInterval(report, PROGRESS_INTERVAL_MS);
    try {
      const stream = await this.#docker.pull(image);
      await new Promise<void>((resolve, reject) => {
        const finished = (error: Error | null): void => {
          if (error === null) resolve();
          else reject(error);
        };
        this.#docker.modem.followProgress(stream, finished, ({ id = "", progressDetail }: PullProgress) => {
          bytes.set(id, Math.max(bytes.get(id) ?? 0, progressDetail?.current ?? 0));
        });
      });
    } finally {
      clearInterval(timer);
    }
  }
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (hasStatus(error, NOT_FOUND)) return undefined;
    throw error;
  });
}
