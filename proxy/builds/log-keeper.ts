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
export const BUILD_KEPT_TAILS_MAX_BYTES: number = 8 << 20;
/** What a piece takes besides its text: some programs write byte by byte. */
const PIECE_BYTES = 64;

interface StepLog {
  headBytes: number;
  readonly tail: LogPiece[];
  tailBytes: number;
  /** Of text, since it was last told. */
  untoldBytes: number;
  isCut: boolean;
  /** Of text. */
  bytes: number;
  latestAtMs: number;
}

export class LogKeeper {
  readonly #steps = new Map<string, StepLog>();
  #headBytes = 0;
  #tailBytes = 0;
  #keptTailBytes = 0;

  /** Returns the piece where it belongs to the beginning; else it may come with the end. */
  add(piece: LogPiece): LogPiece | undefined {
    const log = this.#log(piece.step);
    log.bytes += Buffer.byteLength(piece.text);
    log.latestAtMs = piece.atMs;
    const bytes = sizeOf(piece);
    const fits = log.headBytes + bytes <= STEP_HEAD_MAX_BYTES && this.#headBytes + bytes <= BUILD_HEADS_MAX_BYTES;
    if (fits && log.tail.length === 0 && !log.isCut) {
      log.headBytes += bytes;
      this.#headBytes += bytes;
      return piece;
    }
    this.#addToTail(log, piece);
    return undefined;
  }

  /** The step is done, or the build is: the end of its log, with a word on what is missing before it. */
  end(step: string): LogPiece[] {
    const log = this.#steps.get(step);
    if (log === undefined) return [];
    while (this.#keptTailBytes + log.tailBytes > BUILD_KEPT_TAILS_MAX_BYTES && log.tail.length > 0) this.#leaveOut(log);
    const tail = log.tail.splice(0);
    this.#tailBytes -= log.tailBytes;
    this.#keptTailBytes += log.tailBytes;
    log.tailBytes = 0;
    if (log.untoldBytes === 0) return tail;
    const atMs = tail[0]?.atMs ?? log.latestAtMs;
    const word = { step, stream: 2, atMs, text: `\n[memobuild left out ${log.untoldBytes} bytes of the log here]\n` };
    log.untoldBytes = 0;
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
    return this.#steps.get(step)?.isCut ?? false;
  }

  #addToTail(log: StepLog, piece: LogPiece): void {
    const text = lastBytes(piece.text, STEP_TAIL_MAX_BYTES - PIECE_BYTES);
    this.#missed(log, Buffer.byteLength(piece.text) - Buffer.byteLength(text));
    const kept = { ...piece, text };
    log.tail.push(kept);
    log.tailBytes += sizeOf(kept);
    this.#tailBytes += sizeOf(kept);
    while (log.tailBytes > STEP_TAIL_MAX_BYTES || (this.#tailBytes > BUILD_TAILS_MAX_BYTES && log.tail.length > 0))
      this.#leaveOut(log);
  }

  /** The first of its tail. */
  #leaveOut(log: StepLog): void {
    const piece = log.tail.shift();
    if (piece === undefined) return;
    this.#missed(log, Buffer.byteLength(piece.text));
    log.tailBytes -= sizeOf(piece);
    this.#tailBytes -= sizeOf(piece);
  }

  #missed(log: StepLog, bytes: number): void {
    if (bytes === 0) return;
    log.untoldBytes += bytes;
    log.isCut = true;
  }

  #log(step: string): StepLog {
    const known = this.#steps.get(step);
    if (known !== undefined) return known;
    const log = { headBytes: 0, tail: [], tailBytes: 0, untoldBytes: 0, isCut: false, bytes: 0, latestAtMs: 0 };
    this.#steps.set(step, log);
    return log;
  }
}

const sizeOf = ({ text }: LogPiece): number => PIECE_BYTES + Buffer.byteLength(text);

/** The end of a text, in whole characters. */
function lastBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let start = bytes.length - maxBytes;
  // In UTF-8 these bytes continue a character.
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start).toString("utf8");
}
