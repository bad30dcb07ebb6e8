/** Promises of the HTTP/2 server, against Node's client and against raw frames. */
import { once } from "node:events";
import { connect } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import net from "node:net";
import { expect } from "chai";
import { CONNECTION_PREFACE, Flag, frameHeader, FrameType, rstStreamFrame, settingsFrame } from "./frame.js";
import type { HeaderList } from "./header-list.js";
import { encodeHeaders } from "./hpack-encoder.js";
import { ServerConnection } from "./server-connection.js";
import type { Stream, StreamFailure, StreamHandler } from "./stream.js";

const REQUEST = encodeHeaders([":method", "POST", ":scheme", "http", ":path", "/a", ":authority", "x"]);

/** A request that opens stream `id` and stays open. */
const open = (id: number): Buffer =>
  Buffer.concat([frameHeader(REQUEST.length, FrameType.Headers, Flag.EndHeaders, id), REQUEST]);

interface Call {
  readonly stream: Stream;
  readonly headers: HeaderList;
  readonly failures: StreamFailure[];
  body: string;
  isEnded: boolean;
}

describe("ServerConnection", () => {
  const cleanups: (() => void)[] = [];

  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  /** A listening server and the calls that came. */
  const serve = async () => {
    const calls: Call[] = [];
    const connections: ServerConnection[] = [];
    const causes: string[] = [];
    const clock = { nowMs: 0 };
    const onCall = (stream: Stream, headers: HeaderList): StreamHandler => {
      const call: Call = { stream, headers, failures: [], body: "", isEnded: false };
      calls.push(call);
      return {
        headers: () => undefined,
        data: (piece) => {
          call.body += piece.toString();
          stream.consumed(piece.length);
        },
        end: () => (call.isEnded = true),
        failed: (failure) => call.failures.push(failure),
        drain: () => undefined,
      };
    };
    const server = net.createServer((socket) => {
      const observer = { call: onCall, closed: (cause: string) => causes.push(cause), now: () => clock.nowMs };
      connections.push(new ServerConnection(socket, observer));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    cleanups.push(() => {
      for (const connection of connections) connection.destroy("test over");
      server.close();
    });
    return { calls, causes, clock, connections, port };
  };

  const nodeClient = (port: number): ClientHttp2Session => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", () => undefined);
    cleanups.push(() => {
      session.destroy();
    });
    return session;
  };

  /** Sends bytes behind the preface and settings; resolves with the cause of the connection's end. */
  const offend = async (bytes: Buffer): Promise<string> => {
    const { causes, port } = await serve();
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(Buffer.concat([Buffer.from(CONNECTION_PREFACE), settingsFrame([]), bytes]));
    socket.resume();
    await once(socket, "close");
    return causes[0] ?? "";
  };

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise(setImmediate);
  };

  it("takes a request and sends headers, body and trailers", async () => {
    const { calls, port } = await serve();
    const stream = nodeClient(port).request({ ":path": "/a", ":method": "POST", many: ["1", "2"] });
    stream.end("hello");
    await until(() => calls[0]?.isEnded === true);
    const call = calls[0];
    expect(call?.body).to.equal("hello");
    expect(call?.headers).to.include.members([":path", "/a", "many"]);
    call?.stream.respond([":status", "200", "x", "1", "x", "2"], false);
    call?.stream.write(Buffer.from("world"));
    call?.stream.end(["grpc-status", "0"]);
    const trailers = once(stream, "trailers") as Promise<IncomingHttpHeaders[]>;
    expect(await text(stream)).to.contain("world");
    expect((await trailers)[0]).to.include({ "grpc-status": "0" });
  });

  it("sends what was ended before it resets with NO_ERROR, however small the client's window", async () => {
    const { calls, port } = await serve();
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1_000 } });
    cleanups.push(() => {
      session.destroy();
    });
    const stream = session.request({ ":path": "/a", ":method": "POST" });
    await until(() => calls.length === 1);
    const server = calls[0]?.stream;
    server?.respond([":status", "200"], false);
    server?.write(Buffer.alloc(100_000, "x"));
    server?.end(["grpc-status", "0"]);
    server?.reset(0);
    const trailers = once(stream, "trailers");
    expect(await text(stream)).to.have.length(100_000);
    await trailers;
  });

  it("mirrors resets with their codes", async () => {
    const { calls, port } = await serve();
    const session = nodeClient(port);
    const stream = session.request({ ":path": "/a", ":method": "POST" });
    stream.on("error", () => undefined);
    await until(() => calls.length === 1);
    stream.close(11);
    await until(() => calls[0]?.failures.length === 1);
    expect(calls[0]?.failures).to.deep.equal([{ kind: "reset", code: 11 }]);
    const other = session.request({ ":path": "/a", ":method": "POST" });
    other.on("error", () => undefined);
    await until(() => calls.length === 2);
    calls[1]?.stream.reset(7);
    await new Promise((resolve) => other.once("close", resolve));
    expect(other.rstCode).to.equal(7);
  });

  it("lets calls end after GOAWAY, takes no new ones, and then closes", async () => {
    const { calls, connections, port } = await serve();
    const session = nodeClient(port);
    const stream = session.request({ ":path": "/a", ":method": "POST" });
    await until(() => calls.length === 1);
    connections[0]?.goAway();
    await once(session, "goaway");
    calls[0]?.stream.respond([":status", "200"], true);
    stream.end();
    const [headers] = (await once(stream, "response")) as IncomingHttpHeaders[];
    expect(headers?.[":status"]).to.equal(200);
    stream.resume();
    await once(session, "close");
    expect(calls).to.have.length(1);
  });

  it("reads a preface in any pieces and names one that is none", async () => {
    const { calls, port } = await serve();
    const socket = net.connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    for (const byte of Buffer.concat([Buffer.from(CONNECTION_PREFACE), settingsFrame([]), open(1)])) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await until(() => calls.length === 1);
    socket.destroy();
    const second = await serve();
    const stranger = net.connect(second.port, "127.0.0.1");
    stranger.on("error", () => undefined);
    stranger.write("PRI * HTTP/1.0\r\n\r\n");
    stranger.resume();
    await once(stranger, "close");
    expect(second.causes[0]).to.match(/^protocol error: it does not speak HTTP\/2/);
  });

  it("allows resets at a human pace and closes on a flood", async () => {
    const { causes, clock, port } = await serve();
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Buffer.concat([Buffer.from(CONNECTION_PREFACE), settingsFrame([])]));
    const closed = once(socket, "close");
    const reset = (from: number, count: number): void => {
      const ids = Array.from({ length: count }, (_, i) => from + 2 * i);
      socket.write(Buffer.concat(ids.flatMap((id) => [open(id), rstStreamFrame(id, 8)])));
    };
    reset(1, 900);
    clock.nowMs += 10_000;
    await new Promise(setImmediate);
    expect(causes).to.deep.equal([]);
    reset(2_001, 3_000);
    await closed;
    expect(causes).to.deep.equal(["protocol error: too many resets"]);
  });

  it("refuses violations of the protocol", async () => {
    expect(await offend(frameHeader(0, FrameType.Data, 0, 1))).to.contain("DATA on stream 1");
    expect(await offend(open(2))).to.contain("HEADERS on stream 2");
    expect(await offend(frameHeader(0, FrameType.PushPromise, Flag.EndHeaders, 1))).to.contain("PUSH_PROMISE");
    expect(await offend(Buffer.concat([open(1), open(1)]))).to.contain("trailers without END_STREAM");
    const bomb = encodeHeaders(["a", "b".repeat(1 << 20)]);
    const frames = [frameHeader(16_384, FrameType.Headers, 0, 1), bomb.subarray(0, 16_384)];
    for (let at = 16_384; at < bomb.length; at += 16_384) {
      const piece = bomb.subarray(at, at + 16_384);
      frames.push(frameHeader(piece.length, FrameType.Continuation, 0, 1), piece);
    }
    expect(await offend(Buffer.concat(frames))).to.contain("header block too large");
  });
});

async function text(stream: ClientHttp2Stream): Promise<string> {
  let body = "";
  for await (const piece of stream) body += String(piece);
  return body;
}
