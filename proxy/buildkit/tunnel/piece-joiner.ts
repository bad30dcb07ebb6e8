/** Joins pieces up to a limit, by copying: no received buffer is held, and tiny pieces cost no more than large ones. */
import { IllegibleError } from "./illegible-error.js";

export class PieceJoiner {
  readonly #maxBytes: number;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws IllegibleError where the limit is passed. */
  add(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#maxBytes) throw new IllegibleError(`over ${this.#maxBytes} bytes`);
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(length * 2, this.#maxBytes));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** All that was added since the last time; valid until more is. */
  take(): Buffer {
    const joined = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return joined;
  }
}
