/** What is said of builders on a terminal. */
import { formatByteSize } from "../config/byte-size.js";
import type { BuilderReport, BuilderState, ResourceUsage } from "../farm/builder-desk.js";
import { plural } from "./build-text.js";
import type { Colour } from "./paint.js";
import { printable } from "./table.js";

/** What commands call the argument that names one; completion knows it by that. */
export const BUILDER_ARGUMENT = "builder";
export const BUILDER_NAME_HELP = "name or address of a builder";

type Standing = Pick<BuilderReport, "state" | "isDraining">;

const COLOUR_OF_STATE: Readonly<Record<BuilderState, Colour>> = {
  up: "green",
  down: "red",
  refused: "red",
  unknown: "dim",
};

/** A draining builder is up unless it says otherwise. */
export function stateText({ state, isDraining }: Standing): string {
  if (!isDraining) return state;
  return state === "up" ? "draining" : `${state}, draining`;
}

export const stateColour = ({ state, isDraining }: Standing): Colour =>
  isDraining && state === "up" ? "yellow" : COLOUR_OF_STATE[state];

/** As in "3 (2 up, 1 down)". */
export function countsText(builders: readonly Standing[]): string {
  const counts = new Map<string, number>();
  for (const builder of builders) counts.set(stateText(builder), (counts.get(stateText(builder)) ?? 0) + 1);
  const parts = [...counts].map(([text, count]) => `${count} ${text}`);
  return `${builders.length}${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
}

const orNothing = (text: string | undefined): string => printable(text ?? "");

/** As in "1.2GB/8GB", the limit behind it where there is one. */
const ofLimit = (used: number | undefined, limit: number | undefined, format: (value: number) => string): string =>
  orNothing(
    used === undefined
      ? undefined
      : [used, limit]
          .flatMap((value) => value ?? [])
          .map(format)
          .join("/"),
  );

const formatCores = (cores: number): string => String(Number(cores.toFixed(2)));

export const cpuText = ({ cpuCores, cpuLimitCores }: ResourceUsage): string =>
  ofLimit(cpuCores, cpuLimitCores, formatCores);

export const memoryText = ({ memoryBytes, memoryLimitBytes }: ResourceUsage): string =>
  ofLimit(memoryBytes, memoryLimitBytes, formatByteSize);

export const stateSizeText = ({ stateBytes, stateLimitBytes }: ResourceUsage): string =>
  ofLimit(stateBytes, stateLimitBytes, formatByteSize);

export const diskFreeText = ({ diskFreeBytes, diskTotalBytes }: ResourceUsage): string =>
  ofLimit(diskFreeBytes, diskTotalBytes, formatByteSize);

export const clientsText = ({ clients, maxClients }: BuilderReport): string => ofLimit(clients, maxClients, String);

/** As in "BuildKit v0.32.2 for linux/amd64, linux/386". */
export const daemonText = ({ version, platforms }: BuilderReport): string =>
  `BuildKit ${orNothing(version)} for ${orNothing(platforms.join(", "))}`;

/** Why builders are not used, what to look after, and that builds wait: a sentence on each line. */
export function noteLines(builders: readonly BuilderReport[], waitingBuilds: number): readonly string[] {
  const notes = builders.flatMap(({ name, state, cause, warnings }) => [
    ...(cause === undefined ? [] : [`${printable(name)} is ${state}: ${printable(cause)}`]),
    ...warnings.map((warning) => `${printable(name)}: ${printable(warning)}`),
  ]);
  return waitingBuilds === 0 ? notes : [...notes, `${waitingText(waitingBuilds)} for a builder`];
}

const waitingText = (builds: number): string => `${plural(builds, "build")} ${builds === 1 ? "waits" : "wait"}`;
