/** Prints logs of steps as `docker buildx build --progress plain` does. */
import type { StepRecord } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import type { LogPiece } from "../builds/history.js";
import { printable } from "./table.js";
import { logLine } from "./terminal-text.js";

/** A line that is longer is printed in parts. */
const LINE_MAX_CHARS = 64 * 1024;

export interface LogPrinterOptions {
  readonly write: (text: string) => void;
  readonly keepsColours: boolean;
}

interface Line {
  readonly text: string;
  /** Of its latest piece, since the step began. */
  readonly elapsedMs: number;
}

/** A step with its number, from 1. */
export interface NumberedStep {
  readonly number: number;
  readonly step: StepRecord;
}

export class LogPrinter {
  readonly #write: (text: string) => void;
  readonly #keepsColours: boolean;
  /** Of each step, the line that has not ended yet. */
  readonly #rest = new Map<number, Line>();
  /** Number of the step that was printed last. */
  #current: number | undefined;

  constructor({ write, keepsColours }: LogPrinterOptions) {
    this.#write = write;
    this.#keepsColours = keepsColours;
  }

  /** A title wherever another step begins to speak. */
  begin({ number, step }: NumberedStep): void {
    if (this.#current === number) return;
    if (this.#current !== undefined) this.#write("\n");
    this.#current = number;
    this.#write(`#${number} ${printable(step.name)}\n`);
  }

  print(numbered: NumberedStep, { text, atMs }: LogPiece): void {
    this.begin(numbered);
    const { number, step } = numbered;
    const lines = `${this.#rest.get(number)?.text ?? ""}${text}`.split(/\r?\n|\r(?!$)/);
    const rest = lines.pop() ?? "";
    const isTooLong = rest.length > LINE_MAX_CHARS;
    if (isTooLong) lines.push(rest);
    const elapsedMs = Math.max(atMs - (step.startedAtMs ?? atMs), 0);
    this.#rest.set(number, { text: isTooLong ? "" : rest, elapsedMs });
    for (const line of lines) this.#printLine(number, { text: line, elapsedMs });
  }

  #printLine(number: number, { text, elapsedMs }: Line): void {
    this.#write(`#${number} ${(elapsedMs / 1000).toFixed(3)} ${logLine(text, this.#keepsColours)}\n`);
  }

  /** The last line of a step, and how it ended. */
  end(numbered: NumberedStep): void {
    const { number, step } = numbered;
    this.begin(numbered);
    const rest = this.#rest.get(number);
    this.#rest.delete(number);
    if (rest !== undefined && rest.text !== "") this.#printLine(number, rest);
    if (step.isLogCut) this.#write(`#${number} (the log is cut: it is longer than what is kept)\n`);
    const ending = endingOf(step);
    if (ending !== undefined) this.#write(`#${number} ${ending}\n`);
  }
}

function endingOf({ result, durationMs, error }: StepRecord): string | undefined {
  switch (result) {
    case "cached":
      return "CACHED";
    case "ran":
      return `DONE ${formatElapsed(durationMs)}`;
    case "failed":
      return `ERROR ${printable(error)}`;
    case "canceled":
      return "CANCELED";
    case "waiting":
    case "running":
    case "skipped":
      return undefined;
  }
}
