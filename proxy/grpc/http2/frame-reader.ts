/** Cuts received bytes into HTTP/2 frames; DATA passes through in the pieces in which it came, uncopied. */
import { DEFAULT_FRAME_MAX_BYTES, ErrorCode, Flag, FRAME_HEADER_BYTES, FrameType } from "./frame.js";

/** A violation of the protocol by the peer that ends the connection, with the code for the GOAWAY. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface FrameHandler {
  /** A frame other than DATA. The payload is only valid during the call. */
  frame(type: number, flags: number, streamId: number, payload: Buffer): void;
  /** The start of a DATA frame; `length` is what counts for flow control, padding included. */
  dataStart(streamId: number, length: number): void;
  /** A piece of a DATA frame's content. The bytes may be kept, not changed. */
  data(streamId: number, piece: Buffer): void;
  /** The end of a DATA frame; `paddingBytes` of its length were not content. */
  dataEnd(streamId: number, isEndStream: boolean, paddingBytes: number): void;
}

export class FrameReader {
  readonly #handler: FrameHandler;
  /** Bytes of a frame header or of a payload other than plain DATA that is not complete yet. */
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #wantedBytes = FRAME_HEADER_BYTES;
  #isInPayload = false;
  #length = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws ConnectionError where the peer violates the framing, and whatever the handler throws. */
  push(received: Buffer): void {
    let at = 0;
    while (at < received.length) {
      if (this.#isInPayload && this.#isPlainData()) {
        at = this.#passData(received, at);
        continue;
      }
      const take = Math.min(this.#wantedBytes - this.#partialBytes, received.length - at);
      const piece = received.subarray(at, at + take);
      at += take;
      if (this.#partialBytes + take < this.#wantedBytes) {
        this.#partial.push(piece);
        this.#partialBytes += take;
        return;
      }
      const complete = this.#partial.length === 0 ? piece : Buffer.concat([...this.#partial, piece]);
      this.#partial = [];
      this.#partialBytes = 0;
      if (this.#isInPayload) this.#finishPayload(complete);
      else this.#startFrame(complete);
    }
  }

  #isPlainData(): boolean {
    return this.#type === FrameType.Data && (this.#flags & Flag.Padded) === 0;
  }

  #startFrame(header: Buffer): void {
    this.#length = header.readUIntBE(0, 3);
    this.#type = header[3] ?? 0;
    this.#flags = header[4] ?? 0;
    this.#streamId = header.readUInt32BE(5) & 0x7fff_ffff;
    if (this.#length > DEFAULT_FRAME_MAX_BYTES) {
      throw new ConnectionError(ErrorCode.FrameSizeError, `frame of ${this.#length} bytes`);
    }
    this.#isInPayload = true;
    this.#wantedBytes = this.#length;
    if (this.#type === FrameType.Data) this.#handler.dataStart(this.#streamId, this.#length);
    if (this.#length > 0) return;
    if (this.#isPlainData()) this.#endData(0);
    else this.#finishPayload(Buffer.alloc(0));
  }

  #passData(received: Buffer, at: number): number {
    const end = Math.min(at + this.#wantedBytes, received.length);
    this.#handler.data(this.#streamId, received.subarray(at, end));
    this.#wantedBytes -= end - at;
    if (this.#wantedBytes === 0) this.#endData(0);
    return end;
  }

  #finishPayload(payload: Buffer): void {
    if (this.#type === FrameType.Data) {
      const paddingBytes = (payload[0] ?? 0) + 1;
      if (paddingBytes > payload.length) throw new ConnectionError(ErrorCode.ProtocolError, "padding over the payload");
      const content = payload.subarray(1, payload.length - paddingBytes + 1);
      if (content.length > 0) this.#handler.data(this.#streamId, content);
      this.#endData(paddingBytes);
      return;
    }
    this.#expectHeader();
    this.#handler.frame(this.#type, this.#flags, this.#streamId, payload);
  }

  #endData(paddingBytes: number): void {
    this.#expectHeader();
    this.#handler.dataEnd(this.#streamId, (this.#flags & Flag.EndStream) !== 0, paddingBytes);
  }

  #expectHeader(): void {
    this.#isInPayload = false;
    this.#wantedBytes = FRAME_HEADER_BYTES;
  }
}
