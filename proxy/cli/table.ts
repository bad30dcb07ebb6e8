/** Tables for people: aligned columns, as docker prints them. */

const GAP = "   ";
const NOTHING = "-";

/** Names come from whoever builds: what would move the cursor or turn the writing round is not for a terminal. */
export const printable = (text: string): string =>
  text === "" ? NOTHING : text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");

export function truncate(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}

/** Colours a cell; the head has row -1. It must not change how wide the cell is on a terminal. */
export type PaintCell = (cell: string, row: number, column: number) => string;

export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: PaintCell = (cell) => cell,
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => all.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0));
  return all
    .map((row, index) =>
      row.map((cell, column) => paint(cell.padEnd(widths[column] ?? 0), index - 1, column)).join(GAP),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** Lines of `name: value`, the values below each other. Those without a value are left out. */
export function renderPairs(pairs: readonly (readonly [name: string, value: string])[]): string {
  const known = pairs.filter(([, value]) => value !== "");
  const width = known.reduce((most, [name]) => Math.max(most, name.length), 0) + 1;
  return known.map(([name, value]) => `${`${name}:`.padEnd(width)}  ${value}\n`).join("");
}
