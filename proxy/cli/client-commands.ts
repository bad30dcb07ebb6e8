/** All commands that speak to a running MemoBuild. */
import type { Command } from "commander";
import { addBuildersCommands } from "./builders-commands.js";
import { addBuildsCommands } from "./builds-commands.js";
import { addCacheCommands } from "./cache-commands.js";
import type { AddCommand } from "./command-context.js";
import { addServerOptions } from "./server-address.js";
import { addSettingsCommands } from "./settings-commands.js";
import { addStats } from "./stats.js";
import { addStatus } from "./status.js";
import { addTop } from "./top.js";
import { addWatch } from "./watch.js";

const leavesOf = (command: Command): readonly Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);

export const addClientCommands: AddCommand = (program, context) => {
  const others = new Set(program.commands);
  for (const add of [addBuildsCommands, addBuildersCommands, addWatch, addTop, addStatus, addStats])
    add(program, context);
  for (const add of [addCacheCommands, addSettingsCommands]) add(program, context);
  for (const command of program.commands.filter((each) => !others.has(each)).flatMap(leavesOf))
    addServerOptions(command);
};
