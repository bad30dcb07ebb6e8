/** gRPC messages within the body of a call: a flag, a length, the message (gRPC over HTTP/2, "Length-Prefixed-Message"). */

const PREFIX_BYTES = 5;
/** BuildKit's own limit, of both sides. */
export const MESSAGE_MAX_BYTES: number = 16 << 20;

/** The message as it goes on the wire, not compressed. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** Tells whether a body, as far as it has come, ends with a whole message. */
export class MessageEdge {
  /** Of the message that has begun. */
  #prefix: number[] = [];
  #leftBytes = 0;

  get isWhole(): boolean {
    return this.#leftBytes === 0 && this.#prefix.length === 0;
  }

  push(piece: Buffer): void {
    for (let at = 0; at < piece.length;) {
      const skippedBytes = Math.min(this.#leftBytes, piece.length - at);
      this.#leftBytes -= skippedBytes;
      at += skippedBytes;
      if (at === piece.length) return;
      const begun = piece.subarray(at, at + PREFIX_BYTES - this.#prefix.length);
      this.#prefix.push(...begun);
      at += begun.length;
      if (this.#prefix.length < PREFIX_BYTES) return;
      this.#leftBytes = Buffer.from(this.#prefix).readUInt32BE(1);
      this.#prefix = [];
    }
  }
}

/** Takes a body piece by piece and gives its messages. */
export class MessageReader {
  #pieces: Buffer[] = [];
  #bytes = 0;
  readonly #maxBytes: number;
  #isLegible = true;

  /** @param maxBytes of a message that is to be read. */
  constructor(maxBytes: number = MESSAGE_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** False once there was a message that cannot be read, because it is compressed or over the limit: no more follow. */
  get isLegible(): boolean {
    return this.#isLegible;
  }

  /** The messages that this piece completes. */
  push(piece: Buffer): Buffer[] {
    if (!this.#isLegible) return [];
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const messages: Buffer[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message);
    return messages;
  }

  /** What was pushed and is not part of a message that was given; the reader is empty then. */
  takeRest(): Buffer {
    const rest = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return rest;
  }

  #next(): Buffer | undefined {
    if (this.#bytes < PREFIX_BYTES) return undefined;
    const prefix = this.#peek(PREFIX_BYTES);
    const length = prefix.readUInt32BE(1);
    if (prefix[0] !== 0 || length > this.#maxBytes) {
      this.#isLegible = false;
      return undefined;
    }
    if (this.#bytes < PREFIX_BYTES + length) return undefined;
    const all = this.takeRest();
    const end = PREFIX_BYTES + length;
    if (all.length > end) {
      this.#pieces = [all.subarray(end)];
      this.#bytes = all.length - end;
    }
    return all.subarray(PREFIX_BYTES, end);
  }

  /** The first bytes in one buffer, without touching a long list of pieces for each new one. */
  #peek(bytes: number): Buffer {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= bytes) return first;
    this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }
}
