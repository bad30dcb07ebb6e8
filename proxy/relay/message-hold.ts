/** Holds back the first message of a body, or reads along, for those who look into calls. */
import { frameMessage, MessageReader } from "../grpc/message.js";

/** Larger messages are not looked into: a client's calls together must not fill our memory. */
const LEGIBLE_MAX_BYTES = 4 << 20;

/** Pieces of a body, until its first message is whole. */
export class MessageHold {
  readonly #reader = new MessageReader(LEGIBLE_MAX_BYTES);
  #first: Buffer | undefined;
  #later: Buffer[] = [];
  /** Whether the first message is whole, so that no more bytes are needed. */
  get isWhole(): boolean {
    return this.#first !== undefined;
  }

  /** The first message, once; "more" before and after it; "illegible" where there is none to be read. */
  push(piece: Buffer): Buffer | "more" | "illegible" {
    if (this.#first !== undefined) {
      this.#later.push(piece);
      return "more";
    }
    const [first, ...later] = this.#reader.push(piece);
    if (first === undefined) return this.#reader.isLegible ? "more" : "illegible";
    this.#first = first;
    this.#later = [...later.map(frameMessage), this.#reader.takeRest()];
    return first;
  }

  /** What was pushed beyond the first message, or all of it where that never came. */
  takeRest(): Buffer {
    return Buffer.concat([...this.#later.splice(0), this.#reader.takeRest()]);
  }
}

/** Reads a body along while it is forwarded. */
export class ResponseWatch {
  readonly #reader = new MessageReader(LEGIBLE_MAX_BYTES);
  readonly #onMessage: (message: Buffer | undefined) => void;
  #isOver = false;

  /** @param onMessage gets undefined, once and last, where the next message cannot be read. */
  constructor(onMessage: (message: Buffer | undefined) => void) {
    this.#onMessage = onMessage;
  }

  push(piece: Buffer): void {
    if (this.#isOver) return;
    for (const message of this.#reader.push(piece)) this.#onMessage(message);
    if (this.#reader.isLegible) return;
    this.#isOver = true;
    this.#onMessage(undefined);
  }
}
