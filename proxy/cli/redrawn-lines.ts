/** Lines on a terminal that are drawn anew in place, below others that stay. */
import type { Output } from "./cli-io.js";

/** Of a terminal that does not tell, or tells what cannot be. */
const COLUMNS = 80;
const ROWS = 24;
const SIZE_MIN = 3;
const sizeOr = (size: number | undefined, usual: number): number =>
  size === undefined || size < SIZE_MIN ? usual : size;

/** A terminal that wraps a line would need more rows than are counted. Only while it is drawn, so nothing is left over. */
const WRAP_OFF = "\u{1b}[?7l";
const WRAP_ON = "\u{1b}[?7h";
const CLEAR_BELOW = "\r\u{1b}[J";
const up = (rows: number): string => (rows === 0 ? "" : `\u{1b}[${rows}A`);

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

export class RedrawnLines {
  readonly #stdout: Output;
  #drawn = "";
  #drawnRows = 0;

  constructor(stdout: Output) {
    this.#stdout = stdout;
  }

  /** What has left the screen cannot be drawn anew. */
  get maxRows(): number {
    return sizeOr(this.#stdout.rows, ROWS) - 1;
  }

  get columns(): number {
    return sizeOr(this.#stdout.columns, COLUMNS);
  }

  /**
   * @param lines in place of those that were drawn last; `maxRows` at most
   * @param above lines that stay
   */
  draw(lines: readonly string[], above: readonly string[] = []): void {
    const text = textOf(lines);
    if (above.length === 0 && text === this.#drawn) return;
    this.#stdout.write(`${up(this.#drawnRows)}${CLEAR_BELOW}${WRAP_OFF}${textOf(above)}${text}${WRAP_ON}`);
    this.#drawn = text;
    this.#drawnRows = lines.length;
  }
}
