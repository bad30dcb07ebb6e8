/** Colour and dashes of lines: each alone tells most lines apart, both together all that fit in a chart. */
import type { Theme } from "@mui/material/styles";

export interface LineStyle {
  readonly color: string;
  /** Of SVG; "none" is a whole line. */
  readonly dashes: string;
}

const DASHES = ["none", "8 4", "2 3", "10 3 2 3", "5 2", "14 6"] as const;

const colorsOf = ({ palette }: Theme): readonly string[] => [
  ...[palette.primary.main, palette.warning.main, palette.success.main, palette.error.main, palette.text.secondary],
];

/** Colours and dashes go round at different lengths: the pairs repeat after thirty. */
export function lineStyle(theme: Theme, index: number): LineStyle {
  const colors = colorsOf(theme);
  return {
    color: colors[index % colors.length] ?? theme.palette.text.primary,
    dashes: DASHES[index % DASHES.length] ?? "none",
  };
}
