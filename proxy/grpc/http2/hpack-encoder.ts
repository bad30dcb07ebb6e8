/** HPACK encoder for header lists: static indexes and plain literals, no dynamic table, so that it keeps no state. */
import type { HeaderList } from "./header-list.js";
import { STATIC_TABLE } from "./hpack-static-table.js";

const INDEXED = 0x80;
/**
 * A literal that no one on the way may put into a compression table. All of ours are: what a client marks so must stay
 * so (RFC 7541 §7.1.3), and nobody behind us loses by it.
 */
const LITERAL_NEVER_INDEXED = 0x10;
const TABLE_SIZE_UPDATE_ZERO = 0x20;

const nameIndexes = new Map<string, number>();
const fieldIndexes = new Map<string, number>();
STATIC_TABLE.forEach(([name, value], i) => {
  if (!nameIndexes.has(name)) nameIndexes.set(name, i + 1);
  fieldIndexes.set(`${name}\n${value}`, i + 1);
});

/**
 * Header block of `headers`. Each begins with "dynamic table size 0": whatever size the peer then announces, we stay
 * within it and never have to answer a change (RFC 7541 §4.2).
 */
export function encodeHeaders(headers: HeaderList): Buffer {
  let maxBytes = 1;
  for (const text of headers) maxBytes += text.length + MAX_PREFIX_BYTES;
  const block = Buffer.allocUnsafe(maxBytes);
  block[0] = TABLE_SIZE_UPDATE_ZERO;
  let at = 1;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const field = fieldIndexes.get(`${name}\n${value}`);
    if (field !== undefined) {
      at = writeInteger(block, at, INDEXED, 7, field);
      continue;
    }
    const nameIndex = nameIndexes.get(name) ?? 0;
    at = writeInteger(block, at, LITERAL_NEVER_INDEXED, 4, nameIndex);
    if (nameIndex === 0) at = writeString(block, at, name);
    at = writeString(block, at, value);
  }
  return block.subarray(0, at);
}

/** Longest integer that a string length or an index takes here: one prefix byte and 32 bits in groups of seven. */
const MAX_PREFIX_BYTES = 6;

function writeInteger(block: Buffer, at: number, pattern: number, prefixBits: number, value: number): number {
  const limit = (1 << prefixBits) - 1;
  if (value < limit) {
    block[at] = pattern | value;
    return at + 1;
  }
  block[at++] = pattern | limit;
  let rest = value - limit;
  while (rest >= 128) {
    block[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  block[at] = rest;
  return at + 1;
}

function writeString(block: Buffer, at: number, text: string): number {
  const start = writeInteger(block, at, 0, 7, text.length);
  return start + block.write(text, start, "latin1");
}
