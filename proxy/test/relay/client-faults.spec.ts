/** A client that floods, breaks rules or leaves: the builder sees its calls end, other clients notice nothing, nothing is held. */
import { expect } from "chai";
import { once } from "node:events";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { memoryMiB, startBystander, type Bystander } from "../support/bystander.js";
import { Cleanups } from "../support/cleanups.js";
import { makeCertificates } from "../support/certificates.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { dialFlags, spawnPeer, startCall, startPeerServer, type PeerServer } from "../support/peer.js";
import { within } from "../support/poll.js";
import { encodeHeaders, encodeIndex, encodeIndexed, type Pair } from "../support/raw-hpack.js";
import {
  connectRaw,
  connectSocket,
  ErrorCode,
  Flag,
  frame,
  FrameType,
  header,
  headerFrames,
  ping,
  PREFACE,
  requestHeaders,
  rstStream,
  settings,
  type Frame,
  type RawClient,
} from "../support/raw-http2.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

const RUN = "/memobuild.test.v1.Peer/Run";
/** What one client's flood may add to the memory of MemoBuild: the largest header list that it takes, several times over. */
const FLOOD_MAX_MIB = 250;

/** Frames by which a request is refused. */
const REFUSALS: ReadonlySet<number> = new Set([FrameType.rstStream, FrameType.goAway, FrameType.headers]);

/** Headers that tell the Go peer what to do in a call, and under which name to note what it saw. */
const scripted = (id: string, ...steps: readonly object[]): Pair[] => [
  ["x-peer-script", Buffer.from(JSON.stringify(steps)).toString("base64")],
  ["x-peer-call", id],
];

