/** The prefix of a gRPC message that comes byte by byte: a flag, and the length. */
import { IllegibleError } from "./illegible-error.js";

const LENGTH_BYTES = 4;

export class MessagePrefix {
  #length = 0;
  #bytes = 0;

  /** The message's length where `byte` is the prefix's last. @throws IllegibleError where it is compressed. */
  push(byte: number): number | undefined {
    if (this.#bytes === 0 && byte !== 0) throw new IllegibleError("compressed message");
    this.#length = this.#length * 256 + byte;
    if (this.#bytes++ < LENGTH_BYTES) return undefined;
    const length = this.#length;
    this.#length = 0;
    this.#bytes = 0;
    return length;
  }
}
