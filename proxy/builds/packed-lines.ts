/** Large values as compressed lines of JSON, made and read in slices, so that nothing else waits for a large build. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { deflate, inflate } from "node:zlib";

const LINE_END = 10;
/** Fast: what a higher one saves is little where most of it is hashes. */
const COMPRESSION_LEVEL = 1;

const deflated = promisify<Buffer, { readonly level: number }, Buffer>(deflate);
const inflated = promisify<Uint8Array, Buffer>(inflate);

/** One line for each value, which must not change meanwhile. */
export async function jsonLines(values: Iterable<unknown>): Promise<Buffer> {
  const lines: string[] = [];
  for (const value of values) {
    if (lines.length > 0) await nextTurn();
    lines.push(JSON.stringify(value), "\n");
  }
  return Buffer.from(lines.join(""));
}

export const pack = (lines: Buffer): Promise<Buffer> => deflated(lines, { level: COMPRESSION_LEVEL });

/** The values of the lines. @throws Error where the bytes are damaged */
export async function* unpack(bytes: Uint8Array): AsyncGenerator {
  const lines = await inflated(bytes);
  for (let start = 0; start < lines.length;) {
    const found = lines.indexOf(LINE_END, start);
    const end = found === -1 ? lines.length : found;
    if (start > 0) await nextTurn();
    const value: unknown = JSON.parse(lines.toString("utf8", start, end));
    yield value;
    start = end + 1;
  }
}

/** Cuts a list into parts, each of which makes a line. */
export function* slices<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}
