/** A clock that stands still until a test moves it on. */
import { setImmediate as settled } from "node:timers/promises";
import type { Clock } from "../../farm/clock.js";

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many runs are still to come. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Runs what falls into that time, in turn, each with what follows from it. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].sort((one, other) => one.atMs - other.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settled();
    }
    this.#nowMs = endMs;
  }
}
