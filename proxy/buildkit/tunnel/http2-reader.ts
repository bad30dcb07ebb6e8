/** Reads along one direction of an HTTP/2 connection: header lists, content of DATA, ends of streams. */
import { Flag, FrameType } from "../../grpc/http2/frame.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";
import { HpackDecoder } from "../../grpc/http2/hpack-decoder.js";
import { FrameCutter } from "./frame-cutter.js";
import type { FrameHead, FrameListener } from "./frame-cutter.js";
import { IllegibleError } from "./illegible-error.js";
import { PieceJoiner } from "./piece-joiner.js";

const HEADER_BLOCK_MAX_BYTES = 64 << 10;
/** As SETTINGS_MAX_HEADER_LIST_SIZE counts; a block may refer to what earlier ones said. */
const HEADER_LIST_MAX_BYTES = 256 << 10;
/** What SETTINGS allow the encoder; it says in its blocks what it takes, so the SETTINGS need not be read. */
const HEADER_TABLE_MAX_BYTES = 64 << 10;

export interface Http2Listener {
  headers(streamId: number, headers: HeaderList): void;
  /** A piece of a DATA frame's content, valid during the call. */
  data(streamId: number, bytes: Buffer, start: number, end: number): void;
  /** END_STREAM: there is no more in this direction of the stream. */
  ended(streamId: number): void;
  reset(streamId: number): void;
}

export class Http2Reader implements FrameListener {
  readonly #listener: Http2Listener;
  readonly #cutter: FrameCutter;
  readonly #block = new PieceJoiner(HEADER_BLOCK_MAX_BYTES);
  /** The HEADERS frame whose block is not complete. */
  #openHeaders: FrameHead | undefined;
  readonly #decoder = new HpackDecoder({
    listMaxBytes: HEADER_LIST_MAX_BYTES,
    tableMaxBytes: HEADER_TABLE_MAX_BYTES,
  });

  /** @param preface that comes before the first frame; "" for a server's direction. */
  constructor(preface: string, listener: Http2Listener) {
    this.#listener = listener;
    this.#cutter = new FrameCutter(preface, this);
  }

  /** @throws IllegibleError | HpackError where this is no HTTP/2, or over a limit; nothing may be pushed after that. */
  push(bytes: Buffer, start: number, end: number): void {
    this.#cutter.push(bytes, start, end);
  }

  started(frame: FrameHead): void {
    const isContinuation = frame.type === FrameType.Continuation;
    if (this.#openHeaders?.streamId !== (isContinuation ? frame.streamId : undefined)) {
      throw new IllegibleError("header block interrupted, or CONTINUATION out of place");
    }
    if (frame.type === FrameType.Headers) this.#openHeaders = frame;
    if (frame.type === FrameType.RstStream) this.#listener.reset(frame.streamId);
    // Its header block would change the compression state; gRPC has no use for it.
    if (frame.type === FrameType.PushPromise) throw new IllegibleError("PUSH_PROMISE");
  }

  content(frame: FrameHead, bytes: Buffer, start: number, end: number): void {
    if (frame.type === FrameType.Data) this.#listener.data(frame.streamId, bytes, start, end);
    else this.#block.add(bytes, start, end);
  }

  ended(frame: FrameHead): void {
    if (frame.type !== FrameType.Data) {
      if ((frame.flags & Flag.EndHeaders) === 0) return;
      this.#endHeaders(this.#openHeaders ?? frame);
    } else if ((frame.flags & Flag.EndStream) !== 0) this.#listener.ended(frame.streamId);
  }

  /** Decodes the block of every stream: the compression state is the connection's. */
  #endHeaders({ streamId, flags }: FrameHead): void {
    this.#openHeaders = undefined;
    this.#listener.headers(streamId, this.#decoder.decode(this.#block.take()));
    if ((flags & Flag.EndStream) !== 0) this.#listener.ended(streamId);
  }
}
