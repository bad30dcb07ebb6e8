/** One HTTP/2 stream, of either end: its two half-closes, its send queue and its windows. */
import { ConnectionError } from "./frame-reader.js";
import { ErrorCode, WINDOW_MAX_BYTES } from "./frame.js";
import type { HeaderList } from "./header-list.js";

/** What we let a peer send on one stream before it was written on to the other side. */
export const STREAM_WINDOW_BYTES = 1_048_576;
/** The window is given back in pieces of this size, not for every frame. */
const CREDIT_BYTES = STREAM_WINDOW_BYTES / 4;

/** Why a stream ended other than by END_STREAM from the peer. */
export type StreamFailure =
  /** RST_STREAM with this code. */
  | { readonly kind: "reset"; readonly code: number }
  /** The server said by GOAWAY that it did not look at the call: it can be made again elsewhere. */
  | { readonly kind: "unprocessed" }
  /** The connection is gone, or never was; `cause` is fit for a user. */
  | { readonly kind: "lost"; readonly cause: string };

/** Receives what the peer sends. After `end` only `failed` may come, and after `failed` nothing. */
export interface StreamHandler {
  /** Response headers; with `isEndStream` they are a trailers-only answer. A server's requests come otherwise. */
  headers(headers: HeaderList, isEndStream: boolean): void;
  /** A piece of the body. Its bytes hold window until they are given to `consumed`. */
  data(piece: Buffer): void;
  /** The peer half-closed; undefined where it did so without trailers. */
  end(trailers: HeaderList | undefined): void;
  failed(failure: StreamFailure): void;
  /** `write` returned false before; it takes more now. */
  drain(): void;
}

/** What a stream needs of its connection. */
export interface StreamPort {
  /** Sends as much of `piece` as connection window and frame size allow; returns how many bytes that was. */
  sendData(stream: Stream, piece: Buffer, windowBytes: number): number;
  sendHeaders(stream: Stream, headers: HeaderList, isEndStream: boolean): void;
  sendEndStream(stream: Stream): void;
  sendReset(stream: Stream, code: number): void;
  sendWindowUpdate(stream: Stream, increment: number): void;
  /** Gives back `bytes` of the connection's window. */
  credit(bytes: number): void;
  /** Whether the socket has as much to write as we let it hold. */
  isCongested(): boolean;
  /** Calls `stream.flush` when there is window or room again. */
  waitForRoom(stream: Stream): void;
  /** Both sides are done, or it was reset. */
  forget(stream: Stream): void;
}

/**
 * `waiting` has no id yet, because the peer allows no more streams; `closed` lets nothing through any more.
 * The half-closes of an open stream are two flags because they come in either order.
 */
type State = "waiting" | "open" | "closed";

/** Until it has a handler, a stream has nobody to tell. */
const NOBODY: StreamHandler = {
  headers: () => undefined,
  data: () => undefined,
  end: () => undefined,
  failed: () => undefined,
  drain: () => undefined,
};

export class Stream {
  readonly #port: StreamPort;
  #handler = NOBODY;
  #id = 0;
  #state: State = "waiting";
  #isLocalEnded = false;
  #isLocalEndSent = false;
  #trailers: HeaderList | undefined;
  #resetAfterEnd: number | undefined;
  #isRemoteEnded = false;
  #hasHeaders = false;
  #queue: Buffer[] = [];
  #needsDrain = false;
  #sendWindowBytes = 0;
  #receiveWindowBytes = STREAM_WINDOW_BYTES;
  /** Received, not yet consumed. */
  #heldBytes = 0;
  /** Consumed, not yet given back to the peer. */
  #creditBytes = 0;

  constructor(port: StreamPort) {
    this.#port = port;
  }

  // For the relay.

  /** Whether what is sent here may still reach the peer. */
  get isWritable(): boolean {
    return this.#state !== "closed" && !this.#isLocalEnded;
  }

