/** Promises of the tunnel reader. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import { expect } from "chai";
import fc from "fast-check";
import { encodeHeaders } from "../../test/support/raw-hpack.js";
import { grpcMessage, headerFrames, requestHeaders, rstStream } from "../../test/support/raw-http2.js";
import {
  bytesMessage,
  connectedPair,
  cut,
  data,
  DIFF_COPY,
  FINISH,
  packet,
  replay,
  request,
  TunnelScript,
} from "../../test/support/tunnel-bytes.js";
import type { Passing } from "../../test/support/tunnel-bytes.js";
import type { FileTransfer } from "./file-transfer.js";
import { TunnelReader } from "./tunnel-reader.js";

const KEY = Buffer.from("the key of these tests");
const MODE = 0o644;
const MODIFIED_NS = 1_700_000_000_250_500_000n;

interface Reading {
  readonly transfers: FileTransfer[];
  readonly reader: TunnelReader;
}

const newReading = (): Reading => {
  const transfers: FileTransfer[] = [];
  return { transfers, reader: new TunnelReader({ hashKey: KEY, onTransfer: (transfer) => transfers.push(transfer) }) };
};

const readAll = (passed: readonly Passing[]): Reading => {
  const reading = newReading();
  replay(reading.reader, passed);
  reading.reader.ended();
  return reading;
};

const hashOf = (bytes: Buffer | string): string =>
  createHmac("sha256", KEY).update(bytes).digest("base64url").slice(0, 22);

const context = (streamId = 1): TunnelScript => new TunnelScript().call(streamId, DIFF_COPY, [["dir-name", "context"]]);

const LARGE = Buffer.alloc(50_000, "large ");

/** A session with two transfers at the same time, among other calls. */
function session(): TunnelScript {
  return new TunnelScript()
    .call(1, "/grpc.health.v1.Health/Check")
    .call(3, DIFF_COPY, [
      ["dir-name", "dockerfile"],
      ["include-patterns", "Dockerfile"],
      ["include-patterns", "Dockerfile.dockerignore"],
      ["followpaths", "a%2Fb+c"],
      ["followpaths", "d"],
      ["followpaths-encoded", "1"],
    ])
    .call(5, DIFF_COPY, [
      ["dir-name", "context"],
      ["exclude-patterns", "*.log+"],
    ])
    .add("client", headerFrames(1, encodeHeaders([[":status", "200"]]), false))
    .answer(3)
    .answer(5)
    .send("client", 1, grpcMessage(Buffer.from([8, 1])))
    .send(
      "client",
      3,
      packet({ stat: { path: "Dockerfile", mode: MODE, uid: 1000, gid: 100, size: 11, modTimeNs: MODIFIED_NS } }),
    )
    .send("client", 5, packet({ stat: { path: "dir", mode: 0x8000_01ed } }))
    .send("client", 3, packet({}))
    .send("builder", 3, request(0))
    .send(
      "client",
      5,
      packet({ stat: { path: "dir/größe", mode: MODE, size: LARGE.length, modTimeNs: MODIFIED_NS } }),
      packet({ stat: { path: "dir/link", mode: 0x0800_01ff, linkname: "größe" } }),
      packet({ stat: { path: "empty", mode: MODE } }),
      packet({ stat: { path: "kept", mode: MODE, size: 5 } }),
      packet({}),
    )
    .send("builder", 5, request(1), request(3))
    .send("client", 3, data(0, Buffer.from("FROM ")), data(0, Buffer.from("alpine")), data(0))
    .send("client", 5, data(1, LARGE.subarray(0, 10_000)))
    .send("client", 5, data(3), data(1, LARGE.subarray(10_000)), data(1))
    .send("builder", 3, FINISH)
    .send("client", 3, FINISH)
    .end(3)
    .send("builder", 5, FINISH)
    .send("client", 5, FINISH)
    .end(5)
    .end(1);
}

