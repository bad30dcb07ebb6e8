/** HPACK decoder: static and dynamic table, Huffman, and limits on what a peer may make us hold (RFC 7541). */
import { decodeHuffman } from "./huffman.js";
import { STATIC_TABLE } from "./hpack-static-table.js";

/** Bytes that each table entry counts on top of its name and value (RFC 7541 §4.1). */
const ENTRY_OVERHEAD_BYTES = 32;
/** The size that both ends start with; our connections announce no other (RFC 9113 §6.5.2). */
const DEFAULT_TABLE_MAX_BYTES = 4096;

/** A header block that cannot be decoded: the connection's compression state is lost with it. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}

export interface HpackDecoderOptions {
  /** Limit of one decoded list, counted as SETTINGS_MAX_HEADER_LIST_SIZE counts: name, value and 32 bytes each. */
  readonly listMaxBytes: number;
  /** The largest table that the peer may go over to; the default size where it was offered no other. */
  readonly tableMaxBytes?: number;
}

export class HpackDecoder {
  readonly #listMaxBytes: number;
  readonly #tableMaxBytes: number;
  /** Newest first. */
  readonly #dynamic: (readonly [name: string, value: string])[] = [];
  #dynamicBytes = 0;
  #dynamicMaxBytes = DEFAULT_TABLE_MAX_BYTES;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(options: HpackDecoderOptions) {
    this.#listMaxBytes = options.listMaxBytes;
    this.#tableMaxBytes = options.tableMaxBytes ?? DEFAULT_TABLE_MAX_BYTES;
  }

  /**
   * Names and values of a complete header block, in order.
   *
   * @throws HpackError where the block is malformed or the list too large; the decoder must not be used after that.
   */
  decode(block: Buffer): string[] {
    this.#block = block;
    this.#at = 0;
    const headers: string[] = [];
    let listBytes = 0;
    while (this.#at < block.length) {
      const field = this.#readField(headers.length === 0);
      if (field === undefined) continue;
      listBytes += entryBytes(field);
      if (listBytes > this.#listMaxBytes) throw new HpackError(`header list over ${this.#listMaxBytes} bytes`);
      headers.push(field[0], field[1]);
    }
    return headers;
  }

  #readField(isFirst: boolean): readonly [string, string] | undefined {
    const first = this.#block[this.#at] ?? 0;
    if ((first & 0x80) !== 0) return this.#entry(this.#readInteger(7));
    if ((first & 0xc0) === 0x40) {
      const field = this.#readLiteral(6);
      this.#insert(field);
      return field;
    }
    if ((first & 0xe0) === 0x20) {
      if (!isFirst) throw new HpackError("table size update after a field");
      this.#resize(this.#readInteger(5));
      return undefined;
    }
    return this.#readLiteral(4);
  }

  #readLiteral(prefixBits: number): readonly [string, string] {
    const index = this.#readInteger(prefixBits);
    const name = index === 0 ? this.#readString() : this.#entry(index)[0];
    return [name, this.#readString()];
  }

  #readInteger(prefixBits: number): number {
    const limit = (1 << prefixBits) - 1;
    let value = this.#nextByte() & limit;
    if (value < limit) return value;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new HpackError("integer too large");
      const byte = this.#nextByte();
      value += (byte & 127) << shift;
      if ((byte & 128) === 0) return value;
    }
  }

  #readString(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#readInteger(7);
    const end = this.#at + length;
    if (end > this.#block.length) throw new HpackError("string longer than its block");
    const coded = this.#block.subarray(this.#at, end);
    this.#at = end;
    const bytes = isHuffman ? decodeHuffman(coded) : coded;
    if (bytes === undefined) throw new HpackError("invalid Huffman coding");
    return bytes.toString("latin1");
  }

  #nextByte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new HpackError("header block ends early");
    return byte;
  }

  #entry(index: number): readonly [string, string] {
    const entry = STATIC_TABLE[index - 1] ?? this.#dynamic[index - 1 - STATIC_TABLE.length];
    if (entry === undefined) throw new HpackError(`no table entry ${index}`);
    return entry;
  }

  #insert(field: readonly [string, string]): void {
    this.#dynamic.unshift(field);
    this.#dynamicBytes += entryBytes(field);
    this.#evict();
  }

  #resize(maxBytes: number): void {
    if (maxBytes > this.#tableMaxBytes) throw new HpackError(`table size ${maxBytes} over what we allow`);
    this.#dynamicMaxBytes = maxBytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#dynamicBytes > this.#dynamicMaxBytes) {
      const oldest = this.#dynamic.pop();
      if (oldest === undefined) return;
      this.#dynamicBytes -= entryBytes(oldest);
    }
  }
}

function entryBytes([name, value]: readonly [string, string]): number {
  return name.length + value.length + ENTRY_OVERHEAD_BYTES;
}