describe("a client's fault", () => {
  let server: PeerServer;
  let memoBuild: MemoBuild;
  let bystander: Bystander;
  const clients: RawClient[] = [];
  const cleanups = new Cleanups();

  before(async () => {
    const dir = await makeTempDir("client");
    cleanups.add(() => removeDir(dir));
    server = await startPeerServer(`unix://${join(dir, "peer.sock")}`);
    cleanups.add(() => server.stop());
    memoBuild = await startMemoBuild({ builder: server.address });
    cleanups.add(() => memoBuild.stop());
    bystander = await startBystander(memoBuild);
    cleanups.add(() => bystander.finish());
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await bystander.isUndisturbed();
  });

  after(async () => {
    await cleanups.run();
  });

  const connect = async (address = `unix://${memoBuild.unixSocket}`): Promise<RawClient> => {
    const client = await connectRaw(address);
    clients.push(client);
    return client;
  };

  /** What the server saw of a call once its handler has returned. */
  const seenByServer = async (id: string): Promise<Readonly<Record<string, unknown>>> => {
    const journal = spawnPeer(["journal", ...dialFlags(server.address), "--id", id]);
    expect(await journal.finish()).to.equal(0);
    return journal.events[0] ?? {};
  };

  describe("leaving", () => {
    const partOfMessage = frame(FrameType.data, 0, 1, Buffer.from([0, 0, 0, 1, 0, 7]));

    for (const [phase, bytes] of [
      ["before a message", Buffer.alloc(0)],
      ["within a message", partOfMessage],
      ["after its half-close", frame(FrameType.data, Flag.endStream, 1)],
    ] as const) {
      it(`by a reset ${phase} cancels the call at the builder`, async () => {
        const client = await connect();
        const id = `reset ${phase}`;
        const stream = client.request(RUN, {
          endStream: false,
          extra: scripted(id, { op: "header" }, { op: "wait-end" }),
        });
        await client.nextOf("headers", stream);
        client.send(bytes, rstStream(stream, ErrorCode.cancel));
        expect(await seenByServer(id)).to.include({ context: "context canceled" });
      });

      it(`by closing its socket ${phase} cancels the call at the builder within a second`, async () => {
        const client = await connect(memoBuild.tcp);
        const id = `close ${phase}`;
        const stream = client.request(RUN, {
          endStream: false,
          extra: scripted(id, { op: "header" }, { op: "wait-end" }),
        });
        await client.nextOf("headers", stream);
        client.send(bytes);
        client.socket.resetAndDestroy();
        const saw = await within(seenByServer(id), 1_000, "the cancel");
        expect(saw).to.include({ context: "context canceled" });
      });
    }

    it("by SIGKILL cancels its calls at the builder within a second", async () => {
      const call = startCall(`unix://${memoBuild.unixSocket}`, [{ op: "header" }, { op: "wait-end" }], "killed");
      await call.event("header");
      call.kill();
      expect(await within(seenByServer("killed"), 1_000, "the cancel")).to.include({ context: "context canceled" });
    });

    it("right after its headers leaves nothing behind", async () => {
      const client = await connect();
      for (let i = 0; i < 50; i++) {
        const stream = client.request(RUN, { endStream: false, extra: scripted("", { op: "drain" }) });
        client.send(rstStream(stream, ErrorCode.cancel));
      }
      client.send(ping());
      await client.nextOf("ping");
    });
  });

  describe("a half-open connection", () => {
    it("that says nothing, or half a preface, or half a request, is let go when it closes", async () => {
      const beginnings = [
        Buffer.alloc(0),
        PREFACE.subarray(0, 2),
        PREFACE.subarray(0, 10),
        PREFACE,
        Buffer.concat([PREFACE, settings()]),
        Buffer.concat([PREFACE, settings(), Buffer.from([0, 0, 50, 1])]),
        Buffer.concat([PREFACE, settings(), headerFrames(1, encodeHeaders(requestHeaders(RUN)), false)]),
      ];
      for (let i = 0; i < 10; i++) {
        const sockets = await Promise.all(beginnings.map(() => connectSocket(memoBuild.tcp)));
        const ends = sockets.map((socket, n) => {
          socket.on("error", () => undefined); // MemoBuild may have closed it first
          socket.resume().end(beginnings[n] ?? Buffer.alloc(0));
          return once(socket, "close");
        });
        await within(Promise.all(ends), 5_000, "the close of half-open connections");
      }
    });
  });

  describe("a flood", () => {
    let idleMiB = 0;

    beforeEach(() => {
      idleMiB = memoryMiB(memoBuild.pid, "VmRSS");
    });

    afterEach(() => {
      expect(memoryMiB(memoBuild.pid, "VmHWM")).to.be.below(idleMiB + FLOOD_MAX_MIB);
    });

    /** Sends until all is sent or MemoBuild closes the connection; true where it did. */
    const pour = async (client: RawClient, piece: () => Buffer, times: number): Promise<boolean> => {
      for (let i = 0; i < times && client.socket.writable; i++) {
        if (!client.socket.write(piece())) {
          await Promise.race([once(client.socket, "drain").catch(() => undefined), client.closed]);
        }
      }
      client.send(ping("the end!"));
      const answered = client.nextOf("ping").then(
        ({ payload }) => payload.toString() !== "the end!",
        () => true,
      );
      return within(answered, 20_000, "an answer or a close");
    };

    it("of 10,000 quick resets ends at most its own connection", async () => {
      const client = await connect();
      let stream = -1;
      const block = encodeHeaders([...requestHeaders(RUN), ...scripted("", { op: "wait-end" })]);
      await pour(
        client,
        () => {
          stream += 2;
          return Buffer.concat([headerFrames(stream, block, false), rstStream(stream, ErrorCode.cancel)]);
        },
        10_000,
      );
    });

    it("of CONTINUATION frames is cut off", async () => {
      const client = await connect();
      client.send(frame(FrameType.headers, 0, 1, encodeHeaders(requestHeaders(RUN))));
      const piece = frame(FrameType.continuation, 0, 1, encodeHeaders([["x", "y".repeat(16_000)]]));
      expect(await pour(client, () => piece, 4_000)).to.equal(true);
    });

    it("of empty CONTINUATION frames is cut off", async () => {
      const client = await connect();
      client.send(frame(FrameType.headers, 0, 1, encodeHeaders(requestHeaders(RUN))));
      const piece = Buffer.concat(Array.from({ length: 100 }, () => frame(FrameType.continuation, 0, 1)));
      expect(await pour(client, () => piece, 1_000)).to.equal(true);
    });

    it("of headers that decode to 240 MB is refused", async () => {
      const client = await connect();
      const block = Buffer.concat([
        encodeHeaders(requestHeaders(RUN)),
        encodeIndexed(["x-bomb", "b".repeat(4000)]),
        Buffer.alloc(60_000, encodeIndex(62)),
      ]);
      const cuts = Array.from({ length: Math.floor(block.length / 16_000) }, (_, i) => (i + 1) * 16_000);
      client.send(headerFrames(1, block, true, cuts));
      const answer = await client.next(({ type }) => REFUSALS.has(type), "a refusal").catch(() => undefined);
      expect(answer === undefined ? "431" : (header(answer, ":status") ?? "431")).to.equal("431");
    });

    for (const [name, piece] of [
      ["PING", ping()],
      ["SETTINGS", settings()],
      ["unknown frames", frame(0x2a, 0, 0, Buffer.alloc(8))],
      ["PRIORITY", frame(FrameType.priority, 0, 1, Buffer.from([0, 0, 0, 3, 1]))],
      ["empty DATA", frame(FrameType.data, 0, 1)],
    ] as const) {
      it(`of ${name} ends at most its own connection`, async () => {
        const client = await connect();
        client.isPolite = false;
        client.request(RUN, { endStream: false, extra: scripted("", { op: "wait-end" }) });
        const many = Buffer.concat(Array.from({ length: 1_000 }, () => piece));
        await pour(client, () => many, 100);
      });
    }

    it("of PING whose answers are not read is cut off or held", async () => {
      const client = await connect();
      client.socket.pause();
      const many = Buffer.concat(Array.from({ length: 1_000 }, () => ping()));
      for (let i = 0; i < 200 && client.socket.writable; i++) client.socket.write(many);
      await once(client.socket, "drain", { signal: AbortSignal.timeout(3_000) }).catch(() => undefined);
    });

    it("of connections is served and let go", async () => {
      const many = await Promise.all(Array.from({ length: 200 }, () => connect()));
      await Promise.all(
        many.map(async (client) => {
          client.send(ping());
          await client.nextOf("ping");
        }),
      );
    });
  });

  describe("garbage", () => {
    for (const [name, bytes] of Object.entries({
      "an HTTP/2 frame of a wrong length": frame(FrameType.ping, 0, 0, Buffer.alloc(3)),
      "HEADERS on an even stream": headerFrames(2, encodeHeaders(requestHeaders(RUN)), true),
      "a bad HPACK block": headerFrames(1, Buffer.alloc(50, 0xff), true),
      "DATA on an idle stream": frame(FrameType.data, 0, 99, Buffer.alloc(5)),
      "an oversized frame": frame(FrameType.data, 0, 1, Buffer.alloc(20_000)),
      "random bytes": Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 7919) % 256)),
    })) {
      it(`${name} ends the connection`, async () => {
        const client = await connect();
        await client.nextOf("settings");
        const isEnd = ({ type }: Frame): boolean => type === FrameType.goAway;
        const end = Promise.race([client.closed, client.next(isEnd, "GOAWAY").catch(() => undefined)]);
        client.send(bytes);
        await within(end, 5_000, "GOAWAY or a close");
      });
    }

    for (const [name, pairs] of Object.entries({
      "no path": [
        [":method", "POST"],
        [":scheme", "http"],
        [":authority", "a"],
      ],
      GET: [
        [":method", "GET"],
        [":scheme", "http"],
        [":path", "/"],
        [":authority", "a"],
      ],
      "an extended CONNECT": [
        [":method", "CONNECT"],
        [":authority", "a:1"],
      ],
      "upper-case names": [...requestHeaders(RUN), ["X-Upper", "1"]],
      "connection headers": [...requestHeaders(RUN), ["connection", "close"]],
      "prototype names": [...requestHeaders("/__proto__/constructor"), ["__proto__", "1"], ["constructor", "1"]],
    } as Readonly<Record<string, readonly Pair[]>>)) {
      it(`a request with ${name} gets an end`, async () => {
        const client = await connect();
        client.send(headerFrames(1, encodeHeaders(pairs), true));
        const isEnd = ({ type, streamId, flags }: Frame): boolean =>
          type === FrameType.goAway ||
          (streamId === 1 && (type === FrameType.rstStream || (flags & Flag.endStream) !== 0));
        await client.next(isEnd, "the end");
      });
    }
  });
});

