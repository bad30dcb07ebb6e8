/** `memobuild cache du`: how much there is in the cache, and how much there may be. */
import type { Command } from "commander";
import type { CacheAdmin, CacheUsage } from "../cache/cache-admin.js";
import { formatByteSize } from "../config/byte-size.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";
import { renderTable } from "./table.js";

interface DuOptions {
  readonly format: Format;
}

const percent = (part: number, whole: number): string => (whole === 0 ? "" : `${Math.round((part / whole) * 100)}%`);

function usageTable(usage: CacheUsage): string {
  const size = formatByteSize;
  const { storeBytes, softMaxBytes, hardMaxBytes, freeBytes, minFreeBytes } = usage;
  return (
    renderTable(
      ["", "COUNT", "SIZE"],
      [
        ["Exports", String(usage.exports), ""],
        ["  pinned", String(usage.pinnedExports), ""],
        ["Records", String(usage.records), ""],
        ["Blobs", String(usage.blobs), size(usage.blobBytes)],
        ["  unreferenced", "", size(usage.unreferencedBytes)],
      ],
    ) +
    "\n" +
    renderTable(
      ["", "SIZE", "LIMIT", "USED"],
      [
        ["Store", size(storeBytes), size(softMaxBytes), percent(storeBytes, softMaxBytes)],
        ["  nothing is added above", "", size(hardMaxBytes), percent(storeBytes, hardMaxBytes)],
        ["Free on the disk", size(freeBytes), `${size(minFreeBytes)} stays free`, ""],
      ],
    )
  );
}

async function showUsage(cache: CacheAdmin, { format }: DuOptions, { stdout }: CliIo): Promise<number> {
  const usage = await cache.usage();
  stdout.write(format === "json" ? toJson(usage) : usageTable(usage));
  return 0;
}

export function addDu(cache: Command, { io, run }: CommandContext): void {
  cache
    .command("du")
    .description("show how much there is in the cache, and its limits")
    .addOption(formatOption())
    .action((options: DuOptions & WithServer) => run(options, ({ cache: admin }) => showUsage(admin, options, io)));
}
