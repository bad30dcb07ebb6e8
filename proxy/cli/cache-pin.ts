/** `memobuild cache pin` and `unpin`: what is pinned stays, whatever its age and the limits of the cache. */
import type { Command } from "commander";
import type { CacheAdmin } from "../cache/cache-admin.js";
import type { ExportSummary } from "../cache/cache-index.js";
import { wholeNumberBetween } from "../config/whole-number.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, parseWith, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";

interface PinOptions extends WithServer {
  readonly format: Format;
}

/** Those that are there are pinned, also beside one that is not. */
async function setPinned(
  cache: CacheAdmin,
  ids: readonly number[],
  { isPinned, format }: { readonly isPinned: boolean; readonly format: Format },
  { stdout, stderr }: CliIo,
): Promise<number> {
  let exitCode = 0;
  const done: ExportSummary[] = [];
  for (const id of ids) {
    const changed = await cache.setPinned(id, isPinned);
    if (changed !== undefined) {
      done.push(changed);
      if (format === "table") stdout.write(`${id}\n`);
    } else {
      stderr.write(`memobuild: there is no export ${id}; see memobuild cache ls\n`);
      exitCode = 1;
    }
  }
  if (format === "json") stdout.write(toJson(done));
  return exitCode;
}

const parseId = parseWith(wholeNumberBetween(0, Number.MAX_SAFE_INTEGER));
const addId = (text: string, before: readonly number[] = []): readonly number[] => [...before, parseId(text)];

export function addPin(cache: Command, { io, run }: CommandContext): void {
  const commands = [
    { name: "pin", isPinned: true, description: "keep exports, whatever their age and the limits of the cache" },
    { name: "unpin", isPinned: false, description: "let pinned exports go when their time has come" },
  ];
  for (const { name, isPinned, description } of commands) {
    cache
      .command(name)
      .description(description)
      .argument("<id...>", "number of an export, as `memobuild cache ls` shows it", addId)
      .addOption(formatOption())
      .action((ids: readonly number[], options: PinOptions) =>
        run(options, ({ cache: admin }) => setPinned(admin, ids, { isPinned, format: options.format }, io)),
      );
  }
}
