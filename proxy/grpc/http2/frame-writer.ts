/** The sending half of a connection: which frames go to the kernel when, and how much may wait. */
import type { Duplex } from "node:stream";

/** Bytes that wait to be sent, above which senders are asked to wait. */
const CONGESTED_BYTES = 128 << 10;
/**
 * Bytes that wait to be sent, above which the peer is cut off: headers and answers to its control frames are not held
 * back by any window, so that one which floods and does not read could fill our memory with them.
 */
const BACKLOG_MAX_BYTES = 32 << 20;
/** Up to here frames are copied into one write, which costs less than a vector of small ones. */
const COPY_MAX_BYTES = 8 << 10;
/**
 * How long the answer to a PING may wait for something to go out with. grpc-go sends one with nearly each message to
 * measure the connection; as writes of their own the answers would be a third of all (docs/benchmarks.md).
 */
const PING_ANSWER_DELAY_MS = 2;
/** A peer that does not read holds a socket no longer than this after we have closed. */
const CLOSE_TIMEOUT_MS = 10_000;

export class FrameWriter {
  readonly #socket: Duplex;
  readonly #onFlood: () => void;
  /** What the end of this turn of the event loop writes. */
  readonly #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  /** Answers to PINGs that wait, and until when. */
  readonly #pingAnswers: Buffer[] = [];
  #pingTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param onFlood called when more waits than may; the connection is to be dropped. */
  constructor(socket: Duplex, onFlood: () => void) {
    this.#socket = socket;
    this.#onFlood = onFlood;
  }

  /** Whether as much waits as we let senders queue. */
  get isCongested(): boolean {
    return this.#waitingBytes > CONGESTED_BYTES;
  }

  /**
   * Writes of one turn of the event loop go to the kernel together. Each write wakes the peer, which costs more than
   * waiting for the turn to end (docs/benchmarks.md).
   */
  write(...frames: readonly Buffer[]): void {
    if (this.#isClosed) return;
    if (this.#outgoing.length === 0) {
      setImmediate(() => {
        this.#flush();
      });
    }
    for (const frame of [...this.#pingAnswers.splice(0), ...frames]) {
      this.#outgoing.push(frame);
      this.#outgoingBytes += frame.length;
    }
    clearTimeout(this.#pingTimer);
    this.#pingTimer = undefined;
  }

  /** Queues the answer to a PING. */
  writePingAnswer(frame: Buffer): void {
    if (this.#isClosed) return;
    this.#pingAnswers.push(frame);
    this.#pingTimer ??= setTimeout(() => {
      this.write();
    }, PING_ANSWER_DELAY_MS);
  }

  /** Sends what waits and closes the socket. */
  end(): void {
    this.#flush();
    this.#isClosed = true;
    clearTimeout(this.#pingTimer);
    const giveUp = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS).unref();
    this.#socket.resume(); // unread bytes would turn our close into a reset, which drops what was written
    this.#socket.end(() => {
      clearTimeout(giveUp);
      this.#socket.destroy();
    });
  }

  /** Drops what waits, and the socket. */
  destroy(): void {
    this.#isClosed = true;
    clearTimeout(this.#pingTimer);
    this.#outgoing.length = 0;
    this.#socket.destroy();
  }

  get #waitingBytes(): number {
    return this.#socket.writableLength + this.#outgoingBytes;
  }

  #flush(): void {
    const frames = this.#outgoing.splice(0);
    const bytes = this.#outgoingBytes;
    this.#outgoingBytes = 0;
    if (frames.length === 0 || this.#socket.destroyed) return;
    if (this.#socket.writableLength + bytes > BACKLOG_MAX_BYTES) {
      this.#onFlood();
    } else if (bytes <= COPY_MAX_BYTES) {
      this.#socket.write(frames.length === 1 ? (frames[0] ?? "") : Buffer.concat(frames));
    } else {
      this.#socket.cork();
      for (const frame of frames) this.#socket.write(frame);
      this.#socket.uncork();
    }
  }
}
