/** `memobuild builders …`: the commands about the BuildKit daemons that builds run on. */
import { addBuildersAdd } from "./builders-add.js";
import { addBuildersDrain } from "./builders-drain.js";
import { addBuildersInspect } from "./builders-inspect.js";
import { addBuildersLs } from "./builders-ls.js";
import { addBuildersRm } from "./builders-rm.js";
import type { AddCommand } from "./command-context.js";

export const addBuildersCommands: AddCommand = (program, context) => {
  const builders = program
    .command("builders")
    .description("see, add, drain and remove the builders of a running MemoBuild");
  for (const add of [addBuildersLs, addBuildersInspect, addBuildersAdd, addBuildersDrain, addBuildersRm]) {
    add(builders, context);
  }
};
