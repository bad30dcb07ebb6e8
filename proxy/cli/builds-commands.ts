/** `memobuild builds …`: the commands about builds, those that run and those that have ended. */
import { addBuildsCompare } from "./builds-compare.js";
import { addBuildsExplain } from "./builds-explain.js";
import { addBuildsGraph } from "./builds-graph.js";
import { addBuildsInspect } from "./builds-inspect.js";
import { addBuildsLogs } from "./builds-logs.js";
import { addBuildsLs } from "./builds-ls.js";
import { addBuildsRm } from "./builds-rm.js";
import type { AddCommand } from "./command-context.js";

export const addBuildsCommands: AddCommand = (program, context) => {
  const builds = program.command("builds").description("see the builds that went through a running MemoBuild, and why");
  const commands = [
    addBuildsLs,
    addBuildsInspect,
    addBuildsLogs,
    addBuildsGraph,
    addBuildsExplain,
    addBuildsCompare,
    addBuildsRm,
  ];
  for (const add of commands) add(builds, context);
};
