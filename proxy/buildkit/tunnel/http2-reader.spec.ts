/** Promises of the HTTP/2 reader; nghttp2, within node:http2, is the other implementation of HPACK. */
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { ServerHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders, Settings } from "node:http2";
import { expect } from "chai";
import fc from "fast-check";
import { encodeHeaders, encodeIndex, encodeIndexed, encodeTableSize } from "../../test/support/raw-hpack.js";
import {
  Flag,
  frame,
  FrameType,
  goAway,
  headerFrames,
  ping,
  PREFACE,
  rstStream,
} from "../../test/support/raw-http2.js";
import { settings, windowUpdate } from "../../test/support/raw-http2.js";
import { connectedPair } from "../../test/support/tunnel-bytes.js";
import { Http2Reader } from "./http2-reader.js";
import type { Http2Listener } from "./http2-reader.js";
import { IllegibleError } from "./illegible-error.js";

/** Notes down what was read; the content of each stream is joined, because how it was cut must not matter. */
class Recorder implements Http2Listener {
  readonly lists: string[][] = [];
  readonly events: string[] = [];
  readonly #content = new Map<number, string>();

  headers(streamId: number, headers: readonly string[]): void {
    this.lists.push([...headers]);
    this.events.push(`headers ${streamId} ${headers.join(" ")}`);
  }

  data(streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#content.set(streamId, (this.#content.get(streamId) ?? "") + bytes.toString("latin1", start, end));
  }

  ended(streamId: number): void {
    this.events.push(`ended ${streamId} ${this.#content.get(streamId) ?? ""}`);
  }

  reset(streamId: number): void {
    this.events.push(`reset ${streamId} ${this.#content.get(streamId) ?? ""}`);
  }
}

const read = (pieces: readonly Buffer[], preface = ""): Recorder => {
  const recorder = new Recorder();
  const reader = new Http2Reader(preface, recorder);
  for (const piece of pieces) reader.push(piece, 0, piece.length);
  return recorder;
};

const cutAt = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
};

/** HEADERS with padding and priority; its block goes on in two CONTINUATION frames. */
const block = Buffer.concat([encodeIndexed(["x-name", "value"]), encodeHeaders([["x-other", "2"]])]);
const STREAM = Buffer.concat([
  settings([1, 65_536], [5, 1 << 20]),
  frame(
    FrameType.headers,
    0x20 | Flag.padded,
    1,
    Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 9]), block.subarray(0, 3), Buffer.alloc(2)]),
  ),
  frame(FrameType.continuation, 0, 1),
  frame(FrameType.continuation, 0, 1, block.subarray(3, 9)),
  frame(FrameType.continuation, Flag.endHeaders, 1, block.subarray(9)),
  ping(),
  frame(FrameType.data, Flag.padded, 1, Buffer.from([3, 0x61, 0x62, 0, 0, 0])),
  frame(FrameType.data, Flag.padded, 1, Buffer.from([0])),
  windowUpdate(0, 7),
  frame(0x63, 0xff, 5, Buffer.from("unknown")),
  headerFrames(3, Buffer.concat([encodeTableSize(65_536), encodeIndex(62)]), false),
  frame(FrameType.data, 0, 3, Buffer.alloc(20_000, "z")),
  frame(FrameType.priority, 0, 3, Buffer.alloc(5)),
  rstStream(3, 8),
  frame(FrameType.data, Flag.endStream, 1, Buffer.from("c")),
  headerFrames(5, encodeIndex(62), true),
  goAway(5, 0, "bye"),
]);
const EVENTS = [
  "headers 1 x-name value x-other 2",
  "headers 3 x-name value",
  `reset 3 ${"z".repeat(20_000)}`,
  "ended 1 abc",
  "headers 5 x-name value",
  "ended 5 ",
];

