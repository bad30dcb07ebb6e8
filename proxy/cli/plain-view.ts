/** Builds as they go, one line per event: for logs and pipes. */
import type { BuildEvent } from "../builds/build-desk.js";
import type { BuildSummary } from "../builds/build-record.js";
import { formatByteSize } from "../config/byte-size.js";
import { endingText, identityText, missText, shortRef } from "./build-text.js";
import { printable } from "./table.js";
import type { RunningBuild, WatchView } from "./watch-view.js";

const WORD_CHARS = 8;

function exportText({ export: { result, bytes } }: BuildSummary): string {
  return `cache: ${printable(result)}${bytes === 0 ? "" : `, ${formatByteSize(bytes)}`}`;
}

export class PlainView implements WatchView {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  /** What was last said of a build that runs. */
  readonly #said = new Map<string, string>();

  constructor(write: (text: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  reset(running: readonly RunningBuild[]): void {
    for (const { build } of running) if (!this.#said.has(build.ref)) this.#line(build, "running", identityText(build));
    const refs = new Set(running.map(({ build }) => build.ref));
    for (const ref of this.#said.keys()) if (!refs.has(ref)) this.#said.delete(ref);
  }

  show(event: BuildEvent): void {
    const { type, build } = event;
    switch (type) {
      case "started":
        this.#line(build, type, `${identityText(build)} on ${printable(build.builder)}`);
        break;
      case "changed":
        this.#progress(event);
        break;
      case "ended": {
        const miss = missText(build);
        this.#line(build, type, `${endingText(build, this.#now())}${miss === "" ? "" : `; ${miss}`}`);
        this.#said.delete(build.ref);
        break;
      }
      case "exported":
        this.#line(build, type, exportText(build));
        break;
      case "removed":
        this.#line(build, type, "its record");
        this.#said.delete(build.ref);
        break;
    }
  }

  close(): void {
    this.#said.clear();
  }

  /** Only where there is news. */
  #progress({ build, running }: BuildEvent): void {
    const { completed, total } = build.counts;
    const text = [`${completed}/${total} steps`, ...running.map(({ name }) => printable(name))].join("; ");
    if (this.#said.get(build.ref) === text) return;
    this.#line(build, "running", text);
    this.#said.set(build.ref, text);
  }

  #line({ ref }: BuildSummary, word: string, text: string): void {
    const time = new Date(this.#now()).toTimeString().slice(0, 8);
    this.#write(`${time} ${shortRef(ref)} ${word.padEnd(WORD_CHARS)} ${text}\n`);
  }
}
