/** Names of steps: what the Dockerfile frontend makes of an instruction, and what people are shown. */
import { maskAllValues, type ArgumentValues } from "./mask-values.js";

export interface StepName {
  /** "[linux/arm64 build 3/7] "; "" where the step is no instruction's. */
  readonly prefix: string;
  /** As in the prefix, such as "linux/arm64", or "linux/amd64->arm64" where it builds for another. */
  readonly platform: string;
  readonly stage: string;
  /** "LINK " or "ONBUILD ", where the frontend adds it. */
  readonly mark: string;
  /** The instruction, with values of variables in it. */
  readonly rest: string;
}

const NAME_MAX_CHARS = 300;

/** A prefix is never longer. */
const PREFIX_MAX_CHARS = 300;
const COUNT = /^\d+\/\d+$/;
const PLATFORM = /^[^/]+\/.+$/;

export function parseStepName(name: string): StepName {
  const end = name.slice(0, PREFIX_MAX_CHARS).indexOf("] ");
  const words = name
    .slice(1, Math.max(1, end))
    .split(" ")
    .filter((word) => word !== "");
  const isCounted = name.startsWith("[") && COUNT.test(words.pop() ?? "");
  const platform = words.length > 0 && PLATFORM.test(words[0] ?? "") ? words.shift() : undefined;
  const stage = words.shift();
  if (!isCounted || words.length > 0) return { ...{ prefix: "", platform: "", stage: "", mark: "" }, rest: name };
  const text = name.slice(end + 2);
  const mark = MARKS.find((one) => text.startsWith(one)) ?? "";
  return {
    ...{ prefix: name.slice(0, end + 2), platform: platform ?? "", stage: stage ?? "", mark },
    rest: text.slice(mark.length),
  };
}

const MARKS = ["LINK ", "ONBUILD "];

/**
 * The instruction as the Dockerfile has it, as the name of the vertex holds values of build arguments; where its text is
 * not known, that name without them.
 */
export function displayName(name: string, instruction: string, values: ArgumentValues): string {
  const { prefix, mark, rest } = parseStepName(name);
  const hasText = prefix !== "" && instruction !== "";
  const shown = prefix + mark + (hasText ? onOneLine(instruction) : maskAllValues(rest, values));
  return shown.length > NAME_MAX_CHARS ? `${shown.slice(0, NAME_MAX_CHARS - 1)}…` : shown;
}

/** Continued lines become one; of a document in it, only its name is left. */
export function onOneLine(instruction: string): string {
  const lines: string[] = [];
  for (const line of instruction.split(/\r?\n/)) {
    // A comment between continued lines.
    if (lines.length > 0 && /^\s*(#|$)/.test(line)) continue;
    const continued = /^(.*?)\\\s*$/s.exec(line)?.[1];
    lines.push((continued ?? line).trim());
    if (continued === undefined) break;
  }
  return lines.filter((line) => line !== "").join(" ");
}

/** Names of variables that the instruction uses, as in `$NAME` and `${NAME:-x}`. */
export function variablesIn(instruction: string): string[] {
  const found = Array.from(instruction.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g), ([, name = ""]) => name);
  return [...new Set(found)];
}
