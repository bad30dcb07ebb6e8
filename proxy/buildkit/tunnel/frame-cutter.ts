/** Cuts a direction of an HTTP/2 connection into frames; of a payload only the content of DATA and header blocks is given. */
import { Flag, FRAME_HEADER_BYTES, FrameType } from "../../grpc/http2/frame.js";
import { IllegibleError } from "./illegible-error.js";

const PRIORITY_BYTES = 5;

export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

export interface FrameListener {
  started(frame: FrameHead): void;
  /** A piece of what a DATA, HEADERS or CONTINUATION frame holds, without padding; valid during the call. */
  content(frame: FrameHead, bytes: Buffer, start: number, end: number): void;
  /** A DATA, HEADERS or CONTINUATION frame had its last content. */
  ended(frame: FrameHead): void;
}

/** Unlike the relay's own FrameReader it takes frames of any size, and holds no bytes of them. */
export class FrameCutter {
  readonly #listener: FrameListener;
  readonly #preface: Buffer;
  #prefaceBytes = 0;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #frame: FrameHead = { type: 0, flags: 0, streamId: 0 };
  #isPaddingLengthNext = false;
  /** Bytes to pass over before the content, or after it. */
  #skippedBytes = 0;
  #contentBytes = 0;
  #paddingBytes = 0;

  /** @param preface that comes before the first frame; "" for a server's direction. */
  constructor(preface: string, listener: FrameListener) {
    this.#preface = Buffer.from(preface);
    this.#listener = listener;
  }

  /** @throws IllegibleError where this is no HTTP/2, and whatever the listener throws. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#skippedBytes > 0) {
        const taken = Math.min(this.#skippedBytes, end - at);
        this.#skippedBytes -= taken;
        at += taken;
      } else if (this.#contentBytes > 0 && !this.#isPaddingLengthNext) {
        const taken = Math.min(this.#contentBytes, end - at);
        this.#contentBytes -= taken;
        this.#listener.content(this.#frame, bytes, at, at + taken);
        if (this.#contentBytes === 0) this.#endContent();
        at += taken;
      } else {
        this.#readByte(bytes[at++] ?? 0);
      }
    }
  }

  #readByte(byte: number): void {
    if (this.#prefaceBytes < this.#preface.length) {
      if (byte !== this.#preface[this.#prefaceBytes++]) throw new IllegibleError("no HTTP/2 preface");
    } else if (this.#isPaddingLengthNext) {
      this.#isPaddingLengthNext = false;
      this.#startContent(byte);
    } else {
      this.#header[this.#headerBytes++] = byte;
      if (this.#headerBytes === FRAME_HEADER_BYTES) this.#startFrame();
    }
  }

  #startFrame(): void {
    this.#headerBytes = 0;
    const length = this.#header.readUIntBE(0, 3);
    const [type = 0, flags = 0] = this.#header.subarray(3, 5);
    this.#frame = { type, flags, streamId: this.#header.readUInt32BE(5) & 0x7fff_ffff };
    this.#listener.started(this.#frame);
    if (type !== FrameType.Data && type !== FrameType.Headers && type !== FrameType.Continuation) {
      this.#skippedBytes = length;
      return;
    }
    const isPadded = type !== FrameType.Continuation && (flags & Flag.Padded) !== 0;
    this.#contentBytes = length - (isPadded ? 1 : 0);
    if (this.#contentBytes < 0) throw new IllegibleError("no room for the padding's length");
    this.#isPaddingLengthNext = isPadded;
    if (!isPadded) this.#startContent(0);
  }

  #startContent(paddingBytes: number): void {
    const { type, flags } = this.#frame;
    const hasPriority = type === FrameType.Headers && (flags & Flag.Priority) !== 0;
    this.#skippedBytes = hasPriority ? PRIORITY_BYTES : 0;
    this.#paddingBytes = paddingBytes;
    this.#contentBytes -= this.#skippedBytes + paddingBytes;
    if (this.#contentBytes < 0) throw new IllegibleError("padding over the payload");
    if (this.#contentBytes === 0) this.#endContent();
  }

  #endContent(): void {
    this.#skippedBytes += this.#paddingBytes;
    this.#listener.ended(this.#frame);
  }
}
