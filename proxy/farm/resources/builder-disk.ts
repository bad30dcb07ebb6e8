/** Asks a builder what it keeps, and to keep less. */
import type { DiskUsage, DiskUsageMessages } from "../../buildkit/disk-usage.js";
import type { Builder } from "../builder.js";
import { withDeadline } from "../deadline.js";
import { withBuilderClient } from "../with-builder-client.js";

const DISK_USAGE_PATH = "/moby.buildkit.v1.Control/DiskUsage";
const PRUNE_PATH = "/moby.buildkit.v1.Control/Prune";
/** It measures what it has not measured before, file by file. */
const DISK_USAGE_TIMEOUT_MS = 60_000;
const PRUNE_TIMEOUT_MS = 10 * 60_000;

/** @throws GrpcError, or Error of the connection */
export async function diskUsageOf(
  builder: Builder,
  messages: DiskUsageMessages,
  signal: AbortSignal,
): Promise<DiskUsage> {
  const tooLate = `no disk usage within ${DISK_USAGE_TIMEOUT_MS / 1000} s`;
  return withDeadline(signal, DISK_USAGE_TIMEOUT_MS, tooLate, (limited) =>
    withBuilderClient(builder, limited, async (client) =>
      messages.readDiskUsage(await client.unary(DISK_USAGE_PATH, messages.diskUsageRequest, { signal: limited })),
    ),
  );
}

/** Removes what was used least, until no more than `keepBytes` are left. @returns the bytes freed. @throws as above */
export async function pruneBuilder(
  builder: Builder,
  keepBytes: number,
  messages: DiskUsageMessages,
  signal: AbortSignal,
): Promise<number> {
  const tooLate = `not pruned within ${PRUNE_TIMEOUT_MS / 60_000} min`;
  let freedBytes = 0;
  await withDeadline(signal, PRUNE_TIMEOUT_MS, tooLate, (limited) =>
    withBuilderClient(builder, limited, (client) =>
      client.serverStream(PRUNE_PATH, messages.pruneRequest(keepBytes), { signal: limited }, (message) => {
        freedBytes += messages.readPrunedBytes(message);
      }),
    ),
  );
  return freedBytes;
}
