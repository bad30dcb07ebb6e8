/** What both ends of an HTTP/2 connection have in common (RFC 9113): frames, windows, settings, pings, header blocks. */
import type { Duplex } from "node:stream";
import { HpackDecoder, HpackError } from "./hpack-decoder.js";
import { encodeHeaders } from "./hpack-encoder.js";
import { ConnectionError, FrameReader } from "./frame-reader.js";
import type { FrameHandler } from "./frame-reader.js";
import { FrameWriter } from "./frame-writer.js";
import {
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
import type { HeaderList } from "./header-list.js";
import { STREAM_WINDOW_BYTES } from "./stream.js";
import type { Stream, StreamFailure, StreamPort } from "./stream.js";

/**
 * What we let a peer send on all streams together before it was written on. It bounds our memory, and is so many stream
 * windows that others go on while some are not read.
 */
const CONNECTION_WINDOW_BYTES = 64 << 20;
const CONNECTION_CREDIT_BYTES = CONNECTION_WINDOW_BYTES / 32;
/** Frames of one header block: 16 MiB in full frames are 1,024. */
const HEADER_BLOCK_MAX_FRAMES = 8192;
const NOT_HTTP2 = "it does not speak HTTP/2 (is it the right port, with or without TLS?)";
const SETTINGS_TIMEOUT_MS = 10_000;
const PING_BYTES = 8;

/** `draining`: one side sent GOAWAY, so no new call may be made; those under way go on. */
type State =
  { readonly state: "open" } | { readonly state: "draining" } | { readonly state: "closed"; readonly cause: string };

export interface ConnectionOptions {
  /** Sent before our SETTINGS; "" for a server. */
  readonly preface: string;
  readonly settings: readonly (readonly [id: number, value: number])[];
  /** Limit of a header list from the peer, in bytes as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
  readonly headerListMaxBytes: number;
  /** Called once; `cause` is fit for a user. */
  readonly onClosed: (cause: string) => void;
}

export abstract class Connection implements StreamPort, FrameHandler {
  protected readonly streams: Map<number, Stream> = new Map<number, Stream>();
  protected state: State = { state: "open" };
  protected initialWindowBytes: number = DEFAULT_WINDOW_BYTES;
  readonly #writer: FrameWriter;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader(this);
  readonly #decoder: HpackDecoder;
  readonly #settingsTimer: NodeJS.Timeout;
  /** Streams that wait for window or for the socket; each flush moves one to the end, so that all get their turn. */
  readonly #blocked = new Set<Stream>();
  /** Told when an answer to our PING comes, or the connection ends. */
  readonly #pings: (() => void)[] = [];
  #hasSettings = false;
  #sendWindowBytes = DEFAULT_WINDOW_BYTES;
  #receiveWindowBytes = CONNECTION_WINDOW_BYTES;
  #creditBytes = 0;
  #headerBlock: { streamId: number; flags: number; pieces: Buffer[]; bytes: number } | undefined;
  #dataStream: Stream | undefined;

  /** Takes over a connected socket and sends our settings. */
  protected constructor(socket: Duplex, options: ConnectionOptions) {
    this.#writer = new FrameWriter(socket, () => {
      this.#writer.destroy();
      this.#closed("it does not read what it is sent");
    });
    this.#options = options;
    this.#decoder = new HpackDecoder({ listMaxBytes: options.headerListMaxBytes });
    const settings: ConnectionOptions["settings"] = [
      [Setting.InitialWindowSize, STREAM_WINDOW_BYTES],
      [Setting.MaxHeaderListSize, options.headerListMaxBytes],
      ...options.settings,
    ];
    this.#writer.write(
      Buffer.concat([
        Buffer.from(options.preface),
        settingsFrame(settings),
        windowUpdateFrame(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES),
      ]),
    );
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
    socket.on("end", () => {
      // A half-closed connection is of no use to HTTP/2: nothing more can come, not even window.
      this.destroy("connection closed");
    });
    socket.on("close", () => {
      this.#closed("connection closed");
    });
  }

  /** Calls that have not ended. */
  get streamCount(): number {
    return this.streams.size;
  }

  /** Closes at once: handlers of calls under way fail as `lost`, and so they do at the peer. */
  destroy(cause: string): void {
    if (this.state.state === "closed") return;
    this.#writer.write(goAwayFrame(this.lastPeerStreamId(), ErrorCode.NoError, ""));
    this.#shutDown(cause);
  }

  /**
   * Sends a PING; whether it is answered in time. Not for regular use: a gRPC server closes the connection of a client
   * that pings often.
   */
  async isAnswered(timeoutMs: number): Promise<boolean> {
    if (this.state.state === "closed") return false;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs, false);
      this.#pings.push(() => {
        clearTimeout(timer);
        resolve(this.state.state !== "closed");
      });
      this.#writer.write(frameHeader(PING_BYTES, FrameType.Ping, 0, 0));
      this.#writer.write(Buffer.alloc(PING_BYTES));
    });
  }

  /** Takes the bytes of frames; a server takes the client's preface from them first. */
  protected read(received: Buffer): void {
    this.#reader.push(received);
  }

  /** A complete header list, for a stream that may have ended already. */
  protected abstract headersReceived(streamId: number, headers: HeaderList, isEndStream: boolean): void;
  /** Whether the stream was never opened; frames on it violate the protocol then. */
  protected abstract isIdle(streamId: number): boolean;
  /** Highest stream of the peer's that we took, for GOAWAY. */
  protected abstract lastPeerStreamId(): number;
  protected abstract goAwayReceived(lastStreamId: number): void;
  protected abstract maxConcurrentStreamsReceived(limit: number): void;
  /** RST_STREAM came, for a stream that may have ended already. */
  protected abstract resetReceived(): void;
  /** Streams beside `streams` that end with the connection. */
  protected abstract waitingStreams(): Iterable<Stream>;

  // StreamPort

  sendData(stream: Stream, piece: Buffer, windowBytes: number): number {
    const length = Math.min(piece.length, windowBytes, this.#sendWindowBytes, DEFAULT_FRAME_MAX_BYTES);
    if (length <= 0) return 0;
    this.#sendWindowBytes -= length;
    this.#writer.write(frameHeader(length, FrameType.Data, 0, stream.id));
    this.#writer.write(length === piece.length ? piece : piece.subarray(0, length));
    return length;
  }

  sendHeaders(stream: Stream, headers: HeaderList, isEndStream: boolean): void {
    const block = encodeHeaders(headers);
    for (let at = 0; at === 0 || at < block.length; at += DEFAULT_FRAME_MAX_BYTES) {
      const piece = block.subarray(at, at + DEFAULT_FRAME_MAX_BYTES);
      const type = at === 0 ? FrameType.Headers : FrameType.Continuation;
      const endStream = at === 0 && isEndStream ? Flag.EndStream : 0;
      const endHeaders = at + piece.length === block.length ? Flag.EndHeaders : 0;
      this.#writer.write(frameHeader(piece.length, type, endStream | endHeaders, stream.id));
      this.#writer.write(piece);
    }
  }

  sendEndStream(stream: Stream): void {
    this.#writer.write(frameHeader(0, FrameType.Data, Flag.EndStream, stream.id));
  }

  sendReset(stream: Stream, code: number): void {
    this.#writer.write(rstStreamFrame(stream.id, code));
  }

  sendWindowUpdate(stream: Stream, increment: number): void {
    this.#writer.write(windowUpdateFrame(stream.id, increment));
  }

  credit(bytes: number): void {
    this.#creditBytes += bytes;
    if (this.#creditBytes < CONNECTION_CREDIT_BYTES) return;
    this.#receiveWindowBytes += this.#creditBytes;
    this.#writer.write(windowUpdateFrame(0, this.#creditBytes));
    this.#creditBytes = 0;
  }

  isCongested(): boolean {
    return this.#writer.isCongested;
  }

  waitForRoom(stream: Stream): void {
    this.#blocked.add(stream);
  }

  forget(stream: Stream): void {
    this.#blocked.delete(stream);
    this.streams.delete(stream.id);
    this.closeIfDrained();
  }

  // FrameHandler

  dataStart(streamId: number, length: number): void {
    this.#expectSettings(FrameType.Data, 0);
    this.#expectNoHeaderBlock();
    this.#receiveWindowBytes -= length;
    if (this.#receiveWindowBytes < 0) {
      throw new ConnectionError(ErrorCode.FlowControlError, "DATA over the connection window");
    }
    this.#dataStream = this.#find(streamId, "DATA");
    if (this.#dataStream === undefined) this.credit(length);
    else this.#dataStream.receivingData(length);
  }

  data(_streamId: number, piece: Buffer): void {
    this.#dataStream?.receivedData(piece);
  }

  dataEnd(streamId: number, isEndStream: boolean, paddingBytes: number): void {
    // It may have been reset by our side since the frame began.
    const stream = this.streams.get(streamId);
    if (paddingBytes > 0) stream?.consumed(paddingBytes);
    if (isEndStream) stream?.receivedEnd(undefined);
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
        this.resetReceived();
        this.#find(streamId, "RST_STREAM")?.failed({ kind: "reset", code: payload.readUInt32BE(0) });
        break;
      case FrameType.Settings:
        this.#applySettings(flags, streamId, payload);
        break;
      case FrameType.PushPromise:
        throw new ConnectionError(ErrorCode.ProtocolError, "PUSH_PROMISE, which we disabled");
      case FrameType.Ping:
        expectLength(payload, PING_BYTES, "PING");
        if ((flags & Flag.Ack) !== 0) {
          for (const answered of this.#pings.splice(0)) answered();
          break;
        }
        this.#writer.writePingAnswer(Buffer.concat([frameHeader(PING_BYTES, FrameType.Ping, Flag.Ack, 0), payload]));
        break;
      case FrameType.GoAway:
        if (payload.length < 8) throw new ConnectionError(ErrorCode.FrameSizeError, "GOAWAY too short");
        this.goAwayReceived(payload.readUInt32BE(0) & STREAM_ID_MAX);
        break;
      case FrameType.WindowUpdate:
        this.#widenWindow(streamId, payload);
        break;
      default: // PRIORITY, and types that we do not know, are ignored (RFC 9113 §5.5)
    }
  }

  protected closeIfDrained(): void {
    if (this.state.state === "draining" && this.streamCount === 0) this.destroy("closed after GOAWAY");
  }

  protected sendGoAway(): void {
    this.#writer.write(goAwayFrame(this.lastPeerStreamId(), ErrorCode.NoError, ""));
  }

  #receive(received: Buffer): void {
    if (this.state.state === "closed") return;
    try {
      this.read(received);
    } catch (error) {
      if (!this.#hasSettings) this.#fail(ErrorCode.ProtocolError, NOT_HTTP2);
      else if (error instanceof ConnectionError) this.#fail(error.code, error.message);
      else if (error instanceof HpackError) this.#fail(ErrorCode.CompressionError, error.message);
      else throw error;
    }
  }

  #flushBlocked(): void {
    for (const stream of [...this.#blocked]) {
      if (this.isCongested()) return;
      this.#blocked.delete(stream);
      stream.flush();
    }
  }

  /** The stream of a frame; undefined where it has ended, which the peer may not know yet. */
  #find(streamId: number, frame: string): Stream | undefined {
    if (this.isIdle(streamId)) {
      throw new ConnectionError(ErrorCode.ProtocolError, `${frame} on stream ${streamId}, which was never opened`);
    }
    return this.streams.get(streamId);
  }

  #beginHeaders(flags: number, streamId: number, payload: Buffer): void {
    const padding = (flags & Flag.Padded) !== 0 ? (payload[0] ?? 0) : 0;
    const start = ((flags & Flag.Padded) !== 0 ? 1 : 0) + ((flags & Flag.Priority) !== 0 ? 5 : 0);
    if (start + padding > payload.length) {
      throw new ConnectionError(ErrorCode.ProtocolError, "padding over the payload");
    }
    this.#headerBlock = { streamId, flags, pieces: [], bytes: 0 };
    this.#continueHeaders(flags, streamId, payload.subarray(start, payload.length - padding));
  }

  #continueHeaders(flags: number, streamId: number, piece: Buffer): void {
    const block = this.#headerBlock;
    if (block?.streamId !== streamId) throw new ConnectionError(ErrorCode.ProtocolError, "CONTINUATION out of place");
    block.pieces.push(piece);
    block.bytes += piece.length;
    if (block.bytes > this.#options.headerListMaxBytes || block.pieces.length > HEADER_BLOCK_MAX_FRAMES) {
      throw new ConnectionError(ErrorCode.EnhanceYourCalm, "header block too large");
    }
    if ((flags & Flag.EndHeaders) === 0) return;
    this.#headerBlock = undefined;
    // Decoded even for a stream that has ended: the compression state is the connection's.
    const headers = this.#decoder.decode(block.pieces.length === 1 ? piece : Buffer.concat(block.pieces));
    this.headersReceived(streamId, headers, (block.flags & Flag.EndStream) !== 0);
  }

  #applySettings(flags: number, streamId: number, payload: Buffer): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.ProtocolError, "SETTINGS on a stream");
    if ((flags & Flag.Ack) !== 0) return;
    if (payload.length % 6 !== 0) throw new ConnectionError(ErrorCode.FrameSizeError, "SETTINGS of a wrong length");
    if (!this.#hasSettings) {
      this.#hasSettings = true;
      clearTimeout(this.#settingsTimer);
      this.maxConcurrentStreamsReceived(Infinity); // unless they say otherwise
    }
    for (let at = 0; at < payload.length; at += 6) {
      this.#applySetting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    this.#writer.write(frameHeader(0, FrameType.Settings, Flag.Ack, 0));
  }

  #applySetting(id: number, value: number): void {
    switch (id) {
      case Setting.MaxConcurrentStreams:
        this.maxConcurrentStreamsReceived(value);
        break;
      case Setting.InitialWindowSize: {
        if (value > WINDOW_MAX_BYTES) throw new ConnectionError(ErrorCode.FlowControlError, "window over 2^31-1");
        const change = value - this.initialWindowBytes;
        this.initialWindowBytes = value;
        for (const stream of [...this.streams.values()]) stream.widenSendWindow(change);
        break;
      }
      case Setting.MaxFrameSize:
        // Larger frames than the default gain nothing and delay others, so a valid value changes nothing.
        if (value < DEFAULT_FRAME_MAX_BYTES || value > 0xff_ffff) {
          throw new ConnectionError(ErrorCode.ProtocolError, `SETTINGS_MAX_FRAME_SIZE ${value}`);
        }
        break;
      default: // The encoder keeps no table; the others are unknown, or advice that we need not take.
    }
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

  #expectSettings(type: number, flags: number): void {
    if (this.#hasSettings || (type === FrameType.Settings && (flags & Flag.Ack) === 0)) return;
    throw new ConnectionError(ErrorCode.ProtocolError, NOT_HTTP2);
  }

  #expectNoHeaderBlock(): void {
    if (this.#headerBlock !== undefined) {
      throw new ConnectionError(ErrorCode.ProtocolError, "header block interrupted");
    }
  }

  #fail(code: number, message: string): void {
    if (this.state.state === "closed") return;
    this.#writer.write(goAwayFrame(this.lastPeerStreamId(), code, message));
    this.#shutDown(`protocol error: ${message}`);
  }

  /** Closes our side; what was written still goes out, then the socket is dropped. */
  #shutDown(cause: string): void {
    this.#closed(cause);
    this.#writer.end();
  }

  #closed(cause: string): void {
    if (this.state.state === "closed") return;
    this.state = { state: "closed", cause };
    clearTimeout(this.#settingsTimer);
    for (const ended of this.#pings.splice(0)) ended();
    const failure: StreamFailure = { kind: "lost", cause };
    for (const stream of [...this.streams.values(), ...this.waitingStreams()]) stream.failed(failure);
    this.#options.onClosed(cause);
  }
}

function expectLength(payload: Buffer, length: number, frame: string): void {
  if (payload.length !== length) throw new ConnectionError(ErrorCode.FrameSizeError, `${frame} of a wrong length`);
}
