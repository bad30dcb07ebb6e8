/** HTTP/2 frame by frame for tests, independent of the product's framing: both ends, right or deliberately wrong. */
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { encodeHeaders, HeaderDecoder, type Pair } from "./raw-hpack.js";
import { within } from "./poll.js";

export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  refusedStream: 7,
  cancel: 8,
  enhanceYourCalm: 11,
} as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** The decoded list, on the frame that ends a header block. */
  readonly headers?: readonly Pair[];
}

export function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

const uint32 = (value: number): Buffer => {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(value);
  return data;
};

export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(
    FrameType.settings,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]))),
  );
export const rstStream = (streamId: number, code: number): Buffer =>
  frame(FrameType.rstStream, 0, streamId, uint32(code));
export const windowUpdate = (streamId: number, bytes: number): Buffer =>
  frame(FrameType.windowUpdate, 0, streamId, uint32(bytes));
export const goAway = (lastStreamId: number, code: number, text = ""): Buffer =>
  frame(FrameType.goAway, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code), Buffer.from(text)]));
export const ping = (payload = "12345678"): Buffer => frame(FrameType.ping, 0, 0, Buffer.from(payload));

/** A header block in one HEADERS frame, or cut after the bytes given, the rest in CONTINUATION. */
export function headerFrames(
  streamId: number,
  block: Buffer,
  endStream: boolean,
  cuts: readonly number[] = [],
): Buffer {
  const borders = [0, ...cuts, block.length];
  return Buffer.concat(
    borders.slice(1).map((end, i) => {
      const first = i === 0 ? FrameType.headers : FrameType.continuation;
      const flags =
        (end === block.length && i === borders.length - 2 ? Flag.endHeaders : 0) | (i === 0 && endStream ? 1 : 0);
      return frame(first, flags, streamId, block.subarray(borders[i], end));
    }),
  );
}

/** A gRPC message, uncompressed. */
export function grpcMessage(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32(data.length), data]);
}

export const RESPONSE: readonly Pair[] = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];
export const OK: readonly Pair[] = [["grpc-status", "0"]];

export interface RawOptions {
  /** Whether to acknowledge SETTINGS, answer PING and return windows; on unless the test is about that. */
  readonly isPolite?: boolean;
}

/** One end of a connection. Frames that arrive are kept until a `next` takes them. */
export class RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  /** Called for each frame, in order, before a `next` gets it. */
  onFrame: (frame: Frame) => void = () => undefined;
  isPolite: boolean;
  readonly #decoder = new HeaderDecoder();
  readonly #frames: Frame[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #prefaceBytes: number;
  #headers: { block: Buffer[]; flags: number } = { block: [], flags: 0 };
  #wake: () => void = () => undefined;

  constructor(socket: Socket, isServer: boolean, { isPolite = true }: RawOptions = {}) {
    this.socket = socket;
    this.isPolite = isPolite;
    this.#prefaceBytes = isServer ? PREFACE.length : 0;
    socket.on("error", () => undefined); // "close" follows
    this.closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("data", (data: Buffer) => {
      this.#receive(data);
    });
    socket.on("close", () => {
      this.#wake();
    });
  }

  send(...frames: readonly Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames));
  }

  /** Takes the first frame that fits, dropping those before it; rejects when the connection ends first. */
  async next(fits: (frame: Frame) => boolean, what: string, timeoutMs = 10_000): Promise<Frame> {
    return within(this.#take(fits, what), timeoutMs, what);
  }

  /** The next frame of one type, on one stream if that is given. */
  async nextOf(type: keyof typeof FrameType, streamId?: number, timeoutMs = 10_000): Promise<Frame> {
    const fits = (frame: Frame): boolean =>
      frame.type === FrameType[type] &&
      (streamId === undefined || frame.streamId === streamId) &&
      !(type === "settings" && (frame.flags & Flag.ack) !== 0);
    return this.next(fits, `${type} frame${streamId === undefined ? "" : ` on stream ${streamId}`}`, timeoutMs);
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #take(fits: (frame: Frame) => boolean, what: string): Promise<Frame> {
    for (;;) {
      for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) {
        if (fits(frame)) return frame;
      }
      if (this.socket.closed) throw new Error(`${what}: the connection was closed`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #receive(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data]);
    if (this.#prefaceBytes > 0) {
      if (this.#unread.length < this.#prefaceBytes) return;
      this.#unread = this.#unread.subarray(this.#prefaceBytes);
      this.#prefaceBytes = 0;
    }
    while (this.#unread.length >= 9) {
      const length = this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < 9 + length) break;
      const [type = 0, flags = 0] = this.#unread.subarray(3, 5);
      const streamId = this.#unread.readUInt32BE(5) & 0x7fff_ffff;
      const payload = this.#unread.subarray(9, 9 + length);
      this.#unread = this.#unread.subarray(9 + length);
      this.#arrived({ type, flags, streamId, payload });
    }
    this.#wake();
  }

  #arrived(received: Frame): void {
    let frame = received;
    if (received.type === FrameType.headers || received.type === FrameType.continuation) {
      const isFirst = received.type === FrameType.headers;
      if (isFirst) this.#headers = { block: [], flags: received.flags };
      // nghttp2 and grpc-go never pad or prioritise headers.
      this.#headers.block.push(received.payload);
      if ((received.flags & Flag.endHeaders) === 0) return;
      const headers = this.#decoder.decode(Buffer.concat(this.#headers.block));
      frame = { ...received, type: FrameType.headers, flags: this.#headers.flags | Flag.endHeaders, headers };
    }
    if (this.isPolite) this.#beNice(frame);
    this.#frames.push(frame);
    this.onFrame(frame);
  }

  #beNice({ type, flags, payload, streamId }: Frame): void {
    if (type === FrameType.settings && (flags & Flag.ack) === 0) this.send(frame(FrameType.settings, Flag.ack, 0));
    if (type === FrameType.ping && (flags & Flag.ack) === 0) this.send(frame(FrameType.ping, Flag.ack, 0, payload));
    if (type === FrameType.data && payload.length > 0) {
      this.send(windowUpdate(0, payload.length));
      if ((flags & Flag.endStream) === 0) this.send(windowUpdate(streamId, payload.length));
    }
  }
}

