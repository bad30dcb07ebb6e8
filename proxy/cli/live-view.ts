/** Builds as they go, on a terminal: a few lines for each that runs, drawn anew in place; one for each that ended. */
import type { BuildEvent } from "../builds/build-desk.js";
import type { BuildSummary } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import { durationText, endingText, identityText, missText, plural, shortRef } from "./build-text.js";
import type { CliIo } from "./cli-io.js";
import { COLOUR_OF, type Colour, type Painter } from "./paint.js";
import { printable, truncate } from "./table.js";
import type { RunningBuild, WatchView } from "./watch-view.js";

const DRAW_INTERVAL_MS = 250;
const STEPS_SHOWN = 3;
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

interface Line {
  readonly mark: string;
  readonly colour: Colour;
  readonly text: string;
}

export class LiveView implements WatchView {
  readonly #io: Pick<CliIo, "stdout" | "now">;
  readonly #painter: Painter;
  readonly #builds = new Map<string, RunningBuild>();
  readonly #timer: NodeJS.Timeout;
  /** What is drawn anew, and its rows. */
  #drawn = "";
  #drawnRows = 0;

  constructor(io: Pick<CliIo, "stdout" | "now">, painter: Painter) {
    this.#io = io;
    this.#painter = painter;
    this.#timer = setInterval(() => {
      this.#draw([]);
    }, DRAW_INTERVAL_MS);
  }

  reset(running: readonly RunningBuild[]): void {
    this.#builds.clear();
    for (const shown of running) this.#builds.set(shown.build.ref, shown);
    this.#draw([]);
  }

  show({ type, build, running }: BuildEvent): void {
    switch (type) {
      case "started":
      case "changed":
        this.#builds.set(build.ref, { build, running });
        break;
      case "ended":
        this.#builds.delete(build.ref);
        this.#draw(this.#endingOf(build));
        break;
      case "removed":
        this.#builds.delete(build.ref);
        break;
      case "exported":
        break;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#write([], this.#builds.size === 0 ? [] : this.#liveLines());
  }

  #endingOf(build: BuildSummary): readonly Line[] {
    const colour = COLOUR_OF[build.outcome];
    const mark = build.outcome === "succeeded" ? "✓" : "✗";
    const text = `${shortRef(build.ref)} ${identityText(build)}: ${endingText(build, this.#io.now())}`;
    const miss = missText(build);
    return [{ mark, colour, text }, ...(miss === "" ? [] : [{ mark: " ", colour, text: `  ${miss}` }])];
  }

  #linesOf({ build, running }: RunningBuild): readonly Line[] {
    const { completed, total, cached } = build.counts;
    const now = this.#io.now();
    const progress = `${completed}/${total} steps, ${cached} cached  ${durationText(build, now)}`;
    const colour = COLOUR_OF.running;
    return [
      { mark: "●", colour, text: `${shortRef(build.ref)} ${identityText(build)}  ${progress}` },
      ...running.slice(0, STEPS_SHOWN).map(({ name, startedAtMs }) => {
        return { mark: " ", colour, text: `  ${printable(name)}  ${formatElapsed(now - startedAtMs)}` };
      }),
    ];
  }

  /** Builds that fit, and how many do not: what has left the screen cannot be drawn anew. */
  #liveLines(): readonly Line[] {
    const maxRows = sizeOr(this.#io.stdout.rows, ROWS) - 1;
    const note = (text: string): Line => ({ mark: " ", colour: "dim", text });
    if (this.#builds.size === 0) return [note("no build runs; Ctrl-C ends this")];
    const lines: Line[] = [];
    let left = this.#builds.size;
    for (const shown of this.#builds.values()) {
      const own = this.#linesOf(shown);
      if (lines.length + own.length + 1 > maxRows) break;
      lines.push(...own);
      left -= 1;
    }
    return left === 0 ? lines : [...lines, note(`and ${plural(left, "more build")}`)];
  }

  /** @param ended lines that stay, above those that are drawn anew */
  #draw(ended: readonly Line[]): void {
    const live = this.#liveLines();
    if (ended.length > 0 || this.#textOf(live) !== this.#drawn) this.#write(ended, live);
  }

  #write(ended: readonly Line[], live: readonly Line[]): void {
    const lines = `${this.#textOf(ended)}${this.#textOf(live)}`;
    this.#io.stdout.write(`${up(this.#drawnRows)}${CLEAR_BELOW}${WRAP_OFF}${lines}${WRAP_ON}`);
    this.#drawn = this.#textOf(live);
    this.#drawnRows = live.length;
  }

  #textOf(lines: readonly Line[]): string {
    const maxChars = sizeOr(this.#io.stdout.columns, COLUMNS) - 2;
    return lines
      .map(({ mark, colour, text }) => `${this.#painter.paint(mark, colour)} ${truncate(text, maxChars)}\n`)
      .join("");
  }
}