describe("the wrong protocol", () => {
  let dir = "";
  let server: PeerServer;
  let plain: MemoBuild;
  let secure: MemoBuild;
  const cleanups = new Cleanups();

  before(async () => {
    dir = await makeTempDir("proto");
    cleanups.add(() => removeDir(dir));
    server = await startPeerServer(`unix://${join(dir, "peer.sock")}`);
    cleanups.add(() => server.stop());
    const { serverCert, serverKey } = await makeCertificates(dir);
    plain = await startMemoBuild({ builder: server.address });
    cleanups.add(() => plain.stop());
    secure = await startMemoBuild({
      builder: server.address,
      args: ["--tls-cert", serverCert, "--tls-key", serverKey],
    });
    cleanups.add(() => secure.stop());
  });

  after(async () => {
    await cleanups.run();
  });

  /** Everything that comes back until the port closes. */
  const ask = async (address: string, request: Buffer): Promise<string> => {
    const socket = await connectSocket(address);
    const pieces: Buffer[] = [];
    socket.on("data", (piece: Buffer) => pieces.push(piece));
    socket.on("error", () => undefined); // what was read until then counts
    socket.write(request);
    await within(once(socket, "close"), 5_000, "the close");
    return Buffer.concat(pieces).toString("latin1");
  };
  const GET = Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

  it("HTTP/1 on the plain port is told what the port speaks", async () => {
    for (const address of [plain.tcp, `unix://${plain.unixSocket}`]) {
      expect(await ask(address, GET)).to.match(/^HTTP\/1\.1 400 [^]*gRPC over HTTP\/2 without TLS/);
    }
  });

  it("HTTP/1 on the TLS port is told what the port speaks", async () => {
    expect(await ask(secure.tcp, GET)).to.match(/^HTTP\/1\.1 400 [^]*gRPC over HTTP\/2 with TLS/);
  });

  it("TLS on the plain port is told what the port speaks", async () => {
    const port = Number(plain.tcp.split(":").at(-1));
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
    const [error] = (await within(once(socket, "error"), 5_000, "the failed handshake")) as [NodeJS.ErrnoException];
    expect(error.code).to.match(/^ERR_SSL_/);
    const hello = Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]);
    expect(await ask(plain.tcp, hello)).to.include("without TLS");
  });

  it("plain HTTP/2 on the TLS port is told by GOAWAY", async () => {
    const client = await connectRaw(secure.tcp);
    expect((await client.nextOf("goAway")).payload.subarray(8).toString()).to.include("with TLS");
    await within(client.closed, 5_000, "the close");
  });

  it("HTTP/1 inside TLS is told what the port speaks", async () => {
    const port = Number(secure.tcp.split(":").at(-1));
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const pieces: Buffer[] = [];
    socket.on("data", (piece: Buffer) => pieces.push(piece));
    socket.write(GET);
    await within(once(socket, "close"), 5_000, "the close");
    expect(Buffer.concat(pieces).toString()).to.include("400 Bad Request");
  });

  it("is counted by what it was", async () => {
    const metrics = await plain.metrics();
    expect(metrics).to.match(/^memobuild_relay_rejected_connections_total\{reason="http1"\} 2$/m);
    expect(metrics).to.match(/^memobuild_relay_rejected_connections_total\{reason="tls_on_plain_port"\} 2$/m);
    expect(await secure.metrics()).to.match(/\{reason="plain_on_tls_port"\} 2$/m);
  });
});
