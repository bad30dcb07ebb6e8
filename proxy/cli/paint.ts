/** Colours for terminals: what went well is green, what ran is yellow, what failed is red. */
import type { BuildOutcome, StepResult } from "../builds/build-record.js";
import type { Environment } from "../config/environment.js";
import type { Output } from "./cli-io.js";

/** Select Graphic Rendition: the numbers that a terminal knows them by. */
const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof COLOURS;

export interface Painter {
  readonly isColoured: boolean;
  readonly paint: (text: string, colour: Colour) => string;
}

export const COLOUR_OF: Readonly<Record<BuildOutcome | StepResult, Colour>> = {
  waiting: "dim",
  skipped: "dim",
  running: "cyan",
  succeeded: "green",
  cached: "green",
  ran: "yellow",
  failed: "red",
  canceled: "magenta",
  lost: "magenta",
};

/** Colours only on a terminal, and never where NO_COLOR is set (https://no-color.org). */
export function painterFor({ isTTY }: Output, env: Environment): Painter {
  const isColoured = isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return {
    isColoured,
    paint: (text, colour) => (isColoured && text !== "" ? `\u{1b}[${COLOURS[colour]}m${text}\u{1b}[0m` : text),
  };
}
