/** A file's attributes as fsutil sends them (`Stat`, types/stat.proto of tonistiigi/fsutil). */
import protobuf from "protobufjs";
import { IllegibleError } from "./illegible-error.js";
import { Varint } from "./varint.js";

const NANOSECONDS_PER_MS = 1e6;

export interface FileStat {
  path: string;
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  modifiedAtMs: number;
  linkname: string;
}

/**
 * Absent fields have protobuf's defaults; extended attributes and device numbers are not read.
 *
 * @throws IllegibleError | RangeError | Error where this is no such message.
 */
export function parseStat(message: Buffer): FileStat {
  const stat: FileStat = { path: "", mode: 0, uid: 0, gid: 0, sizeBytes: 0, modifiedAtMs: 0, linkname: "" };
  // Read by hand: a list has tens of thousands of them.
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x0a:
        stat.path = reader.string();
        break;
      case 0x10:
        stat.mode = reader.uint32();
        break;
      case 0x18:
        stat.uid = reader.uint32();
        break;
      case 0x20:
        stat.gid = reader.uint32();
        break;
      case 0x28:
        stat.sizeBytes = readInt64(reader);
        break;
      case 0x30:
        stat.modifiedAtMs = readInt64(reader) / NANOSECONDS_PER_MS;
        break;
      case 0x3a:
        stat.linkname = reader.string();
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return stat;
}

/** The nearest number: the reader's own would make an object of it first. */
function readInt64(reader: protobuf.Reader): number {
  const varint = new Varint();
  while (reader.pos < reader.len) {
    const value = varint.push(reader.buf[reader.pos++] ?? 0);
    if (value !== undefined) return value < 2 ** 63 ? value : value - 2 ** 64;
  }
  throw new IllegibleError("number without an end");
}
