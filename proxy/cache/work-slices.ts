/** Cuts long work on the event loop into slices, so that builds do not wait for it. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Steps take some milliseconds: what begins in time still ends within 20 ms. */
const SLICE_MS = 4;

export class WorkSlices {
  readonly #now: () => number;
  #sinceMs: number;

  /** @param now milliseconds of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
    this.#sinceMs = now();
  }

  /** Called after each step: lets others run once the slice was long enough. */
  async breathe(): Promise<void> {
    if (this.#now() - this.#sinceMs < SLICE_MS) return;
    await nextTurn();
    this.#sinceMs = this.#now();
  }
}
