/** `memobuild builds explain`: why the steps of a build ran that were not cached, the first of them first. */
import type { Command } from "commander";
import type { Explanation, Miss } from "../builds/build-desk.js";
import type { BuildRecord, ChangedFile, StepCause } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import type { ApiClient } from "../http/api-client.js";
import { BUILD_NAME_HELP, identityText, LATEST_BUILD, plural, shortRef } from "./build-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { Painter } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable } from "./table.js";

interface ExplainOptions extends WithServer {
  readonly format: Format;
}

const FILES_SHOWN = 10;
/** Misses that are told with all that is known of them. */
const MISSES_SHOWN = 20;

function fileLines({ files = [], fileCount = files.length }: StepCause): readonly string[] {
  const shown = files.slice(0, FILES_SHOWN);
  const width = shown.reduce((most, { change }) => Math.max(most, change.length), 0);
  const values = ({ before, after }: ChangedFile): string =>
    before === "" && after === "" ? "" : `  ${printable(before)} → ${printable(after)}`;
  return [
    ...shown.map((file) => `${file.change.padEnd(width)}  ${printable(file.path)}${values(file)}`),
    ...(fileCount > shown.length ? [`and ${fileCount - shown.length} more`] : []),
  ];
}

/** What an instruction, an image or a platform was and is. */
const changeLines = ({ before, after }: StepCause): readonly string[] =>
  before === undefined || after === undefined ? [] : [`before: ${printable(before)}`, `now:    ${printable(after)}`];

function cascadeLine({ cascade }: StepCause): readonly string[] {
  if (cascade === undefined || cascade.steps === 0) return [];
  return [`Because of it ran ${plural(cascade.steps, "more step")}, ${formatElapsed(cascade.durationMs)} in all.`];
}

const placeOf = ({ file, line }: Miss): string =>
  file === "" ? "" : `  (${printable(file)}${line === undefined ? "" : `:${line}`})`;

function missText(miss: Miss, { paint }: Painter): string {
  const { cause } = miss;
  return [
    `${paint(printable(miss.name), "bold")}${placeOf(miss)}`,
    `  ${paint(printable(cause.text), "yellow")}`,
    ...[...changeLines(cause), ...fileLines(cause)].map((line) => `    ${line}`),
    ...cascadeLine(cause).map((line) => `  ${line}`),
    ...(cause.hint === "" ? [] : [`  Hint: ${printable(cause.hint)}`]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function headText(build: BuildRecord, { baseline, isRunning }: Explanation): string {
  const { counts } = build;
  const ran = `${counts.ran} of ${plural(counts.cacheable, "step")} ran, ${counts.cached} came from a cache`;
  const state = isRunning ? " so far" : "";
  const compared =
    baseline === "" ? "There is no earlier build to compare it with." : `Compared with ${shortRef(baseline)}.`;
  return `Build ${shortRef(build.ref)} of ${identityText(build)}: ${ran}${state}.\n${compared}\n`;
}

export function explanationText(build: BuildRecord, explanation: Explanation, painter: Painter): string {
  const [first, ...others] = explanation.misses;
  const head = headText(build, explanation);
  if (first === undefined) return `${head}\nNo step missed the cache.\n`;
  const shown = others.slice(0, MISSES_SHOWN);
  const left = others.length - shown.length;
  return [
    `${head}\nFirst miss: ${missText(first, painter)}`,
    ...(shown.length > 0 ? ["\nOther misses, with reasons of their own:\n"] : []),
    ...shown.map((miss) => `\n${missText(miss, painter)}`),
    ...(left > 0 ? [`\nand ${left} more; --format json shows all\n`] : []),
  ].join("");
}

async function explain(
  { builds }: ApiClient,
  name: string,
  format: Format,
  { io, painter }: CommandContext,
): Promise<number> {
  const explanation = await builds.explain(name);
  const text =
    format === "json"
      ? toJson(explanation)
      : explanationText(await builds.build(explanation.ref), explanation, painter);
  io.stdout.write(text);
  return 0;
}

export function addBuildsExplain(builds: Command, context: CommandContext): void {
  builds
    .command("explain")
    .description("say why steps of a build ran instead of coming from a cache, and what to do about it")
    .argument("[build]", BUILD_NAME_HELP, LATEST_BUILD)
    .addOption(formatOption())
    .action((name: string, options: ExplainOptions) =>
      context.run(options, (api) => explain(api, name, options.format, context)),
    );
}