const entry = { mode: MODE, uid: 0, gid: 0, sizeBytes: 0, modifiedAtMs: 0, linkname: "", wasRequested: false };
const TRANSFERS: FileTransfer[] = [
  {
    name: "dockerfile",
    includePatterns: ["Dockerfile", "Dockerfile.dockerignore"],
    excludePatterns: [],
    followPaths: ["a/b c", "d"],
    files: [
      {
        path: "Dockerfile",
        mode: MODE,
        uid: 1000,
        gid: 100,
        sizeBytes: 11,
        modifiedAtMs: 1_700_000_000_250.5,
        linkname: "",
        wasRequested: true,
        contentHash: hashOf("FROM alpine"),
      },
    ],
    isComplete: true,
    sentBytes: 11,
  },
  {
    name: "context",
    includePatterns: [],
    excludePatterns: ["*.log+"],
    followPaths: [],
    files: [
      { ...entry, path: "dir", mode: 0x8000_01ed },
      {
        ...entry,
        path: "dir/größe",
        sizeBytes: LARGE.length,
        modifiedAtMs: 1_700_000_000_250.5,
        wasRequested: true,
        contentHash: hashOf(LARGE),
      },
      { ...entry, path: "dir/link", mode: 0x0800_01ff, linkname: "größe" },
      { ...entry, path: "empty", wasRequested: true, contentHash: hashOf("") },
      { ...entry, path: "kept", sizeBytes: 5 },
    ],
    isComplete: true,
    sentBytes: LARGE.length,
  },
];

