/** HTTP/2 server connection of a client: takes its calls, and sets limits to what it can make us do. */
import type { Duplex } from "node:stream";
import { Connection } from "./connection.js";
import { ConnectionError } from "./frame-reader.js";
import { CONNECTION_PREFACE, ErrorCode, Setting } from "./frame.js";
import type { HeaderList } from "./header-list.js";
import { Stream } from "./stream.js";
import type { StreamHandler } from "./stream.js";

/** buildkitd sets no limit; this one bounds what one connection can make us hold. */
const CONCURRENT_STREAMS_MAX = 10_000;
/** Request headers: metadata, of which a session's method names are the largest, with some 4 KiB. */
const HEADER_LIST_MAX_BYTES = 128 << 10;
/** Resets by the client: so many at once and so many per second, then the connection is closed (CVE-2023-44487). */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 100;

export interface ServerConnectionObserver {
  /** A call came in; what its client sends goes to the handler that is returned. */
  call(stream: Stream, headers: HeaderList): StreamHandler;
  /** Called once; `cause` is fit for a user. */
  closed(cause: string): void;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

export class ServerConnection extends Connection {
  readonly #observer: ServerConnectionObserver;
  /** What is still to come of the client's preface. */
  #preface = CONNECTION_PREFACE;
  /** Highest stream that the client opened, and the highest that we took. */
  #highestStreamId = 0;
  #lastStreamId = 0;
  /** A bucket that fills with time and is emptied by resets. */
  #resetsLeft = RESET_BURST;
  #resetsCountedAtMs: number;

  /** Takes over a socket whose next bytes are the client's preface. */
  constructor(socket: Duplex, observer: ServerConnectionObserver) {
    super(socket, {
      preface: "",
      settings: [[Setting.MaxConcurrentStreams, CONCURRENT_STREAMS_MAX]],
      headerListMaxBytes: HEADER_LIST_MAX_BYTES,
      onClosed: (cause) => {
        observer.closed(cause);
      },
    });
    this.#observer = observer;
    this.#resetsCountedAtMs = observer.now();
  }

  /** Takes no new calls, and closes when those under way have ended. */
  goAway(): void {
    if (this.state.state !== "open") return;
    this.state = { state: "draining" };
    this.sendGoAway();
    this.closeIfDrained();
  }

  protected override read(received: Buffer): void {
    if (this.#preface === "") {
      super.read(received);
      return;
    }
    const expected = this.#preface.slice(0, received.length);
    if (received.toString("latin1", 0, expected.length) !== expected) {
      throw new ConnectionError(ErrorCode.ProtocolError, "no HTTP/2 preface");
    }
    this.#preface = this.#preface.slice(expected.length);
    if (received.length > expected.length) super.read(received.subarray(expected.length));
  }

  protected override headersReceived(streamId: number, headers: HeaderList, isEndStream: boolean): void {
    if (!this.isIdle(streamId)) {
      // Trailers of a request; or the call has ended meanwhile.
      this.streams.get(streamId)?.receivedHeaders(headers, isEndStream);
      return;
    }
    if (streamId % 2 === 0) throw new ConnectionError(ErrorCode.ProtocolError, `HEADERS on stream ${streamId}`);
    this.#highestStreamId = streamId;
    // After our GOAWAY, which tells the client that we do not look at it.
    if (this.state.state !== "open") return;
    this.#lastStreamId = streamId;
    const stream = new Stream(this);
    stream.opened(streamId, this.initialWindowBytes);
    if (this.streams.size >= CONCURRENT_STREAMS_MAX) {
      stream.reset(ErrorCode.RefusedStream);
      return;
    }
    this.streams.set(streamId, stream);
    stream.handle(this.#observer.call(stream, headers));
    stream.receivedRequest(isEndStream);
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.#highestStreamId;
  }

  protected override lastPeerStreamId(): number {
    return this.#lastStreamId;
  }

  protected override goAwayReceived(): void {
    // It makes no new calls, and closes when its calls have ended.
  }

  protected override maxConcurrentStreamsReceived(): void {
    // We push nothing.
  }

  protected override resetReceived(): void {
    const nowMs = this.#observer.now();
    const refill = ((nowMs - this.#resetsCountedAtMs) / 1000) * RESETS_PER_SECOND;
    this.#resetsCountedAtMs = nowMs;
    this.#resetsLeft = Math.min(RESET_BURST, this.#resetsLeft + refill) - 1;
    if (this.#resetsLeft < 0) throw new ConnectionError(ErrorCode.EnhanceYourCalm, "too many resets");
  }

  protected override waitingStreams(): Iterable<Stream> {
    return [];
  }
}
