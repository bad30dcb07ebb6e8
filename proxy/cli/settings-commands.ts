/** `memobuild settings …`: the commands about what is configured, and what of it can be changed at run time. */
import type { AddCommand } from "./command-context.js";
import { addSettingsLs } from "./settings-ls.js";
import { addSettingsSet } from "./settings-set.js";

export const addSettingsCommands: AddCommand = (program, context) => {
  const settings = program
    .command("settings")
    .description("see the settings of a running MemoBuild, and change some; what is changed is kept across restarts");
  for (const add of [addSettingsLs, addSettingsSet]) add(settings, context);
};
