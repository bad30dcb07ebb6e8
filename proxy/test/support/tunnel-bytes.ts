/** Bytes of a session's tunnel for tests, independent of the product's framing: the client serves, the builder calls. */
import { Duplex } from "node:stream";
import protobuf from "protobufjs";
import type { TunnelReader } from "../../buildkit/tunnel/tunnel-reader.js";
import { encodeHeaders, type Pair } from "./raw-hpack.js";
import {
  Flag,
  frame,
  FrameType,
  grpcMessage,
  headerFrames,
  OK,
  PREFACE,
  requestHeaders,
  RESPONSE,
} from "./raw-http2.js";
import { settings } from "./raw-http2.js";

export const DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy";

export type Party = "client" | "builder";
export interface Passing {
  readonly from: Party;
  readonly bytes: Buffer;
}

export interface StatFields {
  readonly path: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly modTimeNs?: bigint;
  readonly linkname?: string;
}

export interface PacketFields {
  readonly type?: number;
  readonly stat?: StatFields;
  readonly id?: number;
  readonly data?: Buffer;
}

/** BytesMessage in a gRPC message, as the body of the session's call has it. */
export function bytesMessage(data: Buffer): Buffer {
  return grpcMessage(Buffer.from(protobuf.Writer.create().uint32(0x0a).bytes(data).finish()));
}

export function stat(fields: StatFields): Buffer {
  const writer = protobuf.Writer.create().uint32(0x0a).string(fields.path);
  if (fields.mode !== undefined) writer.uint32(0x10).uint32(fields.mode);
  if (fields.uid !== undefined) writer.uint32(0x18).uint32(fields.uid);
  if (fields.gid !== undefined) writer.uint32(0x20).uint32(fields.gid);
  if (fields.size !== undefined) writer.uint32(0x28).int64(fields.size);
  if (fields.modTimeNs !== undefined) writer.uint32(0x30).int64(String(fields.modTimeNs));
  if (fields.linkname !== undefined) writer.uint32(0x3a).string(fields.linkname);
  // A device number and an extended attribute, which are not read.
  writer
    .uint32(0x40)
    .int64(8)
    .uint32(0x52)
    .bytes(Buffer.from([0x0a, 1, 0x61, 0x12, 1, 0x62]));
  return Buffer.from(writer.finish());
}

/** One packet as a gRPC message; {} ends the list of files. */
export function packet({ type = 0, stat: fields, id = 0, data }: PacketFields): Buffer {
  const writer = protobuf.Writer.create();
  if (type !== 0) writer.uint32(0x08).uint32(type);
  if (fields !== undefined) writer.uint32(0x12).bytes(stat(fields));
  if (id !== 0) writer.uint32(0x18).uint32(id);
  if (data !== undefined) writer.uint32(0x22).bytes(data);
  return grpcMessage(Buffer.from(writer.finish()));
}

export const request = (id: number): Buffer => packet({ type: 1, id });
/** Bytes of a file; none end it. */
export const data = (id: number, bytes?: Buffer): Buffer =>
  packet(bytes === undefined ? { type: 2, id } : { type: 2, id, data: bytes });
export const FINISH: Buffer = packet({ type: 3 });

/** What passes through a tunnel, in the order in which it does. */
export class TunnelScript {
  readonly passed: Passing[] = [];

  constructor() {
    this.add("builder", PREFACE, settings());
    this.add("client", settings());
  }

  /** Frames of one party, in one BytesMessage. */
  add(from: Party, ...frames: readonly Buffer[]): this {
    this.passed.push({ from, bytes: bytesMessage(Buffer.concat(frames)) });
    return this;
  }

  /** The builder calls. */
  call(streamId: number, path: string, metadata: readonly Pair[] = []): this {
    return this.add("builder", headerFrames(streamId, encodeHeaders([...requestHeaders(path), ...metadata]), false));
  }

  /** DATA frames, one for each of the contents. */
  send(from: Party, streamId: number, ...contents: readonly Buffer[]): this {
    return this.add(from, ...contents.map((content) => frame(FrameType.data, 0, streamId, content)));
  }

  /** The client's first headers. */
  answer(streamId: number): this {
    return this.add("client", headerFrames(streamId, encodeHeaders(RESPONSE), false));
  }

  /** The client's trailers, then the end of what the builder sends. */
  end(streamId: number, trailers: readonly Pair[] = OK): this {
    this.add("client", headerFrames(streamId, encodeHeaders(trailers), true));
    return this.add("builder", frame(FrameType.data, Flag.endStream, streamId));
  }
}

/** Hands each piece to the reader and spoils it afterwards: nothing of it may be needed later. */
export function replay(reader: TunnelReader, passed: readonly Passing[]): void {
  for (const { from, bytes } of passed) {
    const piece = Buffer.from(bytes);
    if (from === "client") reader.fromClient(piece);
    else reader.fromBuilder(piece);
    if (!piece.equals(bytes)) throw new Error("the reader changed what passes");
    piece.fill(0xff);
  }
}

/** The same bytes in other pieces: `sizes` are used in turn, over and over. */
export function cut(passed: readonly Passing[], sizes: readonly number[]): Passing[] {
  const pieces: Passing[] = [];
  for (const { from, bytes } of passed) {
    for (let at = 0; at < bytes.length;) {
      const end = at + (sizes[pieces.length % sizes.length] ?? bytes.length);
      pieces.push({ from, bytes: bytes.subarray(at, end) });
      at = end;
    }
  }
  return pieces;
}

/** Two ends of a connection without a network; `onBytes` sees what each party sends. */
export function connectedPair(onBytes: (passing: Passing) => void): Record<Party, Duplex> {
  const end = (from: Party, other: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        onBytes({ from, bytes: Buffer.from(bytes) });
        other().push(bytes);
        done();
      },
      final: (done) => {
        other().push(null);
        done();
      },
    });
  const client: Duplex = end("client", () => builder);
  const builder: Duplex = end("builder", () => client);
  return { client, builder };
}
