/** Control.DiskUsage and Control.Prune: what a daemon keeps, and the request to keep less. */
import { z } from "zod";
import { loadProto } from "./codec.js";

interface UsageRecord {
  readonly inUse: boolean;
  readonly size: number;
  readonly shared: boolean;
}
const usageRecord = z.object({ inUse: z.boolean(), size: z.number(), shared: z.boolean() });

export interface DiskUsage {
  readonly totalBytes: number;
  /** Without what the images of a Docker Engine keep anyhow: limits are for this. */
  readonly unsharedBytes: number;
  /** Of that, what no build uses now. */
  readonly reclaimableBytes: number;
}

export interface DiskUsageMessages {
  readonly diskUsageRequest: Buffer;
  readDiskUsage(message: Buffer): DiskUsage;
  /** For what is used least, as much of it as exceeds `keepBytes`. */
  pruneRequest(keepBytes: number): Buffer;
  /** One answer of the call: how much it is about. */
  readPrunedBytes(message: Buffer): number;
}

const sum = (records: readonly UsageRecord[]): number =>
  records.reduce((bytes, { size }) => bytes + Math.max(0, size), 0);

/** Reads the description; file access happens here, once. */
export async function loadDiskUsageMessages(): Promise<DiskUsageMessages> {
  const codec = await loadProto("control.proto");
  const record = codec("moby.buildkit.v1.UsageRecord", usageRecord);
  const response = codec("moby.buildkit.v1.DiskUsageResponse", z.object({ record: z.array(usageRecord) }));
  const prune = codec(
    "moby.buildkit.v1.PruneRequest",
    z.object({ reservedSpace: z.number(), maxUsedSpace: z.number() }),
  );
  return {
    diskUsageRequest: Buffer.alloc(0),
    readDiskUsage: (message) => {
      const records = response.decode(message).record;
      const unshared = records.filter(({ shared }) => !shared);
      return {
        totalBytes: sum(records),
        unsharedBytes: sum(unshared),
        reclaimableBytes: sum(unshared.filter(({ inUse }) => !inUse)),
      };
    },
    // Both limits: a daemon before v0.17 knows only the first, by another name, and without one it removes everything.
    pruneRequest: (keepBytes) => prune.encode({ reservedSpace: keepBytes, maxUsedSpace: keepBytes }),
    readPrunedBytes: (message) => Math.max(0, record.decode(message).size),
  };
}
