/** `memobuild builds compare`: two builds, step by step. */
import type { Command } from "commander";
import type { ComparedStep, Comparison } from "../builds/build-desk.js";
import type { BuildSummary } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import type { ApiClient } from "../http/api-client.js";
import { BUILD_NAME_HELP, durationText, identityText, shortRef, stepsText } from "./build-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import { COLOUR_OF, type Painter } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable, renderTable } from "./table.js";

interface CompareOptions extends WithServer {
  readonly format: Format;
}

const AFTER_COLUMN = 2;

const stepText = (step: ComparedStep | undefined): string => {
  if (step === undefined) return "-";
  return step.durationMs === 0 ? step.result : `${step.result} ${formatElapsed(step.durationMs)}`;
};

function comparisonText({ before, after, steps }: Comparison, nowMs: number, { paint }: Painter): string {
  const line = (title: string, build: BuildSummary): string =>
    `${title} ${shortRef(build.ref)} of ${identityText(build)}: ${build.outcome} in ${durationText(build, nowMs)}, ` +
    `${stepsText(build)} steps from a cache\n`;
  const rows = steps.map((step) => [
    printable(step.name),
    stepText(step.before),
    stepText(step.after),
    step.changes.map(printable).join("; "),
  ]);
  const table = renderTable(["STEP", "BEFORE", "AFTER", "CHANGED"], rows, (cell, row, column) => {
    const result = column === AFTER_COLUMN ? steps[row]?.after?.result : undefined;
    return result === undefined ? cell : paint(cell, COLOUR_OF[result]);
  });
  return `${line("Before:", before)}${line("After: ", after)}\n${table}`;
}

async function compare(
  { builds }: ApiClient,
  [before, after]: readonly [string, string],
  format: Format,
  { io, painter }: CommandContext,
): Promise<number> {
  const comparison = await builds.compare(before, after);
  io.stdout.write(format === "json" ? toJson(comparison) : comparisonText(comparison, io.now(), painter));
  return 0;
}

export function addBuildsCompare(builds: Command, context: CommandContext): void {
  builds
    .command("compare")
    .description("compare two builds step by step: what each did, and what changed between them")
    .argument("<before>", BUILD_NAME_HELP)
    .argument("<after>", "the same")
    .addOption(formatOption())
    .action((before: string, after: string, options: CompareOptions) =>
      context.run(options, (api) => compare(api, [before, after], options.format, context)),
    );
}