  /** Sends response headers; with `isEndStream` they are the whole answer. */
  respond(headers: HeaderList, isEndStream: boolean): void {
    if (!this.isWritable) return;
    this.#isLocalEnded = isEndStream;
    this.#isLocalEndSent = isEndStream;
    this.#port.sendHeaders(this, headers, isEndStream);
    if (isEndStream && this.#isRemoteEnded) this.#finish();
  }

  /** Queues a piece of the body; false asks to wait for `drain`. */
  write(piece: Buffer): boolean {
    if (!this.isWritable) return true;
    if (this.#queue.length > 0) this.#queue.push(piece);
    else this.#send(piece);
    if (this.#queue.length > 0 || this.#port.isCongested()) {
      this.#needsDrain = true;
      this.#port.waitForRoom(this);
    }
    // Once it has asked to wait it does so until `drain`, even if there is room meanwhile: the writer counts on it.
    return !this.#needsDrain;
  }

  /** Half-closes after what was written. */
  end(trailers?: HeaderList): void {
    if (!this.isWritable) return;
    this.#isLocalEnded = true;
    this.#trailers = trailers;
    this.#sendEndIfDue();
  }

  /**
   * Resets the stream; the handler hears nothing more. An answer that was ended goes out in full before. Does nothing
   * to a stream that has ended on both sides.
   */
  reset(code: number): void {
    if (this.#state === "open" && this.#isLocalEnded && !this.#isLocalEndSent && code === ErrorCode.NoError) {
      this.#resetAfterEnd = code;
      return;
    }
    if (this.#state === "open") this.#port.sendReset(this, code);
    this.#close();
  }

  /** `bytes` of what `data` brought were written on: their window returns to the peer. */
  consumed(bytes: number): void {
    if (bytes > this.#heldBytes) return; // released when the stream was reset
    this.#heldBytes -= bytes;
    this.#port.credit(bytes);
    if (this.#isRemoteEnded || this.#state === "closed") return;
    this.#creditBytes += bytes;
    if (this.#creditBytes < CREDIT_BYTES) return;
    this.#receiveWindowBytes += this.#creditBytes;
    this.#port.sendWindowUpdate(this, this.#creditBytes);
    this.#creditBytes = 0;
  }

  // For the connection.

  /** Sets who hears of the stream; before anything is received on it. */
  handle(handler: StreamHandler): void {
    this.#handler = handler;
  }

  /** 0 while waiting. */
  get id(): number {
    return this.#id;
  }

  /** The stream has its id: what was written meanwhile goes out. */
  opened(id: number, sendWindowBytes: number): void {
    this.#id = id;
    this.#state = "open";
    this.#sendWindowBytes = sendWindowBytes;
  }

  /** Sends what is queued as far as windows allow. */
  flush(): void {
    if (this.#state !== "open") return;
    const queue = this.#queue;
    this.#queue = [];
    for (const piece of queue) {
      if (this.#queue.length > 0) this.#queue.push(piece);
      else this.#send(piece);
    }
    this.#sendEndIfDue();
    if (!this.#needsDrain) return;
    if (this.#queue.length > 0 || this.#port.isCongested()) {
      this.#port.waitForRoom(this);
      return;
    }
    this.#needsDrain = false;
    this.#handler.drain();
  }

  /** WINDOW_UPDATE, or a change of the initial window (then also negative). */
  widenSendWindow(increment: number): void {
    this.#sendWindowBytes += increment;
    if (this.#sendWindowBytes > WINDOW_MAX_BYTES) {
      throw new ConnectionError(ErrorCode.FlowControlError, "stream window over 2^31-1");
    }
    if (increment > 0 && this.#queue.length > 0) this.flush();
  }

  /** The headers that opened a server's stream. */
  receivedRequest(isEndStream: boolean): void {
    this.#hasHeaders = true;
    if (isEndStream) this.receivedEnd(undefined);
  }

  /** Response headers, or trailers. */
  receivedHeaders(headers: HeaderList, isEndStream: boolean): void {
    if (this.#isRemoteEnded) throw new ConnectionError(ErrorCode.StreamClosed, "HEADERS after END_STREAM");
    if (this.#hasHeaders) {
      if (!isEndStream) throw new ConnectionError(ErrorCode.ProtocolError, "trailers without END_STREAM");
      this.receivedEnd(headers);
      return;
    }
    const status = headers[0] === ":status" ? headers[1] : undefined;
    if (status === undefined) throw new ConnectionError(ErrorCode.ProtocolError, "response without :status");
    if (status.startsWith("1") && !isEndStream) return; // interim response: gRPC has no use for it
    this.#hasHeaders = true;
    if (isEndStream) this.#endRemote();
    this.#handler.headers(headers, isEndStream);
  }

  /** A DATA frame of `length` bytes begins. */
  receivingData(length: number): void {
    if (this.#isRemoteEnded) throw new ConnectionError(ErrorCode.StreamClosed, "DATA after END_STREAM");
    if (!this.#hasHeaders) throw new ConnectionError(ErrorCode.ProtocolError, "DATA before HEADERS");
    this.#receiveWindowBytes -= length;
    this.#heldBytes += length;
    if (this.#receiveWindowBytes < 0) {
      throw new ConnectionError(ErrorCode.FlowControlError, "DATA over the stream window");
    }
  }

  receivedData(piece: Buffer): void {
    if (this.#state !== "closed") this.#handler.data(piece);
  }

  receivedEnd(trailers: HeaderList | undefined): void {
    this.#endRemote();
    this.#handler.end(trailers);
  }

  /** The peer reset the stream, or the connection was lost. */
  failed(failure: StreamFailure): void {
    if (this.#state === "closed") return;
    this.#close();
    this.#handler.failed(failure);
  }

  #send(piece: Buffer): void {
    let at = 0;
    while (at < piece.length && this.#state === "open" && this.#sendWindowBytes > 0) {
      const sent = this.#port.sendData(this, at === 0 ? piece : piece.subarray(at), this.#sendWindowBytes);
      if (sent === 0) break;
      at += sent;
      this.#sendWindowBytes -= sent;
    }
    if (at < piece.length) this.#queue.push(piece.subarray(at));
  }

  #sendEndIfDue(): void {
    if (!this.#isLocalEnded || this.#isLocalEndSent || this.#state !== "open") return;
    if (this.#queue.length > 0) {
      this.#port.waitForRoom(this);
      return;
    }
    this.#isLocalEndSent = true;
    if (this.#trailers === undefined) this.#port.sendEndStream(this);
    else this.#port.sendHeaders(this, this.#trailers, true);
    if (this.#isRemoteEnded) this.#finish();
    else if (this.#resetAfterEnd !== undefined) this.reset(this.#resetAfterEnd);
  }

  #endRemote(): void {
    this.#isRemoteEnded = true;
    if (this.#isLocalEndSent) this.#finish();
  }

  /** Both sides ended: bytes not yet consumed stay held until the relay has written them on. */
  #finish(): void {
    this.#state = "closed";
    this.#port.forget(this);
  }

  #close(): void {
    const held = this.#heldBytes;
    this.#heldBytes = 0;
    this.#queue = [];
    if (held > 0) this.#port.credit(held);
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#port.forget(this);
  }
}
