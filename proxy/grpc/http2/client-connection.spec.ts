/** Promises of the HTTP/2 client, against Node's server and against raw frames. */
import { once } from "node:events";
import { performServerHandshake } from "node:http2";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import net from "node:net";
import { expect } from "chai";
import fc from "fast-check";
import { ClientConnection } from "./client-connection.js";
import { STREAM_WINDOW_BYTES } from "./stream.js";
import type { Stream, StreamFailure, StreamHandler } from "./stream.js";
import { Flag, frameHeader, FrameType, settingsFrame, windowUpdateFrame } from "./frame.js";
import type { HeaderList } from "./header-list.js";

const REQUEST = [":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "localhost"];

/** Notes down an answer and gives its window back as it comes, unless told to hold it. */
class Answer implements StreamHandler {
  readonly headersSeen: HeaderList[] = [];
  readonly ended: Promise<HeaderList | StreamFailure | undefined>;
  bytes = 0;
  drains = 0;
  isHolding = false;
  stream: Stream | undefined;
  #settle: (end: HeaderList | StreamFailure | undefined) => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  headers(headers: HeaderList, isEndStream: boolean): void {
    this.headersSeen.push(headers);
    if (isEndStream) this.#settle(headers);
  }

  data(piece: Buffer): void {
    this.bytes += piece.length;
    if (!this.isHolding) this.stream?.consumed(piece.length);
  }

  end(trailers: HeaderList | undefined): void {
    this.#settle(trailers);
  }

  failed(failure: StreamFailure): void {
    this.#settle(failure);
  }

  drain(): void {
    this.drains++;
  }
}

interface Pair {
  readonly connection: ClientConnection;
  readonly peer: net.Socket;
  readonly closed: Promise<string>;
}