/** Value of a header; undefined where it is missing. */
export function header(frame: Frame, name: string): string | undefined {
  return frame.headers?.find(([key]) => key === name)?.[1];
}

/** A client: connected, preface and SETTINGS sent. */
export class RawClient extends RawConnection {
  #nextId = 1;

  /** Opens a stream; without `message` only headers are sent. Returns its id. */
  request(path: string, { message, endStream = true, extra = [] }: RequestOptions = {}): number {
    const id = this.#nextId;
    this.#nextId += 2;
    const block = encodeHeaders([...requestHeaders(path), ...extra]);
    this.send(headerFrames(id, block, endStream && message === undefined));
    if (message !== undefined) {
      this.send(frame(FrameType.data, endStream ? Flag.endStream : 0, id, grpcMessage(message)));
    }
    return id;
  }
}

export interface RequestOptions {
  readonly message?: Buffer;
  readonly endStream?: boolean;
  readonly extra?: readonly Pair[];
}

export function requestHeaders(path: string): Pair[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "peer.test"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
}

/** Connects a bare socket to `unix://PATH` or `tcp://HOST:PORT`. */
export async function connectSocket(address: string): Promise<Socket> {
  const rest = address.slice(address.indexOf("://") + 3);
  const colon = rest.lastIndexOf(":");
  const socket = address.startsWith("unix://")
    ? connect(rest)
    : connect({ host: rest.slice(0, colon), port: Number(rest.slice(colon + 1)) });
  await once(socket, "connect");
  return socket;
}

export async function connectRaw(address: string, options: RawOptions = {}): Promise<RawClient> {
  const client = new RawClient(await connectSocket(address), false, options);
  client.send(PREFACE, settings([Setting.enablePush, 0]));
  return client;
}

export interface RawServer {
  readonly connections: ReadonlySet<RawConnection>;
  close(): Promise<void>;
}

/** Listens on a unix socket and hands out connections; sending SETTINGS is left to `accept`. */
export async function startRawServer(path: string, accept: (connection: RawConnection) => void): Promise<RawServer> {
  const connections = new Set<RawConnection>();
  const server = createServer((socket) => {
    const connection = new RawConnection(socket, true);
    connections.add(connection);
    socket.once("close", () => connections.delete(connection));
    accept(connection);
  }).listen(path);
  await once(server, "listening");
  return {
    connections,
    close: async () => {
      for (const connection of connections) connection.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
