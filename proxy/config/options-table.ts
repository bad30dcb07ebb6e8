/** The table of options in the README, between its two markers. */
import { environmentNameOf, type Option, OPTIONS, usageOf } from "./options.js";

const START = "<!-- options -->";
const END = "<!-- /options -->";
const HEAD = ["Flag, or key in the file", "Environment", "Default", "Meaning"];

const code = (text: string): string => `\`${text}\``;

function cellsOf(option: Option): string[] {
  const { name, repeatable, defaults, help } = option;
  return [
    code(usageOf(option)) + (repeatable === true ? ", repeatable" : ""),
    code(environmentNameOf(name)),
    defaults.map(code).join(" and "),
    help,
  ];
}

/** A Markdown table with aligned columns, as the formatter leaves it. */
export function renderOptionsTable(): string {
  const rows = [HEAD, ...OPTIONS.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`;
  const [head = [], ...body] = rows.map((row) => line(row, " "));
  return [
    head,
    line(
      HEAD.map(() => "---"),
      "-",
    ),
    ...body,
  ].join("\n");
}

/** The text between the markers, or undefined where one is missing. */
export function optionsTableIn(readme: string): string | undefined {
  const [, after] = readme.split(START);
  const [table, rest] = after?.split(END) ?? [];
  return rest === undefined ? undefined : table?.trim();
}

/** The README with the table of today. */
export function withOptionsTable(readme: string): string {
  const table = optionsTableIn(readme);
  if (table === undefined) throw new Error(`README.md has no ${START} … ${END}`);
  const start = readme.indexOf(START) + START.length;
  return `${readme.slice(0, start)}\n\n${renderOptionsTable()}\n\n${readme.slice(readme.indexOf(END))}`;
}
