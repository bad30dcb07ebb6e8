/** A protobuf varint that comes byte by byte. */
import { IllegibleError } from "./illegible-error.js";

const VARINT_MAX_BYTES = 10;

export class Varint {
  #value = 0;
  #bytes = 0;

  /** The number where `byte` is its last; exact below 2^53. @throws IllegibleError where it does not end. */
  push(byte: number): number | undefined {
    if (this.#bytes === VARINT_MAX_BYTES) throw new IllegibleError("varint without an end");
    this.#value += (byte & 0x7f) * 2 ** (7 * this.#bytes++);
    if (byte >= 0x80) return undefined;
    const value = this.#value;
    this.#value = 0;
    this.#bytes = 0;
    return value;
  }
}
