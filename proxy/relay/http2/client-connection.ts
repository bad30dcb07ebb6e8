/** HTTP/2 client connection to a builder (RFC 9113): what gRPC needs of it, and trailers of any size, which Node's lacks. */
import type { Duplex } from "node:stream";
import { ClientStream, STREAM_WINDOW_BYTES } from "./client-stream.js";
import type { StreamFailure, StreamHandler, StreamPort } from "./client-stream.js";
import type { HeaderList } from "./header-list.js";
import { encodeHeaders } from "./hpack-encoder.js";
import { HpackDecoder, HpackError } from "./hpack-decoder.js";
import { ConnectionError, FrameReader } from "./frame-reader.js";
import type { FrameHandler } from "./frame-reader.js";
import {
  CONNECTION_PREFACE,
  DEFAULT_FRAME_MAX_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  frameHeader,
  FrameType,
  goAwayFrame,
  rstStreamFrame,
  Setting,
  settingsFrame,
  STREAM_ID_MAX,
  WINDOW_MAX_BYTES,
  windowUpdateFrame,
} from "./frame.js";

/** What we let a builder send on all streams together before it was written on. */
const CONNECTION_WINDOW_BYTES = 16 << 20;
const CONNECTION_CREDIT_BYTES = CONNECTION_WINDOW_BYTES / 8;
/** What grpc-go accepts of a header list, and so what it may send. */
const HEADER_LIST_MAX_BYTES = 16 << 20;
/** Frames of one header block: 16 MiB in full frames are 1,024. */
const HEADER_BLOCK_MAX_FRAMES = 8192;
/** Bytes waiting in the socket above which senders are asked to wait. */
const SEND_BACKLOG_BYTES = 128 << 10;
/** Answers to PING and SETTINGS waiting in the socket; a peer that floods and does not read is cut off. */
const CONTROL_BACKLOG_MAX_BYTES = 4 << 20;
/** Calls that wait because the builder allows no more streams. */
const WAITING_CALLS_MAX = 10_000;
/** What grpc-go assumes before the peer's SETTINGS arrive. */
const CONCURRENT_STREAMS_BEFORE_SETTINGS = 100;
const SETTINGS_TIMEOUT_MS = 10_000;

/** `draining`: the builder sent GOAWAY, or we close when the calls are done; no new call may be made. */
type State =
  { readonly state: "open" } | { readonly state: "draining" } | { readonly state: "closed"; readonly cause: string };

export interface ConnectionObserver {
  /** No new call may be made; those under way go on. */
  draining(): void;
  /** Called once; `cause` is fit for a user. */
  closed(cause: string): void;
}

export class ClientConnection implements StreamPort, FrameHandler {
  readonly #socket: Duplex;
  readonly #observer: ConnectionObserver;
  readonly #reader = new FrameReader(this);
  readonly #decoder = new HpackDecoder({ listMaxBytes: HEADER_LIST_MAX_BYTES });
  readonly #settingsTimer: NodeJS.Timeout;
  readonly #streams = new Map<number, ClientStream>();
  /** Streams that wait for the builder to allow more, in order. */
  readonly #waiting = new Set<ClientStream>();
  /** Streams that wait for window or for the socket; each flush moves one to the end, so that all get their turn. */
  readonly #blocked = new Set<ClientStream>();
  #state: State = { state: "open" };
  #nextStreamId = 1;
  #hasSettings = false;
  #maxConcurrentStreams = CONCURRENT_STREAMS_BEFORE_SETTINGS;
  #frameMaxBytes = DEFAULT_FRAME_MAX_BYTES;
  #initialWindowBytes = DEFAULT_WINDOW_BYTES;
  #sendWindowBytes = DEFAULT_WINDOW_BYTES;
  #receiveWindowBytes = CONNECTION_WINDOW_BYTES;
  #creditBytes = 0;
  #isCorked = false;
  #headerBlock: { streamId: number; flags: number; pieces: Buffer[]; bytes: number } | undefined;
  #dataStream: ClientStream | undefined;