describe("TunnelReader", () => {
  it("reports each transfer of files once, at its end", () => {
    const { reader, transfers } = newReading();
    const { passed } = session();
    replay(reader, passed);
    expect(transfers).to.deep.equal(TRANSFERS);
    reader.ended();
    expect(transfers).to.have.length(2);
    expect(reader.isLegible).to.equal(true);
  });

  it("reports the same however the bytes are cut", () => {
    const { passed } = session();
    for (const size of [1, 2, 3, 7, 4096])
      expect(readAll(cut(passed, [size])).transfers, `by ${size}`).to.deep.equal(TRANSFERS);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        expect(readAll(cut(passed, sizes)).transfers).to.deep.equal(TRANSFERS);
      }),
      { numRuns: 30 },
    );
  });

  it("reports what was seen of a transfer that breaks off", () => {
    const begun = (): TunnelScript =>
      context()
        .send("client", 1, packet({ stat: { path: "a", mode: MODE, size: 9 } }), packet({}))
        .send("builder", 1, request(0))
        .send("client", 1, data(0, Buffer.from("some")));
    const seen = {
      name: "context",
      includePatterns: [],
      excludePatterns: [],
      followPaths: [],
      files: [{ ...entry, path: "a", sizeBytes: 9, wasRequested: true }],
      isComplete: false,
      sentBytes: 4,
    };
    const breaks: Record<string, TunnelScript> = {
      "the session ends": begun(),
      "the builder resets": begun().add("builder", rstStream(1, 8)),
      "the client resets": begun().add("client", rstStream(1, 2)),
      "the client ends with an error": begun().end(1, [["grpc-status", "2"]]),
      "a packet cannot be read": begun()
        .send("client", 1, Buffer.from([0, 0, 0, 0, 1, 0xff]))
        .end(1),
      "a message is compressed": begun()
        .send("client", 1, Buffer.from([1, 0, 0, 0, 0]))
        .end(1),
    };
    for (const [what, script] of Object.entries(breaks)) {
      const { reader, transfers } = readAll(script.passed);
      expect(transfers, what).to.deep.equal([seen]);
      expect(reader.isLegible, what).to.equal(true);
    }
  });

  it("goes on with other calls where one cannot be read", () => {
    const { transfers } = readAll([
      ...context(9).send("client", 9, Buffer.alloc(100, 0xff)).passed,
      // Without the preface and SETTINGS, which came already.
      ...session().passed.slice(2),
    ]);
    expect(transfers).to.deep.equal([
      ...TRANSFERS,
      {
        ...TRANSFERS[0],
        name: "context",
        includePatterns: [],
        followPaths: [],
        files: [],
        isComplete: false,
        sentBytes: 0,
      },
    ]);
  });

  it("stops at what it cannot follow, and says so", () => {
    const wrong: Record<string, Buffer> = {
      "not a BytesMessage": grpcMessage(Buffer.from([0x12, 1, 0])),
      "a compressed message": Buffer.from([1, 0, 0, 0, 2, 0x0a, 0]),
      "two fields in a message": grpcMessage(Buffer.from([0x0a, 1, 0, 0x10, 0])),
      "a length without an end": grpcMessage(Buffer.alloc(20, 0xff).fill(0x0a, 0, 1)),
      "a header block that cannot be decoded": bytesMessage(headerFrames(3, Buffer.from([0xff, 0xff, 0xff]), false)),
    };
    for (const [what, bytes] of Object.entries(wrong)) {
      const { reader, transfers } = newReading();
      replay(reader, context().send("client", 1, packet({ stat: { path: "a" } })).passed);
      reader.fromClient(bytes);
      expect(reader.isLegible, what).to.equal(false);
      expect(
        transfers.map(({ files, isComplete }) => [files.length, isComplete]),
        what,
      ).to.deep.equal([[1, false]]);
      replay(reader, session().passed);
      reader.ended();
      expect(transfers, what).to.have.length(1);
      expect(reader.isLegible, what).to.equal(false);
    }
  });

  it("takes no harm from a receiver that throws", () => {
    const reader = new TunnelReader({
      hashKey: KEY,
      onTransfer: () => {
        throw new Error("no room");
      },
    });
    replay(reader, session().passed);
    reader.ended();
    expect(reader.isLegible).to.equal(false);
  });

  it("throws nothing on any bytes, from either side", () => {
    const piece = fc.record({
      from: fc.constantFrom("client" as const, "builder" as const),
      bytes: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    });
    const wrapped = piece.map(({ from, bytes }) => ({ from, bytes: bytesMessage(bytes) }));
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, wrapped), { maxLength: 10 }), fc.boolean(), (pieces, isBegun) => {
        readAll(isBegun ? [...context().passed, ...pieces] : pieces);
      }),
    );
  });

  it("throws nothing on a session with spoiled bits, or without its end, and keeps within what was sent", () => {
    const { passed } = session();
    const total = passed.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const spoiled = fc.tuple(
      fc.array(fc.tuple(fc.nat(passed.length - 1), fc.nat(400), fc.nat(7)), { maxLength: 5 }),
      fc.nat(passed.length),
    );
    fc.assert(
      fc.property(spoiled, ([flips, length]) => {
        const copies = passed.slice(0, length).map(({ from, bytes }) => ({ from, bytes: Buffer.from(bytes) }));
        for (const [i, at, bit] of flips) {
          const bytes = copies[i]?.bytes;
          if (bytes !== undefined) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
        }
        for (const { files, sentBytes } of readAll(copies).transfers) {
          expect(sentBytes).to.be.at.most(total);
          expect(files.length).to.be.at.most(total);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("reads what node:http2 makes of the same calls", async () => {
    const { reader, transfers } = newReading();
    const ends = connectedPair(({ from, bytes }) => {
      replay(reader, [{ from, bytes: bytesMessage(bytes) }]);
    });
    const server = createServer();
    server.on("stream", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        stream.sendTrailers({ "grpc-status": "0" });
      });
      stream.write(Buffer.concat([packet({ stat: { path: "a", mode: MODE, size: LARGE.length } }), packet({})]));
      stream.once("data", () => {
        stream.end(Buffer.concat([data(0, LARGE), data(0), FINISH]));
      });
    });
    server.emit("connection", ends.client);
    const calls = connect("http://tunnel.test", { createConnection: () => ends.builder });
    for (const pattern of ["first", "second", "second", "größe"]) {
      const headers = Object.fromEntries(requestHeaders(DIFF_COPY));
      const call = calls.request({
        ...headers,
        "dir-name": "context",
        "exclude-patterns": ["*.md", encodeURIComponent(pattern)],
        "exclude-patterns-encoded": "1",
      });
      // The builder asks once it has the list.
      call.once("data", () => call.write(request(0)));
      await once(call, "end");
      call.end();
    }
    calls.close();
    await once(calls, "close");
    server.close();
    expect(transfers.map(({ excludePatterns }) => excludePatterns[1])).to.deep.equal([
      "first",
      "second",
      "second",
      "größe",
    ]);
    for (const transfer of transfers) {
      expect(transfer.isComplete).to.equal(true);
      expect(transfer.files).to.deep.equal([
        { ...entry, path: "a", sizeBytes: LARGE.length, wasRequested: true, contentHash: hashOf(LARGE) },
      ]);
    }
  });
});
