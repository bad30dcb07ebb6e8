/** Promises of calls that we answer ourselves: to a client on a real HTTP/2 connection. */
import { duplexPair } from "node:stream";
import { expect } from "chai";
import { GrpcClient, GrpcError } from "../../grpc/grpc-client.js";
import type { GrpcCode } from "../../grpc/grpc-status.js";
import { ClientConnection } from "../../grpc/http2/client-connection.js";
import { headerValue } from "../../grpc/http2/header-list.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";
import { ServerConnection } from "../../grpc/http2/server-connection.js";
import type { Stream } from "../../grpc/http2/stream.js";
import { frameMessage } from "../../grpc/message.js";
import { fakeDaemon } from "../../test/support/fake-daemons.js";
import { poll } from "../../test/support/poll.js";
import { answerCall } from "./answered-call.js";
import type { FarmCall, FarmCallContext } from "./farm-call.js";

const never = new AbortController().signal;
const REQUEST = [":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "x", "te", "trailers"];

describe("answerCall", () => {
  const { builder } = fakeDaemon("one");
  let connections: { destroy(cause: string): void }[] = [];
  let farmCall: FarmCall;
  let codes: GrpcCode[] = [];
  let sentBytes = 0;

  beforeEach(() => {
    codes = [];
    sentBytes = 0;
  });

  afterEach(() => {
    for (const connection of connections) connection.destroy("done");
    connections = [];
  });

  const serve = (): ReturnType<typeof duplexPair>[0] => {
    const [ours, theirs] = duplexPair();
    const observer = {
      forwarded: () => undefined,
      bytesToBuilder: () => undefined,
      bytesToClient: (bytes: number) => {
        sentBytes += bytes;
      },
      ended: (code: GrpcCode) => {
        codes.push(code);
      },
    };
    const call = (stream: Stream, headers: HeaderList): ReturnType<typeof answerCall> =>
      answerCall(stream, headers, farmCall, { builders: [builder], current: () => [builder], observer });
    connections.push(new ServerConnection(theirs, { call, closed: () => undefined, now: () => performance.now() }));
    return ours;
  };

  const grpcClient = (): GrpcClient => {
    const client = new GrpcClient(serve());
    connections.push({
      destroy: () => {
        client.close();
      },
    });
    return client;
  };

  /** A client of raw bytes, and what it hears. */
  const rawCall = (): {
    stream: Stream;
    heard: HeaderList[];
    bytes: () => number;
    ended: () => HeaderList | undefined;
  } => {
    const connection = new ClientConnection(serve(), { draining: () => undefined, closed: () => undefined });
    connections.push(connection);
    const heard: HeaderList[] = [];
    let received = 0;
    let trailers: HeaderList | undefined;
    const stream = connection.request(REQUEST, {
      headers: (headers, isEndStream) => {
        heard.push(headers);
        if (isEndStream) trailers = headers;
      },
      // Its window is never given back.
      data: (piece) => {
        received += piece.length;
      },
      end: (last) => {
        trailers = last;
      },
      failed: () => undefined,
      drain: () => undefined,
    });
    return { stream, heard, bytes: () => received, ended: () => trailers };
  };

  it("answers with the messages of the farm, and the request's metadata is fit to be sent on", async () => {
    let seen: FarmCallContext | undefined;
    farmCall = async (request, context) => {
      seen = context;
      await context.send(request);
      await context.send(Buffer.from("more"));
    };
    const messages: string[] = [];
    const metadata = ["traceparent", "00-1", "x-a", "1", "x-a", "2"];
    await grpcClient().serverStream("/a/b", Buffer.from("asked"), { metadata, signal: never }, (message) => {
      messages.push(String(message));
    });
    expect(messages).to.deep.equal(["asked", "more"]);
    expect(seen?.metadata).to.deep.equal(metadata);
    expect(seen?.builders).to.deep.equal([builder]);
    expect(codes).to.deep.equal(["OK"]);
    expect(sentBytes).to.equal(2 * 5 + "asked".length + "more".length);
  });

  it("sends response metadata before there is a message", async () => {
    farmCall = async (_, { respond, signal }) => {
      respond(["x-time", "now"]);
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
    };
    const { stream, heard } = rawCall();
    stream.write(frameMessage(Buffer.from("asked")));
    stream.end();
    await poll(
      () => heard.length,
      (count) => count === 1,
      { what: "headers", timeoutMs: 1_000 },
    );
    expect(headerValue(heard[0] ?? [], "x-time")).to.equal("now");
  });

  for (const [what, error, expected] of [
    ["a status", new GrpcError("NOT_FOUND", "no ref: ä"), "NOT_FOUND: no ref: ä"],
    ["a builder's own words", new GrpcError("NOT_FOUND", "it answers NOT_FOUND no", "no"), "NOT_FOUND: no"],
    ["UNAVAILABLE for any other error", new Error("lost"), "UNAVAILABLE: memobuild: lost"],
  ] as const) {
    it(`fails with ${what}, before and after its first message`, async () => {
      for (const count of [0, 1]) {
        farmCall = async (request, { send }) => {
          if (count === 1) await send(request);
          throw error;
        };
        const call = grpcClient().serverStream("/a/b", new Uint8Array(), { signal: never }, () => undefined);
        const failure: unknown = await call.catch((caught: unknown) => caught);
        const seen = failure instanceof GrpcError ? `${failure.code}: ${String(failure.statusMessage)}` : "";
        expect(seen).to.equal(expected);
      }
    });
  }

  it("takes exactly one message that is not compressed", async () => {
    farmCall = () => Promise.reject(new Error("it is not asked"));
    const compressed = frameMessage(Buffer.from("x"));
    compressed[0] = 1;
    const two = Buffer.concat([frameMessage(Buffer.from("x")), frameMessage(Buffer.from("y"))]);
    for (const [body, status] of [
      [compressed, "12"],
      [two, "13"],
      [Buffer.alloc(0), "13"],
    ] as const) {
      const { stream, ended } = rawCall();
      if (body.length > 0) stream.write(body);
      stream.end();
      const trailers = await poll(ended, Boolean, { what: "an answer", timeoutMs: 1_000 });
      expect(headerValue(trailers ?? [], "grpc-status")).to.equal(status);
    }
  });

  it("does not wait for the end of a client that goes on sending", async () => {
    farmCall = () => Promise.reject(new Error("it is not asked"));
    const { stream, ended } = rawCall();
    for (const text of ["x", "y"]) stream.write(frameMessage(Buffer.from(text)));
    const trailers = await poll(ended, Boolean, { what: "an answer", timeoutMs: 1_000 });
    expect(headerValue(trailers ?? [], "grpc-status")).to.equal("13");
  });

  it("waits for a client that does not read", async () => {
    let sent = 0;
    farmCall = async (_, { send, signal }) => {
      const piece = Buffer.alloc(64 << 10);
      while (sent < 1_000 && !signal.aborted) {
        await send(piece);
        sent++;
      }
    };
    const { stream, bytes } = rawCall();
    stream.write(frameMessage(Buffer.from("asked")));
    stream.end();
    await poll(bytes, (received) => received >= 1 << 20, { what: "a full window", timeoutMs: 1_000 });
    // Another turn of the loop, in which it could have sent on.
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).to.be.lessThan(32);
    stream.reset(8);
    await poll(
      () => codes,
      (seen) => seen.length === 1,
      { what: "its end", timeoutMs: 1_000 },
    );
    expect(codes).to.deep.equal(["CANCELLED"]);
  });

  it("aborts what is left of its work when that has failed", async () => {
    let left: AbortSignal | undefined;
    farmCall = (_, { signal }) => {
      left = signal;
      return Promise.reject(new GrpcError("INVALID_ARGUMENT", "no such filter"));
    };
    const call = grpcClient().serverStream("/a/b", new Uint8Array(), { signal: never }, () => undefined);
    expect(await call.catch((error: unknown) => error)).to.be.instanceOf(GrpcError);
    expect(left?.aborted).to.equal(true);
  });

  it("aborts its work when the client cancels", async () => {
    let isAborted = false;
    const abort = new AbortController();
    farmCall = async (_, { signal }) => {
      abort.abort();
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      isAborted = true;
    };
    const call = grpcClient().serverStream("/a/b", new Uint8Array(), { signal: abort.signal }, () => undefined);
    expect(await call.catch((error: unknown) => error)).to.be.instanceOf(GrpcError);
    await poll(() => isAborted, Boolean, { what: "the work is aborted", timeoutMs: 1_000 });
    expect(codes).to.deep.equal(["CANCELLED"]);
  });
});
