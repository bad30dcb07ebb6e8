/** `memobuild builds graph`: the steps of a build as a tree, or in a language that other programs draw. */
import { type Command, Option } from "commander";
import { DRAWINGS, drawGraph } from "../builds/draw-graph.js";
import type { ApiClient } from "../http/api-client.js";
import { BUILD_NAME_HELP, LATEST_BUILD } from "./build-text.js";
import type { CommandContext } from "./command-context.js";
import { toJson } from "./option-parser.js";
import { COLOUR_OF } from "./paint.js";
import type { WithServer } from "./server-address.js";

const FORMATS = [...DRAWINGS, "json"] as const;

interface GraphOptions extends WithServer {
  readonly format: (typeof FORMATS)[number];
}

async function showGraph(
  { builds }: ApiClient,
  name: string,
  format: GraphOptions["format"],
  { io, painter }: CommandContext,
): Promise<number> {
  const graph =
    format === "json"
      ? toJson(await builds.graph(name))
      : drawGraph(await builds.build(name), format, (text, result) => painter.paint(text, COLOUR_OF[result]));
  io.stdout.write(graph);
  return 0;
}

export function addBuildsGraph(builds: Command, context: CommandContext): void {
  builds
    .command("graph")
    .description("draw the steps of a build, stage by stage")
    .argument("[build]", BUILD_NAME_HELP, LATEST_BUILD)
    .addOption(new Option("--format <format>", "form of the drawing").choices(FORMATS).default("tree"))
    .addHelpText("after", "\nFor a picture: memobuild builds graph --format dot | dot -Tsvg > build.svg\n")
    .action((name: string, options: GraphOptions) =>
      context.run(options, (api) => showGraph(api, name, options.format, context)),
    );
}
