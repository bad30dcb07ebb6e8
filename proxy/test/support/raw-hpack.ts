/** HPACK for tests, independent of the product's: encodes plain literals, decodes whatever a correct peer may send. */

export type Pair = readonly [name: string, value: string];

// RFC 7541 Appendix A, entries 1 to 61.
const STATIC_TABLE: readonly Pair[] = (
  ":authority,:method GET,:method POST,:path /,:path /index.html,:scheme http,:scheme https,:status 200,:status 204,:status 206," +
  ":status 304,:status 400,:status 404,:status 500,accept-charset,accept-encoding gzip/ deflate,accept-language,accept-ranges,accept," +
  "access-control-allow-origin,age,allow,authorization,cache-control,content-disposition,content-encoding,content-language," +
  "content-length,content-location,content-range,content-type,cookie,date,etag,expect,expires,from,host,if-match,if-modified-since," +
  "if-none-match,if-range,if-unmodified-since,last-modified,link,location,max-forwards,proxy-authenticate,proxy-authorization,range," +
  "referer,refresh,retry-after,server,set-cookie,strict-transport-security,transfer-encoding,user-agent,vary,via,www-authenticate"
)
  .split(",")
  .map((entry) => {
    const [name = "", ...value] = entry.split(" ");
    return [name, value.join(" ").replace("/ ", ", ")];
  });

// RFC 7541 Appendix B: code lengths of the 256 bytes, A = 5 bits. The code is canonical, so lengths are all it takes.
const HUFFMAN_LENGTHS =
  "ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHFIBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJB" +
  "KABABABBBACCBBBABCBAABCCCCCKGJIXPRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS" +
  "VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWV";

const huffmanCodes = (): ReadonlyMap<string, number> => {
  const symbols = Array.from(Buffer.from(HUFFMAN_LENGTHS), (letter, byte) => ({ byte, bits: letter - 60 })).sort(
    (a, b) => a.bits - b.bits || a.byte - b.byte,
  );
  const codes = new Map<string, number>();
  let code = -1;
  let last = symbols[0]?.bits ?? 0;
  for (const { byte, bits } of symbols) {
    code = (code + 1) * 2 ** (bits - last);
    last = bits;
    codes.set(code.toString(2).padStart(bits, "0"), byte);
  }
  return codes;
};
const HUFFMAN = huffmanCodes();

function decodeHuffman(data: Buffer): string {
  const bytes: number[] = [];
  let code = "";
  for (const bit of [...data].map((byte) => byte.toString(2).padStart(8, "0")).join("")) {
    code += bit;
    const byte = HUFFMAN.get(code);
    if (byte === undefined) continue;
    bytes.push(byte);
    code = "";
  }
  if (code.length > 7 || code.includes("0")) throw new Error("bad Huffman padding");
  return Buffer.from(bytes).toString("latin1");
}

function encodeInteger(value: number, prefixBits: number, pattern: number): Buffer {
  const max = 2 ** prefixBits - 1;
  if (value < max) return Buffer.from([pattern | value]);
  const bytes = [pattern | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function literal(text: string): Buffer {
  const data = Buffer.from(text, "latin1");
  return Buffer.concat([encodeInteger(data.length, 7, 0), data]);
}

/** A header block of literals without indexing, in the order given. */
export function encodeHeaders(pairs: readonly Pair[]): Buffer {
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

/** A literal that goes into the peer's dynamic table. */
export function encodeIndexed([name, value]: Pair): Buffer {
  return Buffer.concat([Buffer.from([0x40]), literal(name), literal(value)]);
}

/** An index into the static and dynamic table. */
export function encodeIndex(index: number): Buffer {
  return encodeInteger(index, 7, 0x80);
}

/** Changes the size of the dynamic table. */
export function encodeTableSize(size: number): Buffer {
  return encodeInteger(size, 5, 0x20);
}

/** The decoder of one direction of one connection: blocks must come in order, the table is carried along. */
export class HeaderDecoder {
  readonly #table: Pair[] = [];
  #data: Buffer = Buffer.alloc(0);
  #at = 0;

  decode(block: Buffer): Pair[] {
    this.#data = block;
    this.#at = 0;
    const pairs: Pair[] = [];
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if (first >= 0x80) pairs.push(this.#entry(this.#integer(7)));
      else if (first >= 0x40) {
        const pair = this.#literal(6);
        this.#table.unshift(pair);
        pairs.push(pair);
      } else if (first >= 0x20) {
        // Every sender here keeps its table at 4096 or less; a size of 0 empties it.
        if (this.#integer(5) === 0) this.#table.length = 0;
      } else pairs.push(this.#literal(4));
      this.#evict();
    }
    return pairs;
  }

  #evict(): void {
    let bytes = 0;
    const fits = this.#table.findIndex(([name, value]) => (bytes += name.length + value.length + 32) > 4096);
    if (fits >= 0) this.#table.length = fits;
  }

  #entry(index: number): Pair {
    const pair = index <= 61 ? STATIC_TABLE[index - 1] : this.#table[index - 62];
    if (pair === undefined) throw new Error(`no HPACK entry ${index}`);
    return pair;
  }

  #literal(prefixBits: number): Pair {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #integer(prefixBits: number): number {
    const max = 2 ** prefixBits - 1;
    let value = (this.#data[this.#at++] ?? 0) & max;
    if (value < max) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#data[this.#at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  #string(): string {
    const isHuffman = (this.#data[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const data = this.#data.subarray(this.#at, (this.#at += length));
    return isHuffman ? decodeHuffman(data) : data.toString("latin1");
  }
}
