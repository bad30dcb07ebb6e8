/** When a builder's disk, or what it keeps, comes near its end: what to tell people. */
import { formatByteSize } from "../../config/byte-size.js";
import type { ResourceUsage } from "../builder-desk.js";

const FREE_MIN_BYTES = 2e9;
const FREE_MIN_SHARE = 0.1;
/** Of a large disk a tenth is plenty: with this much free, nobody is warned. */
const FREE_PLENTY_BYTES = 50e9;
/** BuildKit prunes after builds, not during them: a little above its limit is in order. */
const STATE_TOLERANCE = 1.1;

export const DISK_WARNING_KINDS = ["disk", "state"] as const;
export type DiskWarningKind = (typeof DISK_WARNING_KINDS)[number];
export type DiskWarnings = Partial<Record<DiskWarningKind, string>>;

export function diskWarnings(usage: ResourceUsage): DiskWarnings {
  const { diskFreeBytes, diskTotalBytes, stateBytes, stateLimitBytes } = usage;
  const warnings: DiskWarnings = {};
  if (diskFreeBytes !== undefined && diskTotalBytes !== undefined && isLow(diskFreeBytes, diskTotalBytes)) {
    const advice = stateLimitBytes === undefined ? "prune it, or set --builder-keep-bytes" : "make room there";
    warnings.disk =
      `only ${formatByteSize(diskFreeBytes)} of the ${formatByteSize(diskTotalBytes)} of its disk are free, ` +
      `and builds fail when it is full: ${advice}`;
  }
  if (stateBytes !== undefined && stateLimitBytes !== undefined && stateBytes > stateLimitBytes * STATE_TOLERANCE) {
    warnings.state =
      `it keeps ${formatByteSize(stateBytes)}, and --builder-keep-bytes is ${formatByteSize(stateLimitBytes)}: ` +
      "what its builds use is not pruned";
  }
  return warnings;
}

const isLow = (freeBytes: number, totalBytes: number): boolean =>
  freeBytes < FREE_MIN_BYTES || freeBytes < Math.min(totalBytes * FREE_MIN_SHARE, FREE_PLENTY_BYTES);
