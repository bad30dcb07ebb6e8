/** The packets of a file transfer (fsutil's `Packet`), out of the gRPC body of one direction of its call. */
import { IllegibleError } from "./illegible-error.js";
import { MessagePrefix } from "./message-prefix.js";
import { PieceJoiner } from "./piece-joiner.js";
import { Varint } from "./varint.js";

/** A file's attributes; extended attributes are among them. */
const STAT_MAX_BYTES = 64 << 10;

/** Numbers as of tonistiigi/fsutil, types/wire.proto. */
export const PacketType = { Stat: 0, Request: 1, Data: 2, Finish: 3, Error: 4 } as const;
const Field = { Type: 1, Stat: 2, Id: 3, Data: 4 } as const;
const WireType = { Varint: 0, Fixed64: 1, LengthDelimited: 2, Fixed32: 5 } as const;

export interface Packet {
  readonly type: number;
  /** The file: its place in the list, from 0. */
  readonly id: number;
  /** A `Stat` message, valid during the call; undefined ends the list. */
  readonly stat: Buffer | undefined;
  /** Length of the file's bytes; 0 ends the file. */
  readonly dataBytes: number;
}

export interface PacketListener {
  /** A piece of a file's bytes, before the packet that holds them is complete; valid during the call. */
  data(fileId: number, bytes: Buffer, start: number, end: number): void;
  packet(packet: Packet): void;
}

export class PacketReader {
  readonly #listener: PacketListener;
  readonly #prefix = new MessagePrefix();
  readonly #varint = new Varint();
  readonly #stat = new PieceJoiner(STAT_MAX_BYTES);
  #next: "prefix" | "tag" | "varint" | "length" = "prefix";
  /** What is left of the message, and of a field's content within it. */
  #messageBytes = 0;
  #contentBytes = 0;
  #field = 0;
  #type = 0;
  #id = 0;
  #hasStat = false;
  #dataBytes = 0;

  constructor(listener: PacketListener) {
    this.#listener = listener;
  }

  /** @throws IllegibleError where these are no such packets, and whatever the listener throws. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#contentBytes === 0) {
        this.#readByte(bytes[at++] ?? 0);
        continue;
      }
      const taken = Math.min(this.#contentBytes, end - at);
      this.#readContent(bytes, at, at + taken);
      at += taken;
    }
  }

  #readContent(bytes: Buffer, start: number, end: number): void {
    this.#contentBytes -= end - start;
    this.#messageBytes -= end - start;
    if (this.#field === Field.Stat) this.#stat.add(bytes, start, end);
    if (this.#field === Field.Data && this.#type === PacketType.Data) this.#listener.data(this.#id, bytes, start, end);
    if (this.#contentBytes === 0) this.#endField();
  }

  #readByte(byte: number): void {
    if (this.#next === "prefix") {
      const length = this.#prefix.push(byte);
      if (length !== undefined) this.#startMessage(length);
      return;
    }
    if (this.#messageBytes-- === 0) throw new IllegibleError("packet ends within a field");
    const value = this.#varint.push(byte);
    if (value === undefined) return;
    switch (this.#next) {
      case "tag":
        this.#startField(value);
        break;
      case "varint":
        this.#setNumber(value);
        this.#endField();
        break;
      case "length":
        this.#startContent(value);
        break;
    }
  }

  #startMessage(length: number): void {
    this.#messageBytes = length;
    this.#type = PacketType.Stat;
    this.#id = 0;
    this.#hasStat = false;
    this.#dataBytes = 0;
    this.#endField();
  }

  #startField(tag: number): void {
    this.#field = Math.floor(tag / 8);
    switch (tag % 8) {
      case WireType.Varint:
        this.#next = "varint";
        break;
      case WireType.Fixed64:
        this.#startContent(8);
        break;
      case WireType.LengthDelimited:
        this.#next = "length";
        break;
      case WireType.Fixed32:
        this.#startContent(4);
        break;
      default:
        throw new IllegibleError("unknown wire type");
    }
  }

  #startContent(length: number): void {
    if (length > this.#messageBytes) throw new IllegibleError("field over its packet");
    this.#contentBytes = length;
    if (this.#field === Field.Stat) this.#hasStat = true;
    if (this.#field === Field.Data) this.#dataBytes += length;
    if (length === 0) this.#endField();
  }

  #setNumber(value: number): void {
    if (this.#field !== Field.Type && this.#field !== Field.Id) return;
    // Go writes fields in the order of their numbers. In any other, the bytes were taken for another file's.
    if (this.#dataBytes > 0) throw new IllegibleError("file's bytes before its number");
    if (this.#field === Field.Type) this.#type = value;
    else this.#id = value;
  }

  /** The end of a field, or of the prefix: what follows is another field, or another message. */
  #endField(): void {
    this.#next = this.#messageBytes === 0 ? "prefix" : "tag";
    if (this.#next === "tag") return;
    const stat = this.#hasStat ? this.#stat.take() : undefined;
    this.#listener.packet({ type: this.#type, id: this.#id, stat, dataBytes: this.#dataBytes });
  }
}