describe("ClientConnection", () => {
  const cleanups: (() => void)[] = [];

  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  /** A connection and the socket at its other end. */
  const connect = async (): Promise<Pair> => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const socket = net.connect(port, "127.0.0.1");
    const [peer] = (await once(server, "connection")) as [net.Socket];
    await (socket.connecting ? once(socket, "connect") : undefined);
    let tell: (cause: string) => void = () => undefined;
    const closed = new Promise<string>((resolve) => {
      tell = resolve;
    });
    const connection = new ClientConnection(socket, { draining: () => undefined, closed: tell });
    peer.on("error", () => undefined);
    cleanups.push(() => {
      connection.destroy("test over");
      peer.destroy();
      server.close();
    });
    return { connection, peer, closed };
  };

  const request = (connection: ClientConnection, answer = new Answer()): Answer => {
    answer.stream = connection.request(REQUEST, answer);
    return answer;
  };

  /** With Node's HTTP/2 server at the other end. */
  const connectNode = async (
    onStream: (stream: ServerHttp2Stream) => void,
  ): Promise<Pair & { session: ServerHttp2Session }> => {
    const pair = await connect();
    const session = performServerHandshake(pair.peer);
    session.on("error", () => undefined);
    session.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => undefined);
      onStream(stream);
    });
    return { ...pair, session };
  };

  it("carries request, response and trailers", async () => {
    const { connection } = await connectNode((stream) => {
      stream.respond({ ":status": 200, many: ["1", "2"] }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        stream.sendTrailers({ "grpc-status": "0" });
      });
      stream.pipe(stream);
    });
    const answer = request(connection);
    answer.stream?.write(Buffer.from("ping"));
    answer.stream?.end();
    expect(await answer.ended).to.deep.equal(["grpc-status", "0"]);
    expect(answer.bytes).to.equal(4);
    expect(answer.headersSeen[0]?.slice(0, 6)).to.deep.equal([":status", "200", "many", "1", "many", "2"]);
    expect(connection.streamCount).to.equal(0);
  });

  it("sends no more than the peer's windows allow and says when there is room again", async () => {
    let received = 0;
    let waiting: ServerHttp2Stream | undefined;
    const { connection } = await connectNode((stream) => {
      waiting = stream;
      stream.on("end", () => {
        stream.respond({ ":status": 200 }, { endStream: true });
      });
    });
    const answer = request(connection);
    const piece = Buffer.alloc(10_000);
    for (let i = 0; i < 100; i++) answer.stream?.write(piece);
    expect(answer.stream?.write(piece)).to.equal(false);
    answer.stream?.end();
    while (waiting === undefined) await new Promise(setImmediate);
    waiting.on("data", (data: Buffer) => (received += data.length));
    await answer.ended;
    expect(received).to.equal(101 * piece.length);
    expect(answer.drains).to.equal(1);
  });

  it("lets the peer send only a window until what it sent is consumed", async () => {
    const total = 3 * STREAM_WINDOW_BYTES;
    let server: ServerHttp2Stream | undefined;
    const { connection } = await connectNode((stream) => {
      server = stream;
      stream.respond({ ":status": 200 });
      stream.end(Buffer.alloc(total));
    });
    const answer = new Answer();
    answer.isHolding = true;
    request(connection, answer).stream?.end();
    while (answer.bytes < STREAM_WINDOW_BYTES) await new Promise(setImmediate);
    await once(answerNothingMore(), "quiet");
    expect(answer.bytes).to.equal(STREAM_WINDOW_BYTES);
    expect(server?.writableFinished).to.equal(false);
    answer.isHolding = false;
    answer.stream?.consumed(answer.bytes);
    await answer.ended;
    expect(answer.bytes).to.equal(total);
  });

  it("queues calls over the peer's limit and starts them as others end", async () => {
    const { connection, session } = await connectNode((stream) => {
      setImmediate(() => {
        stream.respond({ ":status": 200 }, { endStream: true });
      });
    });
    session.settings({ maxConcurrentStreams: 1 });
    await once(session, "localSettings");
    const answers = Array.from({ length: 5 }, () => request(connection));
    for (const answer of answers) answer.stream?.end();
    expect(connection.streamCount).to.equal(5);
    await Promise.all(answers.map((answer) => answer.ended));
    expect(connection.streamCount).to.equal(0);
  });

  it("fails queued calls as unprocessed on GOAWAY and lets others end", async () => {
    let running: ServerHttp2Stream | undefined;
    const { connection, session, closed } = await connectNode((stream) => (running = stream));
    const first = request(connection);
    while (running === undefined) await new Promise(setImmediate);
    session.close();
    while (connection.isOpen) await new Promise(setImmediate);
    expect(await request(connection).ended).to.deep.equal({ kind: "unprocessed" });
    first.stream?.end();
    running.respond({ ":status": 200 }, { endStream: true });
    expect(await first.ended).to.include.members([":status", "200"]);
    expect(await closed).to.match(/GOAWAY|closed/);
  });

  it("passes resets on in both directions with their codes", async () => {
    const codes: number[] = [];
    const { connection } = await connectNode((stream) => {
      if (codes.length > 0) stream.close(11);
      stream.on("close", () => codes.push(stream.rstCode));
    });
    const first = request(connection);
    await new Promise(setImmediate);
    first.stream?.reset(8);
    while (codes.length === 0) await new Promise(setImmediate);
    expect(codes).to.deep.equal([8]);
    expect(await request(connection).ended).to.deep.equal({ kind: "reset", code: 11 });
  });

  it("tells every call when the connection is lost", async () => {
    const { connection, peer, closed } = await connectNode(() => undefined);
    const answer = request(connection);
    peer.destroy();
    expect(await answer.ended).to.have.property("kind", "lost");
    await closed;
    expect(await request(connection).ended).to.have.property("kind", "lost");
  });

  it("names a peer that does not speak HTTP/2", async () => {
    const { peer, closed } = await connect();
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await closed).to.match(/^protocol error: /);
  });

  it("refuses violations of the protocol", async () => {
    const headers = Buffer.concat([frameHeader(1, FrameType.Headers, Flag.EndHeaders, 1), Buffer.from([0x88])]);
    const violations: readonly (readonly [Buffer, string])[] = [
      [windowUpdateFrame(0, 0), "WINDOW_UPDATE of 0"],
      [windowUpdateFrame(0, 0x7fff_ffff), "over 2^31-1"],
      [frameHeader(0, FrameType.PushPromise, 0, 1), "PUSH_PROMISE"],
      [frameHeader(0, FrameType.Data, 0, 3), "never opened"],
      [frameHeader(0, FrameType.Data, 0, 1), "DATA before HEADERS"],
      [Buffer.concat([headers, headers]), "trailers without END_STREAM"],
      [frameHeader(0, FrameType.Continuation, 0, 1), "CONTINUATION out of place"],
      [Buffer.concat([frameHeader(0, FrameType.Headers, 0, 1), windowUpdateFrame(0, 1)]), "interrupted"],
      [Buffer.concat([frameHeader(1, FrameType.Headers, 4, 1), Buffer.from([0xff])]), "header block ends early"],
    ];
    for (const [bytes, cause] of violations) {
      const { connection, peer, closed } = await connect();
      request(connection);
      peer.write(Buffer.concat([settingsFrame([]), bytes]));
      expect(await closed).to.contain(cause);
    }
  });

  it("survives any bytes", async () => {
    const arbitrary = fc.uint8Array({ minLength: 1, maxLength: 200 });
    const samples = fc.sample(arbitrary, { numRuns: 50, seed: 1 });
    for (const bytes of samples) {
      const { connection, peer, closed } = await connect();
      const answer = request(connection);
      peer.end(Buffer.concat([settingsFrame([]), Buffer.from(bytes)]));
      await Promise.all([closed, answer.ended]);
    }
  });

  describe("isAnswered", () => {
    const PING_ACK = frameHeader(8, FrameType.Ping, 1, 0);

    it("is so when the peer answers, for all who ask", async () => {
      const { connection, peer } = await connect();
      peer.resume();
      peer.write(settingsFrame([]));
      const asked = [connection.isAnswered(1_000), connection.isAnswered(1_000)];
      peer.write(Buffer.concat([PING_ACK, Buffer.alloc(8)]));
      expect(await Promise.all(asked)).to.deep.equal([true, true]);
    });

    it("is not so when the peer is silent, until it answers again", async () => {
      const { connection, peer } = await connect();
      peer.resume();
      peer.write(settingsFrame([]));
      expect(await connection.isAnswered(20)).to.equal(false);
      const again = connection.isAnswered(1_000);
      peer.write(Buffer.concat([PING_ACK, Buffer.alloc(8)]));
      expect(await again).to.equal(true);
    });

    it("is not so when the connection closes, nor afterwards", async () => {
      const { closed, connection, peer } = await connect();
      const asked = connection.isAnswered(1_000);
      peer.destroy();
      expect(await asked).to.equal(false);
      await closed;
      expect(await connection.isAnswered(1_000)).to.equal(false);
    });
  });
});

/** Emits "quiet" when the event loop has gone round some times: what was on its way has come. */
function answerNothingMore(): NodeJS.EventEmitter {
  const timer = net.createServer();
  let turns = 0;
  const turn = (): void => {
    if (++turns < 200) setImmediate(turn);
    else timer.emit("quiet");
  };
  setImmediate(turn);
  return timer;
}
