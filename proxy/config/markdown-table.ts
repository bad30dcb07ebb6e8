/** A Markdown table with aligned columns, as the formatter leaves it. */

export function markdownTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [head, ...body];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`;
  const rule = head.map(() => "");
  return [line(head, " "), line(rule, "-"), ...body.map((row) => line(row, " "))].join("\n");
}
