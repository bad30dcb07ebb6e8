/** HTTP/2 client connection to a builder: what gRPC needs of it, and trailers of any size, which Node's lacks. */
import type { Duplex } from "node:stream";
import { Connection } from "./connection.js";
import { ConnectionError } from "./frame-reader.js";
import { CONNECTION_PREFACE, ErrorCode, Setting, STREAM_ID_MAX } from "./frame.js";
import type { HeaderList } from "./header-list.js";
import { Stream } from "./stream.js";
import type { StreamHandler } from "./stream.js";

/** What grpc-go accepts of a header list, and so what it may send. */
const HEADER_LIST_MAX_BYTES = 16 << 20;
/** Calls that wait because the builder allows no more streams. */
const WAITING_CALLS_MAX = 10_000;
/** What grpc-go assumes before the peer's SETTINGS arrive. */
const CONCURRENT_STREAMS_BEFORE_SETTINGS = 100;

export interface ClientConnectionObserver {
  /** No new call may be made; those under way go on. */
  draining(): void;
  /** Called once; `cause` is fit for a user. */
  closed(cause: string): void;
}

export class ClientConnection extends Connection {
  readonly #observer: ClientConnectionObserver;
  /** Streams that wait for the builder to allow more, in order, with their requests. */
  readonly #waiting = new Map<Stream, HeaderList>();
  #nextStreamId = 1;
  #maxConcurrentStreams = CONCURRENT_STREAMS_BEFORE_SETTINGS;

  /** Takes over a connected socket and sends the preface. */
  constructor(socket: Duplex, observer: ClientConnectionObserver) {
    super(socket, {
      preface: CONNECTION_PREFACE,
      settings: [[Setting.EnablePush, 0]],
      headerListMaxBytes: HEADER_LIST_MAX_BYTES,
      onClosed: (cause) => {
        observer.closed(cause);
      },
    });
    this.#observer = observer;
  }

  /** Whether a new call may be made here. */
  get isOpen(): boolean {
    return this.state.state === "open";
  }

  override get streamCount(): number {
    return this.streams.size + this.#waiting.size;
  }

  /** Starts a call. On a connection that takes no new calls the handler fails as `unprocessed` or `lost`. */
  request(headers: HeaderList, handler: StreamHandler): Stream {
    const stream = new Stream(this);
    stream.handle(handler);
    if (this.state.state === "closed") stream.failed({ kind: "lost", cause: this.state.cause });
    else if (this.state.state === "draining") stream.failed({ kind: "unprocessed" });
    else if (this.#waiting.size >= WAITING_CALLS_MAX) {
      stream.failed({ kind: "lost", cause: `more than ${WAITING_CALLS_MAX} calls wait for it` });
    } else if (this.streams.size < this.#maxConcurrentStreams) this.#open(stream, headers);
    else this.#waiting.set(stream, headers);
    return stream;
  }

  /** Closes at once, and tells the builder that the calls under way are cancelled. */
  override destroy(cause: string): void {
    for (const stream of this.streams.values()) this.sendReset(stream, ErrorCode.Cancel);
    super.destroy(cause);
  }

  override forget(stream: Stream): void {
    this.#waiting.delete(stream);
    super.forget(stream);
    this.#openWaiting();
  }

  protected override headersReceived(streamId: number, headers: HeaderList, isEndStream: boolean): void {
    if (this.isIdle(streamId)) {
      throw new ConnectionError(ErrorCode.ProtocolError, `HEADERS on stream ${streamId}, which was never opened`);
    }
    this.streams.get(streamId)?.receivedHeaders(headers, isEndStream);
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextStreamId;
  }

  protected override lastPeerStreamId(): number {
    return 0;
  }

  protected override goAwayReceived(lastStreamId: number): void {
    this.#drain();
    for (const stream of [...this.streams.values()]) {
      if (stream.id > lastStreamId) stream.failed({ kind: "unprocessed" });
    }
    this.closeIfDrained();
  }

  protected override maxConcurrentStreamsReceived(limit: number): void {
    this.#maxConcurrentStreams = limit;
    this.#openWaiting();
  }

  protected override resetReceived(): void {
    // A builder resets as often as its clients cancel.
  }

  protected override waitingStreams(): Iterable<Stream> {
    return this.#waiting.keys();
  }

  #open(stream: Stream, headers: HeaderList): void {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.streams.set(id, stream);
    stream.opened(id, this.initialWindowBytes);
    this.sendHeaders(stream, headers, false);
    stream.flush();
    // The last id that fits: the next call needs a new connection.
    if (this.#nextStreamId > STREAM_ID_MAX) this.#drain();
  }

  #openWaiting(): void {
    for (const [stream, headers] of this.#waiting) {
      if (this.state.state !== "open" || this.streams.size >= this.#maxConcurrentStreams) return;
      this.#waiting.delete(stream);
      this.#open(stream, headers);
    }
  }

  #drain(): void {
    if (this.state.state !== "open") return;
    this.state = { state: "draining" };
    this.#observer.draining();
    for (const stream of [...this.#waiting.keys()]) stream.failed({ kind: "unprocessed" });
  }
}
