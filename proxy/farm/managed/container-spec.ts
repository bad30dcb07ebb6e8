/** What a managed builder is as a container, and how one that was made before is compared with it. */
import { createHash } from "node:crypto";
import type { ContainerCreateOptions } from "dockerode";
import { gcArguments, type ManagedLimits } from "./managed-builders.js";

/** Which MemoBuild it belongs to: several may use one engine. */
export const INSTALLATION_LABEL = "dev.memobuild.installation";
export const BUILDER_LABEL = "dev.memobuild.builder";
const SETTINGS_LABEL = "dev.memobuild.settings";

const STATE_DIR = "/var/lib/buildkit";
const RUN_DIR = "/run/memobuild";
const SOCKET = "buildkitd.sock";
const NANO_CPUS = 1e9;

export interface ContainerSettings {
  /** "managed-1" and so on. */
  readonly name: string;
  readonly installation: string;
  /** As users name it, and its id: a name may mean another image later. */
  readonly image: string;
  readonly imageId: string;
  /** Folder of this machine for the socket. */
  readonly runDir: string;
  readonly limits: ManagedLimits;
  readonly keepBytes?: number | undefined;
  /** Group of this process: who may use the socket. */
  readonly gid: number;
}

/** Names of an installation's things at the engine. */
export const engineName = (installation: string, name?: string): string =>
  ["memobuild", installation, ...(name === undefined ? [] : [name])].join("-");

export const labelsOf = (installation: string, name?: string): Record<string, string> => ({
  [INSTALLATION_LABEL]: installation,
  ...(name !== undefined && { [BUILDER_LABEL]: name }),
});

export function containerOptions(settings: ContainerSettings): ContainerCreateOptions & { name: string } {
  const { gid, image, installation, keepBytes, limits, name, runDir } = settings;
  const options = {
    name: engineName(installation, name),
    Image: image,
    // A socket in a folder of ours, and no port: the steps of builds are in the container's network, and whoever
    // reaches BuildKit is root on the builder.
    Cmd: [
      ...["--root", STATE_DIR, "--addr", `unix://${RUN_DIR}/${SOCKET}`],
      ...(gid === 0 ? [] : ["--group", String(gid)]),
      ...gcArguments(keepBytes),
    ],
    HostConfig: {
      // BuildKit mounts, and runs containers itself.
      Privileged: true,
      // So that the containers that it runs count as its own, and are limited with it.
      CgroupnsMode: "private" as const,
      NetworkMode: engineName(installation),
      RestartPolicy: { Name: "unless-stopped" },
      Mounts: [
        { Type: "volume" as const, Source: engineName(installation, name), Target: STATE_DIR },
        { Type: "bind" as const, Source: runDir, Target: RUN_DIR },
      ],
      ...(limits.cpus !== undefined && { NanoCpus: Math.round(limits.cpus * NANO_CPUS) }),
      ...(limits.memoryBytes !== undefined && { Memory: limits.memoryBytes }),
    },
  };
  const hash = createHash("sha256")
    .update(JSON.stringify([options, settings.imageId]))
    .digest("hex");
  return { ...options, Labels: { ...labelsOf(installation, name), [SETTINGS_LABEL]: hash } };
}

/** Whether a container is what it would be made as now. */
export const isSameContainer = (
  labels: Readonly<Record<string, string>>,
  { Labels }: ContainerCreateOptions,
): boolean => Labels?.[SETTINGS_LABEL] === labels[SETTINGS_LABEL];

export const socketIn = (runDir: string): string => `${runDir}/${SOCKET}`;
