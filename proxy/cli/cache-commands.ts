/** `memobuild cache …`: the commands about the shared cache of a running MemoBuild. */
import { addDu } from "./cache-du.js";
import { addLs } from "./cache-ls.js";
import { addPin } from "./cache-pin.js";
import { addPrune } from "./cache-prune.js";
import { addVerify } from "./cache-verify.js";
import type { AddCommand } from "./command-context.js";

export const addCacheCommands: AddCommand = (program, context) => {
  const cache = program.command("cache").description("see and manage the shared cache of a running MemoBuild");
  for (const add of [addLs, addDu, addPrune, addPin, addVerify]) add(cache, context);
};
