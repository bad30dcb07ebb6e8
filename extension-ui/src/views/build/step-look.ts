/** How results of steps look: a sign and a colour of the theme, always beside the word. */
import type { Theme } from "@mui/material/styles";
import type { StepResult } from "./step-types.js";

export const SIGNS: Readonly<Record<StepResult, string>> = {
  waiting: "○",
  running: "▶",
  cached: "✓",
  ran: "●",
  failed: "✕",
  canceled: "⊘",
  skipped: "–",
};

/** Variables that the styles of steps take their colours from. */
export const stepColours = ({ palette }: Theme): Readonly<Record<string, string>> => ({
  "--step-waiting": palette.text.disabled,
  "--step-running": palette.info.main,
  "--step-cached": palette.success.main,
  "--step-ran": palette.warning.main,
  "--step-failed": palette.error.main,
  "--step-canceled": palette.text.secondary,
  "--step-skipped": palette.text.disabled,
  "--step-paper": palette.background.paper,
  "--step-text": palette.text.primary,
  "--step-muted": palette.text.secondary,
  "--step-line": palette.divider,
  "--step-accent": palette.primary.main,
});

export const colourOf = (result: StepResult): string => `var(--step-${result})`;
