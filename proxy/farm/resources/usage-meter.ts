/** Turns samples of one party into its usage: processor time becomes processors in use between two of them. */
import { statfs } from "node:fs/promises";
import type { ResourceUsage } from "../builder-desk.js";
import type { UsageSample } from "./usage-source.js";

export interface DiskSpace {
  readonly diskFreeBytes: number;
  readonly diskTotalBytes: number;
}

export class UsageMeter {
  #before: { readonly cpuSeconds: number; readonly atMs: number } | undefined;

  /** @param sample undefined where it does not run. @param nowMs of a clock that never goes back. */
  measure(sample: UsageSample | undefined, nowMs: number): Omit<ResourceUsage, "sampledAtMs"> {
    const { cpuSeconds, ...rest } = sample ?? {};
    const before = this.#before;
    this.#before = cpuSeconds === undefined ? undefined : { cpuSeconds, atMs: nowMs };
    if (cpuSeconds === undefined || before === undefined || nowMs <= before.atMs) return rest;
    // Less than before: it was started anew in between.
    const usedSeconds = cpuSeconds >= before.cpuSeconds ? cpuSeconds - before.cpuSeconds : cpuSeconds;
    return { ...rest, cpuCores: usedSeconds / ((nowMs - before.atMs) / 1_000) };
  }
}

/** @returns undefined where there is no such folder, or it cannot be seen from here. */
export async function diskSpaceOf(dir: string | undefined): Promise<DiskSpace | undefined> {
  if (dir === undefined) return undefined;
  return statfs(dir).then(
    ({ bavail, blocks, bsize }) => ({ diskFreeBytes: bavail * bsize, diskTotalBytes: blocks * bsize }),
    () => undefined,
  );
}
