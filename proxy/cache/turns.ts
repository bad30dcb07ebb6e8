/** Lets so many go on at once. */

/** So many at once; the others wait, first come, first served. */
export class Turns {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws Error when `signal` aborts before it is the caller's turn, and whatever `use` throws. */
  async take<T>(signal: AbortSignal, use: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#max) await this.#wait(signal);
    else this.#taken++;
    try {
      return await use();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(come), 1);
        reject(new Error("ended while it waited for its turn"));
      };
      const come = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiting.push(come);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }
}
