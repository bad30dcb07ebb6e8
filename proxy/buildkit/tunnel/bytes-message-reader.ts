/** The bytes that a session's gRPC messages carry (`BytesMessage`), passed on in the pieces in which they come. */
import type { ByteRange } from "./byte-range.js";
import { IllegibleError } from "./illegible-error.js";
import { MessagePrefix } from "./message-prefix.js";
import { Varint } from "./varint.js";

/** Field 1, length-delimited. */
const DATA_TAG = 0x0a;

export class BytesMessageReader {
  readonly #onData: ByteRange;
  readonly #prefix = new MessagePrefix();
  readonly #dataLength = new Varint();
  #next: "prefix" | "tag" | "length" = "prefix";
  /** What is left of the message while its tag and length are read. */
  #messageBytes = 0;
  /** What is left of the data. */
  #dataBytes = 0;

  constructor(onData: ByteRange) {
    this.#onData = onData;
  }

  /** @throws IllegibleError where a message is compressed, or holds anything but its data. */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#dataBytes === 0) {
        this.#readByte(piece[at++] ?? 0);
        continue;
      }
      const end = Math.min(at + this.#dataBytes, piece.length);
      this.#dataBytes -= end - at;
      this.#onData(piece, at, end);
      at = end;
    }
  }

  #readByte(byte: number): void {
    if (this.#next === "prefix") {
      const length = this.#prefix.push(byte);
      if (length === undefined || length === 0) return;
      this.#messageBytes = length;
      this.#next = "tag";
      return;
    }
    this.#messageBytes--;
    if (this.#next === "tag") {
      if (byte !== DATA_TAG) throw new IllegibleError("not a BytesMessage");
      this.#next = "length";
      return;
    }
    const length = this.#dataLength.push(byte);
    if (length === undefined) return;
    if (length !== this.#messageBytes) throw new IllegibleError("more than data in a BytesMessage");
    this.#dataBytes = length;
    this.#next = "prefix";
  }
}
