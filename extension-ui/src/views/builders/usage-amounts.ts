/** What a builder uses, as text and as a share of what it may use. */
import type { ResourceUsage } from "../../api/openapi.js";
import { formatBytes, formatShare } from "../../parts/format.js";

export interface Amount {
  readonly label: string;
  readonly text: string;
  /** Undefined where there is no limit. */
  readonly share?: number;
}

const NOT_KNOWN = "not known";

const coresOf = (cores: number): string => Number(cores.toFixed(cores >= 10 ? 0 : cores >= 0.1 ? 1 : 2)).toString();

/** "1.5 cores", and "0.02 cores" of one that idles. */
export function formatCores(cores: number): string {
  const text = coresOf(cores);
  return `${text} ${text === "1" ? "core" : "cores"}`;
}

function bytesOf(label: string, used: number | undefined, limit: number | undefined): Amount {
  if (used === undefined) return { label, text: NOT_KNOWN };
  if (limit === undefined || limit <= 0) return { label, text: formatBytes(used) };
  return { label, text: `${formatBytes(used)} of ${formatBytes(limit)}`, share: used / limit };
}

function cpuOf({ cpuCores, cpuLimitCores }: ResourceUsage): Amount {
  const label = "CPU";
  if (cpuCores === undefined) return { label, text: NOT_KNOWN };
  if (cpuLimitCores === undefined || cpuLimitCores <= 0) return { label, text: formatCores(cpuCores) };
  return { label, text: `${coresOf(cpuCores)} of ${formatCores(cpuLimitCores)}`, share: cpuCores / cpuLimitCores };
}

function diskOf({ diskFreeBytes, diskTotalBytes }: ResourceUsage): Amount {
  if (diskFreeBytes === undefined) return { label: "Disk", text: NOT_KNOWN };
  const text = `${formatBytes(diskFreeBytes)} free`;
  if (diskTotalBytes === undefined || diskTotalBytes <= 0) return { label: "Disk", text };
  const share = 1 - diskFreeBytes / diskTotalBytes;
  return { label: "Disk", text: `${text}, ${formatShare(share)} used`, share };
}

/** @param stateLabel what its state is: what BuildKit keeps, or MemoBuild's cache. */
export const amountsOf = (usage: ResourceUsage, stateLabel: string): readonly Amount[] => [
  cpuOf(usage),
  bytesOf("Memory", usage.memoryBytes, usage.memoryLimitBytes),
  bytesOf(stateLabel, usage.stateBytes, usage.stateLimitBytes),
  diskOf(usage),
];
