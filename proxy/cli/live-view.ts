/** Builds as they go, on a terminal: a few lines for each that runs, drawn anew in place; one for each that ended. */
import type { BuildEvent } from "../builds/build-desk.js";
import type { BuildSummary } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import { durationText, endingText, identityText, missText, plural, shortRef } from "./build-text.js";
import type { CliIo } from "./cli-io.js";
import { COLOUR_OF, type Colour, type Painter } from "./paint.js";
import { RedrawnLines } from "./redrawn-lines.js";
import { printable, truncate } from "./table.js";
import type { RunningBuild, WatchView } from "./watch-view.js";

const DRAW_INTERVAL_MS = 250;
const STEPS_SHOWN = 3;

interface Line {
  readonly mark: string;
  readonly colour: Colour;
  readonly text: string;
}

export class LiveView implements WatchView {
  readonly #io: Pick<CliIo, "stdout" | "now">;
  readonly #lines: RedrawnLines;
  readonly #painter: Painter;
  readonly #builds = new Map<string, RunningBuild>();
  readonly #timer: NodeJS.Timeout;

  constructor(io: Pick<CliIo, "stdout" | "now">, painter: Painter) {
    this.#io = io;
    this.#lines = new RedrawnLines(io.stdout);
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
    this.#lines.draw(this.#builds.size === 0 ? [] : this.#textsOf(this.#liveLines()));
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
    const { maxRows } = this.#lines;
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
    this.#lines.draw(this.#textsOf(this.#liveLines()), this.#textsOf(ended));
  }

  #textsOf(lines: readonly Line[]): readonly string[] {
    const maxChars = this.#lines.columns - 2;
    return lines.map(({ mark, colour, text }) => `${this.#painter.paint(mark, colour)} ${truncate(text, maxChars)}`);
  }
}
