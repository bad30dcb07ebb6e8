/** The compact form in which an index keeps a graph: numbers, then every distinct string once. */
import type { CacheGraph, CacheInput, CacheLayer, CacheRecord, CacheResult } from "./cache-graph.js";
import type { Digest } from "./digest.js";

/** Sizes of blobs go over 32 bits. */
const WORD = 2 ** 32;

class GraphWriter {
  readonly #words: number[] = [];
  readonly #strings = new Map<string, number>();

  number(value: number): void {
    this.#words.push(value);
  }

  text(value: string): void {
    let index = this.#strings.get(value);
    if (index === undefined) {
      index = this.#strings.size;
      this.#strings.set(value, index);
    }
    this.#words.push(index);
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.#words.push(items.length);
    items.forEach(write);
  }

  bytes(): Uint8Array {
    const strings = [...this.#strings.keys()];
    const head = [this.#words.length, strings.length, ...strings.map(({ length }) => length)];
    const words = Uint32Array.from([...head, ...this.#words]);
    return Buffer.concat([new Uint8Array(words.buffer), Buffer.from(strings.join(""), "utf8")]);
  }
}

/** Equal graphs give equal bytes. */
export function graphToBytes({ layers, records }: CacheGraph): Uint8Array {
  const writer = new GraphWriter();
  writer.list(layers, ({ blob, parent }) => {
    writer.text(blob.digest);
    writer.number(blob.sizeBytes % WORD);
    writer.number(Math.floor(blob.sizeBytes / WORD));
    writer.text(blob.mediaType);
    writer.number(parent + 1);
    writer.list(Object.entries(blob.annotations), ([key, value]) => {
      writer.text(key);
      writer.text(value);
    });
  });
  writer.list(records, ({ digest, inputs, results }) => {
    writer.text(digest);
    writer.list(inputs, (alternatives) => {
      writer.list(alternatives, ({ selector, link }) => {
        writer.text(selector);
        writer.number(link);
      });
    });
    writer.list(results, ({ layer, createdAt }) => {
      writer.number(layer);
      writer.text(createdAt);
    });
  });
  return writer.bytes();
}

class GraphReader {
  readonly #words: Uint32Array;
  readonly #strings: readonly string[];
  #at = 0;

  constructor(bytes: Uint8Array) {
    // A copy begins at a multiple of four, which the words need.
    const { buffer } = new Uint8Array(bytes);
    const [wordCount = 0, stringCount = 0] = new Uint32Array(buffer, 0, 2);
    const lengths = new Uint32Array(buffer, 8, stringCount);
    this.#words = new Uint32Array(buffer, 8 + 4 * stringCount, wordCount);
    // One text of which all strings are slices: far cheaper than to decode each.
    const text = Buffer.from(buffer, 8 + 4 * (stringCount + wordCount)).toString("utf8");
    const strings: string[] = [];
    let from = 0;
    for (const length of lengths) strings.push(text.slice(from, (from += length)));
    this.#strings = strings;
  }

  number(): number {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new Error("a graph in the index is cut short");
    return word;
  }

  text(): string {
    const text = this.#strings[this.number()];
    if (text === undefined) throw new Error("a graph in the index names a string that is not there");
    return text;
  }

  list<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.number(); left > 0; left -= 1) items.push(read());
    return items;
  }
}

const readInput = (reader: GraphReader): CacheInput => ({ selector: reader.text(), link: reader.number() });

const readResult = (reader: GraphReader): CacheResult => ({ layer: reader.number(), createdAt: reader.text() });

function readLayer(reader: GraphReader): CacheLayer {
  // It was a digest when it was written.
  const digest = reader.text() as Digest;
  const sizeBytes = reader.number() + WORD * reader.number();
  const mediaType = reader.text();
  const parent = reader.number() - 1;
  const annotations = Object.fromEntries(reader.list(() => [reader.text(), reader.text()] as const));
  return { blob: { digest, sizeBytes, mediaType, annotations }, parent };
}

const readRecord = (reader: GraphReader): CacheRecord => ({
  digest: reader.text(),
  inputs: reader.list(() => reader.list(() => readInput(reader))),
  results: reader.list(() => readResult(reader)),
});

/** Reads what `graphToBytes` wrote; throws where the bytes are cut short. */
export function graphFromBytes(bytes: Uint8Array): CacheGraph {
  const reader = new GraphReader(bytes);
  const layers = reader.list(() => readLayer(reader));
  return { layers, records: reader.list(() => readRecord(reader)) };
}