  /** Takes over a connected socket and sends the preface. */
  constructor(socket: Duplex, observer: ConnectionObserver) {
    this.#socket = socket;
    this.#observer = observer;
    this.#write(Buffer.from(CONNECTION_PREFACE));
    this.#write(
      settingsFrame([
        [Setting.EnablePush, 0],
        [Setting.InitialWindowSize, STREAM_WINDOW_BYTES],
        [Setting.MaxHeaderListSize, HEADER_LIST_MAX_BYTES],
      ]),
    );
    this.#write(windowUpdateFrame(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES));
    this.#settingsTimer = setTimeout(() => {
      this.#fail(ErrorCode.SettingsTimeout, "no HTTP/2 SETTINGS within 10 s");
    }, SETTINGS_TIMEOUT_MS).unref();
    socket.on("data", (received: Buffer) => {
      this.#receive(received);
    });
    socket.on("drain", () => {
      this.#flushBlocked();
    });
    socket.on("error", (error: Error) => {
      this.#closed(error.message);
    });
    socket.on("close", () => {
      this.#closed("connection closed");
    });
  }

  /** Whether a new call may be made here. */
  get isOpen(): boolean {
    return this.#state.state === "open";
  }

  /** Calls that have not ended. */
  get streamCount(): number {
    return this.#streams.size + this.#waiting.size;
  }

  /**
   * Starts a call. On a connection that takes no new calls the handler fails as `unprocessed` or `lost`.
   *
   * @param neverIndexed names whose values no one on the way may put into a compression table.
   */
  request(headers: HeaderList, neverIndexed: readonly string[], handler: StreamHandler): ClientStream {
    const stream = new ClientStream(this, headers, neverIndexed, handler);
    if (this.#state.state === "closed") stream.failed({ kind: "lost", cause: this.#state.cause });
    else if (this.#state.state === "draining") stream.failed({ kind: "unprocessed" });
    else if (this.#waiting.size >= WAITING_CALLS_MAX) {
      stream.failed({ kind: "lost", cause: `more than ${WAITING_CALLS_MAX} calls wait for it` });
    } else if (this.#streams.size < this.#maxConcurrentStreams) this.#open(stream);
    else this.#waiting.add(stream);
    return stream;
  }

  /** Closes at once: calls under way are cancelled at the builder, their handlers fail as `lost`. */
  destroy(cause: string): void {
    if (this.#state.state === "closed") return;
    for (const stream of this.#streams.values()) this.#write(rstStreamFrame(stream.id, ErrorCode.Cancel));
    this.#write(goAwayFrame(ErrorCode.NoError, ""));
    this.#shutDown(cause);
  }

  // StreamPort

  sendData(stream: ClientStream, piece: Buffer, windowBytes: number): number {
    const length = Math.min(piece.length, windowBytes, this.#sendWindowBytes, this.#frameMaxBytes);
    if (length <= 0) return 0;
    this.#sendWindowBytes -= length;
    this.#write(frameHeader(length, FrameType.Data, 0, stream.id));
    this.#write(length === piece.length ? piece : piece.subarray(0, length));
    return length;
  }

  sendEndStream(stream: ClientStream): void {
    this.#write(frameHeader(0, FrameType.Data, Flag.EndStream, stream.id));
  }

  sendReset(stream: ClientStream, code: number): void {
    this.#write(rstStreamFrame(stream.id, code));
  }

  sendWindowUpdate(stream: ClientStream, increment: number): void {
    this.#write(windowUpdateFrame(stream.id, increment));
  }

  credit(bytes: number): void {
    this.#creditBytes += bytes;
    if (this.#creditBytes < CONNECTION_CREDIT_BYTES) return;
    this.#receiveWindowBytes += this.#creditBytes;
    this.#write(windowUpdateFrame(0, this.#creditBytes));
    this.#creditBytes = 0;
  }

  isCongested(): boolean {
    return this.#socket.writableLength > SEND_BACKLOG_BYTES;
  }

  waitForRoom(stream: ClientStream): void {
    this.#blocked.add(stream);
  }

  forget(stream: ClientStream): void {
    this.#blocked.delete(stream);
    this.#waiting.delete(stream);
    this.#streams.delete(stream.id);
    this.#openWaiting();
    this.#closeIfDrained();
  }

  // FrameHandler

  dataStart(streamId: number, length: number): void {
    this.#expectSettings(FrameType.Data);
    this.#expectNoHeaderBlock();
    this.#receiveWindowBytes -= length;
    if (this.#receiveWindowBytes < 0) {
      throw new ConnectionError(ErrorCode.FlowControlError, "DATA over the connection window");
    }
    this.#dataStream = this.#find(streamId, "DATA");
    if (this.#dataStream === undefined) this.credit(length);
    else this.#dataStream.receivingData(length);
  }

  data(streamId: number, piece: Buffer): void {
    // The stream may have been reset by our side since the frame began.
    if (this.#streams.get(streamId) === this.#dataStream) this.#dataStream?.handler.data(piece);
  }

  dataEnd(streamId: number, isEndStream: boolean, paddingBytes: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (paddingBytes > 0) stream.consumed(paddingBytes);
    if (isEndStream) stream.receivedEndStream();
  }

  frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.#expectSettings(type, flags);
    if (type !== FrameType.Continuation) this.#expectNoHeaderBlock();
    switch (type) {
      case FrameType.Headers:
        this.#beginHeaders(flags, streamId, payload);
        break;
      case FrameType.Continuation:
        this.#continueHeaders(flags, streamId, payload);
        break;
      case FrameType.RstStream:
        expectLength(payload, 4, "RST_STREAM");
        this.#find(streamId, "RST_STREAM")?.failed({ kind: "reset", code: payload.readUInt32BE(0) });
        break;
      case FrameType.Settings:
        this.#applySettings(flags, streamId, payload);
        break;
      case FrameType.PushPromise:
        throw new ConnectionError(ErrorCode.ProtocolError, "PUSH_PROMISE, which we disabled");
      case FrameType.Ping:
        expectLength(payload, 8, "PING");
        if ((flags & Flag.Ack) === 0) this.#answer(FrameType.Ping, payload);
        break;
      case FrameType.GoAway:
        this.#goAway(payload);
        break;
      case FrameType.WindowUpdate:
        this.#widenWindow(streamId, payload);
        break;
      default: // PRIORITY, and types that we do not know, are ignored (RFC 9113 §5.5)
    }
  }

  #receive(received: Buffer): void {
    if (this.#state.state === "closed") return;
    try {
      this.#reader.push(received);
    } catch (error) {
      if (error instanceof ConnectionError) this.#fail(error.code, error.message);
      else if (error instanceof HpackError) this.#fail(ErrorCode.CompressionError, error.message);
      else throw error;
    }
  }

  #open(stream: ClientStream): void {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#streams.set(id, stream);
    const block = encodeHeaders(stream.requestHeaders, stream.neverIndexed);
    for (let at = 0; at === 0 || at < block.length; at += this.#frameMaxBytes) {
      const piece = block.subarray(at, at + this.#frameMaxBytes);
      const flags = at + piece.length === block.length ? Flag.EndHeaders : 0;
      this.#write(frameHeader(piece.length, at === 0 ? FrameType.Headers : FrameType.Continuation, flags, id));
      this.#write(piece);
    }
    stream.opened(id, this.#initialWindowBytes);
    // The last id that fits: the next call needs a new connection.
    if (this.#nextStreamId > STREAM_ID_MAX) this.#drain();
  }

  #openWaiting(): void {
    for (const stream of this.#waiting) {
      if (this.#state.state !== "open" || this.#streams.size >= this.#maxConcurrentStreams) return;
      this.#waiting.delete(stream);
      this.#open(stream);
    }
  }

  #flushBlocked(): void {
    for (const stream of [...this.#blocked]) {
      if (this.isCongested()) return;
      this.#blocked.delete(stream);
      stream.flush();
    }
  }

  /** The stream of a frame; undefined where it has ended, which the builder may not know yet. */
  #find(streamId: number, frame: string): ClientStream | undefined {
    if (streamId === 0 || streamId % 2 === 0 || streamId >= this.#nextStreamId) {
      throw new ConnectionError(ErrorCode.ProtocolError, `${frame} on stream ${streamId}, which was never opened`);
    }
    return this.#streams.get(streamId);
  }

  #beginHeaders(flags: number, streamId: number, payload: Buffer): void {
    this.#find(streamId, "HEADERS");
    const padding = (flags & Flag.Padded) !== 0 ? (payload[0] ?? 0) : 0;
    const start = ((flags & Flag.Padded) !== 0 ? 1 : 0) + ((flags & Flag.Priority) !== 0 ? 5 : 0);
    if (start + padding > payload.length)
      throw new ConnectionError(ErrorCode.ProtocolError, "padding over the payload");
    this.#headerBlock = { streamId, flags, pieces: [], bytes: 0 };
    this.#continueHeaders(flags, streamId, payload.subarray(start, payload.length - padding));
  }

  #continueHeaders(flags: number, streamId: number, piece: Buffer): void {
    const block = this.#headerBlock;
    if (block?.streamId !== streamId) throw new ConnectionError(ErrorCode.ProtocolError, "CONTINUATION out of place");
    block.pieces.push(piece);
    block.bytes += piece.length;
    if (block.bytes > HEADER_LIST_MAX_BYTES || block.pieces.length > HEADER_BLOCK_MAX_FRAMES) {
      throw new ConnectionError(ErrorCode.EnhanceYourCalm, "header block too large");
    }
    if ((flags & Flag.EndHeaders) === 0) return;
    this.#headerBlock = undefined;
    // Decoded even for a stream that has ended: the compression state is the connection's.
    const headers = this.#decoder.decode(Buffer.concat(block.pieces));
    this.#streams.get(streamId)?.receivedHeaders(headers, (block.flags & Flag.EndStream) !== 0);
  }

  #applySettings(flags: number, streamId: number, payload: Buffer): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.ProtocolError, "SETTINGS on a stream");
    if ((flags & Flag.Ack) !== 0) return;
    if (payload.length % 6 !== 0) throw new ConnectionError(ErrorCode.FrameSizeError, "SETTINGS of a wrong length");
    const isFirst = !this.#hasSettings;
    this.#hasSettings = true;
    clearTimeout(this.#settingsTimer);
    if (isFirst) this.#maxConcurrentStreams = Infinity;
    for (let at = 0; at < payload.length; at += 6) {
      this.#applySetting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    this.#answer(FrameType.Settings, Buffer.alloc(0));
    this.#openWaiting();
  }

  #applySetting(id: number, value: number): void {
    switch (id) {
      case Setting.MaxConcurrentStreams:
        this.#maxConcurrentStreams = value;
        break;
      case Setting.InitialWindowSize: {
        if (value > WINDOW_MAX_BYTES) throw new ConnectionError(ErrorCode.FlowControlError, "window over 2^31-1");
        const change = value - this.#initialWindowBytes;
        this.#initialWindowBytes = value;
        for (const stream of [...this.#streams.values()]) stream.widenSendWindow(change);
        break;
      }
      case Setting.MaxFrameSize:
        if (value < DEFAULT_FRAME_MAX_BYTES || value > 0xff_ffff) {
          throw new ConnectionError(ErrorCode.ProtocolError, `SETTINGS_MAX_FRAME_SIZE ${value}`);
        }
        // Larger frames than the default gain nothing and delay others.
        break;
      default: // The encoder keeps no table; the others concern servers, or are unknown.
    }
  }

  #goAway(payload: Buffer): void {
    if (payload.length < 8) throw new ConnectionError(ErrorCode.FrameSizeError, "GOAWAY too short");
    const lastStreamId = payload.readUInt32BE(0) & STREAM_ID_MAX;
    this.#drain();
    for (const stream of [...this.#streams.values()]) {
      if (stream.id > lastStreamId) stream.failed({ kind: "unprocessed" });
    }
    this.#closeIfDrained();
  }

  #drain(): void {
    if (this.#state.state !== "open") return;
    this.#state = { state: "draining" };
    this.#observer.draining();
    for (const stream of [...this.#waiting]) stream.failed({ kind: "unprocessed" });
  }

  #closeIfDrained(): void {
    if (this.#state.state === "draining" && this.streamCount === 0) this.destroy("closed after GOAWAY");
  }

  #widenWindow(streamId: number, payload: Buffer): void {
    expectLength(payload, 4, "WINDOW_UPDATE");
    const increment = payload.readUInt32BE(0) & WINDOW_MAX_BYTES;
    if (increment === 0) throw new ConnectionError(ErrorCode.ProtocolError, "WINDOW_UPDATE of 0");
    if (streamId !== 0) {
      this.#find(streamId, "WINDOW_UPDATE")?.widenSendWindow(increment);
      return;
    }
    this.#sendWindowBytes += increment;
    if (this.#sendWindowBytes > WINDOW_MAX_BYTES) {
      throw new ConnectionError(ErrorCode.FlowControlError, "connection window over 2^31-1");
    }
    this.#flushBlocked();
  }

  #answer(type: number, payload: Buffer): void {
    if (this.#socket.writableLength > CONTROL_BACKLOG_MAX_BYTES) {
      throw new ConnectionError(ErrorCode.EnhanceYourCalm, "PING or SETTINGS flood");
    }
    this.#write(Buffer.concat([frameHeader(payload.length, type, Flag.Ack, 0), payload]));
  }

  #expectSettings(type: number, flags = 0): void {
    if (this.#hasSettings || (type === FrameType.Settings && (flags & Flag.Ack) === 0)) return;
    throw new ConnectionError(ErrorCode.ProtocolError, "it does not speak HTTP/2");
  }

  #expectNoHeaderBlock(): void {
    if (this.#headerBlock !== undefined) {
      throw new ConnectionError(ErrorCode.ProtocolError, "header block interrupted");
    }
  }

  /** Writes of one turn of the event loop go to the kernel together. */
  #write(bytes: Buffer): void {
    if (this.#state.state === "closed") return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  #fail(code: number, message: string): void {
    if (this.#state.state === "closed") return;
    this.#write(goAwayFrame(code, message));
    this.#shutDown(`protocol error: ${message}`);
  }

  /** Closes our side; what was written still goes out, then the socket is dropped. */
  #shutDown(cause: string): void {
    this.#socket.end(() => {
      this.#socket.destroy();
    });
    this.#closed(cause);
  }

  #closed(cause: string): void {
    if (this.#state.state === "closed") return;
    this.#state = { state: "closed", cause };
    clearTimeout(this.#settingsTimer);
    const failure: StreamFailure = { kind: "lost", cause };
    for (const stream of [...this.#streams.values(), ...this.#waiting]) stream.failed(failure);
    this.#observer.closed(cause);
  }
}

function expectLength(payload: Buffer, length: number, frame: string): void {
  if (payload.length !== length) throw new ConnectionError(ErrorCode.FrameSizeError, `${frame} of a wrong length`);
}