describe("Http2Reader", () => {
  it("reads headers, content and ends of streams among all kinds of frames", () => {
    expect(read([STREAM]).events).to.deep.equal(EVENTS);
    expect(read([PREFACE, STREAM], PREFACE.toString()).events).to.deep.equal(EVENTS);
  });

  it("reads the same however the bytes are cut", () => {
    const withPreface = Buffer.concat([PREFACE, STREAM]);
    expect(
      read(
        Array.from(withPreface, (byte) => Buffer.from([byte])),
        PREFACE.toString(),
      ).events,
    ).to.deep.equal(EVENTS);
    fc.assert(
      fc.property(
        fc.array(fc.nat(400), { maxLength: 12 }),
        fc.array(fc.nat(STREAM.length), { maxLength: 4 }),
        (a, b) => {
          expect(read(cutAt(withPreface, [...a, ...b]), PREFACE.toString()).events).to.deep.equal(EVENTS);
        },
      ),
    );
  });

  it("passes content on before its frame is complete, without a copy", () => {
    const seen: string[] = [];
    const recorder = new Recorder();
    const received = frame(FrameType.data, 0, 1, Buffer.from("abcdef"));
    recorder.data = (_streamId, bytes, start, end) => {
      expect(bytes).to.equal(received);
      seen.push(bytes.toString("latin1", start, end));
    };
    const reader = new Http2Reader("", recorder);
    reader.push(received, 0, 12);
    expect(seen).to.deep.equal(["abc"]);
    reader.push(received, 12, 15);
    expect(seen).to.deep.equal(["abc", "def"]);
  });

  it("refuses what is no HTTP/2, or goes over a limit", () => {
    const headers = (flags: number, payload: Buffer): Buffer => frame(FrameType.headers, flags, 1, payload);
    const wrong: [what: string, ...bytes: Buffer[]][] = [
      ["CONTINUATION of nothing", frame(FrameType.continuation, Flag.endHeaders, 1)],
      ["a block that PING interrupts", headers(0, block), ping()],
      ["a block that another stream's CONTINUATION interrupts", headers(0, block), frame(FrameType.continuation, 4, 3)],
      ["a block that HEADERS interrupt", headers(0, block), headers(Flag.endHeaders, block)],
      ["PUSH_PROMISE", frame(FrameType.pushPromise, Flag.endHeaders, 1, Buffer.alloc(4))],
      ["padding over the payload", frame(FrameType.data, Flag.padded, 1, Buffer.from([2, 0]))],
      ["padding without its length", frame(FrameType.data, Flag.padded, 1)],
      ["priority over the payload", headers(0x20 | Flag.endHeaders, Buffer.alloc(4))],
      [
        "a header block over 64 KiB",
        headers(0, Buffer.alloc(65_536, 0x82)),
        frame(FrameType.continuation, 0, 1, Buffer.alloc(1)),
      ],
      ["a table over 64 KiB", headers(Flag.endHeaders, encodeTableSize(65_537))],
      ["a header list over 256 KiB", headers(Flag.endHeaders, Buffer.alloc(60_000, 0x82))],
    ];
    for (const [what, ...bytes] of wrong) expect(() => read(bytes), what).to.throw();
    expect(() => read([Buffer.from("PRI * HTTP/1")], PREFACE.toString())).to.throw(IllegibleError, "preface");
  });

  it("decodes what nghttp2 encodes, in both directions, with tables of any size", async () => {
    const name = fc.constantFrom("include-patterns", "x-a", "x-b", "accept", "x-c", "cookie");
    const ascii = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 80,
    });
    const headers = fc.dictionary(name, fc.array(ascii, { minLength: 1, maxLength: 4 }), { maxKeys: 5 });
    const tableBytes = fc.constantFrom(0, 100, 4096, 65_536);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(headers, headers), { minLength: 1, maxLength: 8 }),
        tableBytes,
        compareWithNghttp2,
      ),
      { numRuns: 25 },
    );
  });
});

/** Makes calls one after another and compares what nghttp2 received with what the reader saw. */
async function compareWithNghttp2(
  calls: readonly (readonly [OutgoingHttpHeaders, OutgoingHttpHeaders])[],
  headerTableSize: number,
): Promise<void> {
  const seen = { builder: new Recorder(), client: new Recorder() };
  const readers = {
    builder: new Http2Reader(PREFACE.toString(), seen.builder),
    client: new Http2Reader("", seen.client),
  };
  const ends = connectedPair(({ from, bytes }) => {
    readers[from].push(bytes, 0, bytes.length);
  });
  const received: Record<"builder" | "client", string[][]> = { builder: [], client: [] };
  const announced: Settings = { headerTableSize };
  const server = createServer({ settings: announced });
  let answered: OutgoingHttpHeaders = {};
  server.on("stream", (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    received.builder.push(raw);
    stream.respond(answered, { endStream: true });
  });
  server.emit("connection", ends.client);
  const session = connect("http://tunnel.test", { createConnection: () => ends.builder, settings: announced });
  await once(session, "remoteSettings");
  for (const [asked, answer] of calls) {
    answered = answer;
    const call = session.request({ ":path": "/a/b", ":method": "POST", ...asked });
    call.on("response", (_headers, _flags, raw?: string[]) => received.client.push(raw ?? []));
    call.end().resume();
    await once(call, "close");
  }
  session.close();
  await once(session, "close");
  server.close();
  expect(seen.builder.lists).to.deep.equal(received.builder);
  expect(seen.client.lists).to.deep.equal(received.client);
  expect(seen.client.lists).to.have.length(calls.length);
}
