/** Which parts of the logs of a build are kept: the beginning of each step's, and the end of a long one. */
import type { LogPiece } from "./history.js";

/** Of one step, from its beginning. BuildKit itself cuts a step's log at 2 MiB, where it is not told otherwise. */
export const STEP_HEAD_MAX_BYTES: number = 1 << 20;
/** Of one step beyond that, its end: an error is what comes last. */
export const STEP_TAIL_MAX_BYTES: number = 64 << 10;
/** Of the beginnings of a build's steps together. */
export const BUILD_HEADS_MAX_BYTES: number = 16 << 20;
/** Of the ends of steps that are at work, together. */
export const BUILD_TAILS_MAX_BYTES: number = 2 << 20;
/** Of the ends that are kept, together. */
const BUILD_KEPT_TAILS_MAX_BYTES = 8 << 20;

interface StepLog {
  headBytes: number;
  readonly tail: LogPiece[];
  tailBytes: number;
  leftOutBytes: number;
  bytes: number;
}

export class LogKeeper {
  readonly #steps = new Map<string, StepLog>();
  #headBytes = 0;
  #tailBytes = 0;
  #keptTailBytes = 0;

  /** Returns the piece where it belongs to the beginning; else it may come with the end. */
  add(piece: LogPiece): LogPiece | undefined {
    const log = this.#log(piece.step);
    const bytes = Buffer.byteLength(piece.text);
    log.bytes += bytes;
    const fits = log.headBytes + bytes <= STEP_HEAD_MAX_BYTES && this.#headBytes + bytes <= BUILD_HEADS_MAX_BYTES;
    if (fits && log.tail.length === 0 && log.leftOutBytes === 0) {
      log.headBytes += bytes;
      this.#headBytes += bytes;
      return piece;
    }
    log.tail.push(bytes > STEP_TAIL_MAX_BYTES ? { ...piece, text: piece.text.slice(-STEP_TAIL_MAX_BYTES) } : piece);
    const kept = Math.min(bytes, STEP_TAIL_MAX_BYTES);
    log.leftOutBytes += bytes - kept;
    log.tailBytes += kept;
    this.#tailBytes += kept;
    while (log.tailBytes > STEP_TAIL_MAX_BYTES || (this.#tailBytes > BUILD_TAILS_MAX_BYTES && log.tail.length > 0))
      this.#leaveOut(log);
    return undefined;
  }

  /** The step is done, or the build is: the end of its log, with a word on what is missing before it. */
  end(step: string): LogPiece[] {
    const log = this.#steps.get(step);
    if (log === undefined || (log.tail.length === 0 && log.leftOutBytes === 0)) return [];
    while (this.#keptTailBytes + log.tailBytes > BUILD_KEPT_TAILS_MAX_BYTES && log.tail.length > 0) this.#leaveOut(log);
    const tail = log.tail.splice(0);
    this.#tailBytes -= log.tailBytes;
    this.#keptTailBytes += log.tailBytes;
    log.tailBytes = 0;
    if (log.leftOutBytes === 0) return tail;
    const atMs = tail[0]?.atMs ?? 0;
    const word = { step, stream: 2, atMs, text: `\n[memobuild left out ${log.leftOutBytes} bytes of the log here]\n` };
    return [word, ...tail];
  }

  /** All steps that have something left to keep. */
  endAll(): LogPiece[] {
    return [...this.#steps.keys()].flatMap((step) => this.end(step));
  }

  /** Of what the step said, in all. */
  bytesOf(step: string): number {
    return this.#steps.get(step)?.bytes ?? 0;
  }

  isCut(step: string): boolean {
    return (this.#steps.get(step)?.leftOutBytes ?? 0) > 0;
  }

  #leaveOut(log: StepLog): void {
    const bytes = Buffer.byteLength(log.tail.shift()?.text ?? "");
    log.leftOutBytes += bytes;
    log.tailBytes -= bytes;
    this.#tailBytes -= bytes;
  }

  #log(step: string): StepLog {
    const known = this.#steps.get(step);
    if (known !== undefined) return known;
    const log = { headBytes: 0, tail: [], tailBytes: 0, leftOutBytes: 0, bytes: 0 };
    this.#steps.set(step, log);
    return log;
  }
}
