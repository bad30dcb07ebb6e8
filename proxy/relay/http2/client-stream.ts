/** One call on a connection to a builder: its two half-closes, its send queue and its windows. */
import type { HeaderList } from "./header-list.js";
import { ConnectionError } from "./frame-reader.js";
import { ErrorCode, WINDOW_MAX_BYTES } from "./frame.js";

/** What we let a builder send on one stream before it was written on to the client. */
export const STREAM_WINDOW_BYTES = 1_048_576;
/** The window is given back in pieces of this size, not for every frame. */
const CREDIT_BYTES = STREAM_WINDOW_BYTES / 4;

/** Why a stream ended other than by END_STREAM from the builder. */
export type StreamFailure =
  /** RST_STREAM with this code. */
  | { readonly kind: "reset"; readonly code: number }
  /** The builder said by GOAWAY that it did not look at the call: it can be made again elsewhere. */
  | { readonly kind: "unprocessed" }
  /** The connection is gone, or never was; `cause` is fit for a user. */
  | { readonly kind: "lost"; readonly cause: string };

/** Receives what the builder answers. After `end` or `failed` nothing more comes. */
export interface StreamHandler {
  /** Response headers; with `isEndStream` they are a trailers-only answer and nothing more comes. */
  headers(headers: HeaderList, isEndStream: boolean): void;
  /** A piece of the body. Its bytes hold window until they are given to `consumed`. */
  data(piece: Buffer): void;
  /** The builder half-closed; undefined where it did so without trailers. */
  end(trailers: HeaderList | undefined): void;
  failed(failure: StreamFailure): void;
  /** `write` returned false before; it takes more now. */
  drain(): void;
}

/** What a stream needs of its connection. */
export interface StreamPort {
  /** Sends as much of `piece` as connection window and frame size allow; returns how many bytes that was. */
  sendData(stream: ClientStream, piece: Buffer, windowBytes: number): number;
  sendEndStream(stream: ClientStream): void;
  sendReset(stream: ClientStream, code: number): void;
  sendWindowUpdate(stream: ClientStream, increment: number): void;
  /** Gives back `bytes` of the connection's window. */
  credit(bytes: number): void;
  /** Whether the socket has as much to write as we let it hold. */
  isCongested(): boolean;
  /** Calls `stream.flush` when there is window or room again. */
  waitForRoom(stream: ClientStream): void;
  /** Both sides are done, or it was reset. */
  forget(stream: ClientStream): void;
}

/**
 * `waiting` has no id yet, because the builder allows no more streams; `closed` lets nothing through any more.
 * The half-closes of an open stream are two flags because they come in either order.
 */
type State = "waiting" | "open" | "closed";

export class ClientStream {
  readonly handler: StreamHandler;
  readonly requestHeaders: HeaderList;
  readonly neverIndexed: readonly string[];
  /** 0 while waiting. */
  id = 0;
  readonly #port: StreamPort;
  #state: State = "waiting";
  #isLocalEnded = false;
  #isLocalEndSent = false;
  #isRemoteEnded = false;
  #hasHeaders = false;
  #queue: Buffer[] = [];
  #needsDrain = false;
  #sendWindowBytes = 0;
  #receiveWindowBytes = STREAM_WINDOW_BYTES;
  /** Received, not yet consumed. */
  #heldBytes = 0;
  /** Consumed, not yet given back to the builder. */
  #creditBytes = 0;

  constructor(port: StreamPort, requestHeaders: HeaderList, neverIndexed: readonly string[], handler: StreamHandler) {
    this.#port = port;
    this.requestHeaders = requestHeaders;
    this.neverIndexed = neverIndexed;
    this.handler = handler;
  }

  // For the relay.

