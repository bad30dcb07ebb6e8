/** `memobuild cache …`: the commands that speak to a running MemoBuild. */
import { type Command, Option } from "commander";
import { environmentNameOf } from "../config/options.js";
import type { CacheContext } from "./cache-context.js";
import { parseDataDir } from "./cache-context.js";
import { addDu } from "./cache-du.js";
import { addLs } from "./cache-ls.js";
import { addPin } from "./cache-pin.js";
import { addPrune } from "./cache-prune.js";
import { addVerify } from "./cache-verify.js";

export function addCacheCommands(program: Command, context: CacheContext): void {
  const cache = program.command("cache").description("see and manage the shared cache of a running MemoBuild");
  for (const add of [addLs, addDu, addPrune, addPin, addVerify]) add(cache, context);
  const help = `of the running MemoBuild (env: ${environmentNameOf("data-dir")})`;
  for (const command of cache.commands) {
    command.addOption(new Option("--data-dir <folder>", help).argParser(parseDataDir));
  }
}
