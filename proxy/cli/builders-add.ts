/** `memobuild builders add`: one builder more, while builds go on. */
import type { Command } from "commander";
import type { BuilderReport } from "../farm/builder-desk.js";
import { daemonText } from "./builder-text.js";
import type { CommandContext } from "./command-context.js";
import type { WithServer } from "./server-address.js";
import { printable } from "./table.js";

function addedText(builder: BuilderReport): string {
  const because = builder.cause === undefined ? "" : `: ${printable(builder.cause)}`;
  switch (builder.state) {
    case "up":
      return daemonText(builder);
    case "refused":
      return `it answers, and gets no builds${because}`;
    case "down":
    case "unknown":
      return `it does not answer yet, and gets builds as soon as it does${because}`;
  }
}

export function addBuildersAdd(builders: Command, { io, run }: CommandContext): void {
  builders
    .command("add")
    .description("add a builder, which gets builds from now on and is kept across restarts")
    .argument("<address>", 'as "memobuild serve --builder" takes it, but for dns+tcp://')
    .action((address: string, options: WithServer) =>
      run(options, async (api) => {
        const added = await api.builders.add(address);
        io.stdout.write(`Added ${printable(added.name)}: ${addedText(added)}\n`);
        return 0;
      }),
    );
}