  /** Queues a piece of the request body; false asks to wait for `drain`. */
  write(piece: Buffer): boolean {
    if (this.#state === "closed" || this.#isLocalEnded) return true;
    if (this.#queue.length > 0) this.#queue.push(piece);
    else this.#send(piece);
    this.#needsDrain = this.#queue.length > 0 || this.#port.isCongested();
    if (this.#needsDrain) this.#port.waitForRoom(this);
    return !this.#needsDrain;
  }

  /** Half-closes after what was written. */
  end(): void {
    if (this.#state === "closed" || this.#isLocalEnded) return;
    this.#isLocalEnded = true;
    this.#sendEndIfDue();
  }

  /** Resets the stream; the handler hears nothing more. Does nothing to a stream that has ended on both sides. */
  reset(code: number): void {
    if (this.#state === "open") this.#port.sendReset(this, code);
    this.#close();
  }

  /** `bytes` of what `data` brought were written on: their window returns to the builder. */
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

  /** The stream has got its id and its headers were sent. */
  opened(id: number, sendWindowBytes: number): void {
    this.id = id;
    this.#state = "open";
    this.#sendWindowBytes = sendWindowBytes;
    this.flush();
  }

  /** Sends what is queued as far as windows allow. */
  flush(): void {
    if (this.#state !== "open") return;
    const queue = this.#queue;
    this.#queue = [];
    queue.forEach((piece) => {
      if (this.#queue.length > 0) this.#queue.push(piece);
      else this.#send(piece);
    });
    this.#sendEndIfDue();
    if (!this.#needsDrain) return;
    if (this.#queue.length > 0 || this.#port.isCongested()) {
      this.#port.waitForRoom(this);
      return;
    }
    this.#needsDrain = false;
    this.handler.drain();
  }

  /** WINDOW_UPDATE, or a change of the initial window (then also negative). */
  widenSendWindow(increment: number): void {
    this.#sendWindowBytes += increment;
    if (this.#sendWindowBytes > WINDOW_MAX_BYTES) {
      throw new ConnectionError(ErrorCode.FlowControlError, "stream window over 2^31-1");
    }
    if (increment > 0 && this.#queue.length > 0) this.flush();
  }

  receivedHeaders(headers: HeaderList, isEndStream: boolean): void {
    if (this.#isRemoteEnded) throw new ConnectionError(ErrorCode.StreamClosed, "HEADERS after END_STREAM");
    const status = headers[0] === ":status" ? headers[1] : undefined;
    if (this.#hasHeaders) {
      if (!isEndStream) throw new ConnectionError(ErrorCode.ProtocolError, "trailers without END_STREAM");
      this.#endRemote();
      this.handler.end(headers);
      return;
    }
    if (status === undefined) throw new ConnectionError(ErrorCode.ProtocolError, "response without :status");
    if (status.startsWith("1") && !isEndStream) return; // interim response: gRPC has no use for it
    this.#hasHeaders = true;
    if (isEndStream) this.#endRemote();
    this.handler.headers(headers, isEndStream);
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

  receivedEndStream(): void {
    this.#endRemote();
    this.handler.end(undefined);
  }

  /** The builder reset the stream, or the connection was lost. */
  failed(failure: StreamFailure): void {
    if (this.#state === "closed") return;
    this.#close();
    this.handler.failed(failure);
  }

  #send(piece: Buffer): void {
    let at = 0;
    while (at < piece.length && this.#state === "open" && this.#sendWindowBytes > 0) {
      const sent = this.#port.sendData(this, piece.subarray(at), this.#sendWindowBytes);
      if (sent === 0) break;
      at += sent;
      this.#sendWindowBytes -= sent;
    }
    if (at < piece.length) this.#queue.push(piece.subarray(at));
  }

  #sendEndIfDue(): void {
    if (!this.#isLocalEnded || this.#isLocalEndSent || this.#queue.length > 0) {
      if (this.#isLocalEnded && this.#queue.length > 0) this.#port.waitForRoom(this);
      return;
    }
    if (this.#state !== "open") return;
    this.#isLocalEndSent = true;
    this.#port.sendEndStream(this);
    if (this.#isRemoteEnded) this.#finish();
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
