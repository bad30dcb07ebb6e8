/** Calls of our own, against a server made of our own server connection. */
import { once } from "node:events";
import net from "node:net";
import { expect } from "chai";
import { poll } from "../test/support/poll.js";
import { GrpcClient, GrpcError } from "./grpc-client.js";
import { statusHeaders, trailersOnly } from "./grpc-status.js";
import { ErrorCode } from "./http2/frame.js";
import { headerValue } from "./http2/header-list.js";
import { ServerConnection } from "./http2/server-connection.js";
import type { Stream, StreamFailure } from "./http2/stream.js";
import { frameMessage, MessageReader } from "./message.js";

const RESPONSE = [":status", "200", "content-type", "application/grpc"];
const OK = statusHeaders("OK", "");
const EMPTY = new Uint8Array();

describe("GrpcClient", () => {
  let server: net.Server;
  let atServer: ServerConnection | undefined;
  let client: GrpcClient;
  /** What the server does with a call when its request has come. */
  let answer: (stream: Stream, message: Buffer) => void;
  let failures: StreamFailure[];
  let calls: number;
  let never: AbortSignal;

  beforeEach(async () => {
    [failures, calls] = [[], 0];
    never = new AbortController().signal;
    answer = (stream, message) => {
      stream.respond(RESPONSE, false);
      stream.write(frameMessage(message));
      stream.end(OK);
    };
    server = net.createServer({ noDelay: true }, (socket) => {
      atServer = new ServerConnection(socket, {
        call: (stream, headers) => {
          expect(headerValue(headers, "te")).to.equal("trailers");
          calls++;
          const reader = new MessageReader();
          return {
            headers: () => undefined,
            data: (piece) => {
              for (const message of reader.push(piece)) answer(stream, message);
            },
            end: () => undefined,
            failed: (failure) => failures.push(failure),
            drain: () => undefined,
          };
        },
        closed: () => undefined,
        now: () => performance.now(),
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const socket = net.connect(typeof bound === "object" && bound !== null ? bound.port : 0, "127.0.0.1");
    await once(socket, "connect");
    client = new GrpcClient(socket.setNoDelay());
  });
  afterEach(() => {
    client.close();
    atServer?.destroy("test over");
    server.close();
  });

  const unary = (signal: AbortSignal = never): Promise<Buffer> =>
    client.unary("/a/b", Buffer.from("asked"), { signal });
  /** Why a call failed. */
  const failure = async (call: Promise<unknown>): Promise<string> => {
    const error = await call.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (!(error instanceof GrpcError)) throw new Error(`no GrpcError but ${String(error)}`);
    return `${error.code}: ${error.message}`;
  };

  it("gives the message of an answer", async () => {
    expect((await unary()).toString()).to.equal("asked");
  });

  it("fails where an answer that is OK has no message", async () => {
    answer = (stream) => {
      stream.respond([...RESPONSE, ...OK], true);
    };
    expect(await failure(unary())).to.equal("INTERNAL: it answered without a message");
  });

  it("says what the server says, in any letters", async () => {
    answer = (stream) => {
      stream.respond(trailersOnly("NOT_FOUND", "kein Schlüssel\n100 %"), true);
    };
    expect(await failure(unary())).to.equal("NOT_FOUND: it answers NOT_FOUND kein Schlüssel\n100 %");
  });

  it("leaves a message as it is that nobody encoded", async () => {
    answer = (stream) => {
      stream.respond([...RESPONSE, "grpc-status", "5", "grpc-message", "100 % gone"], true);
    };
    expect(await failure(unary())).to.equal("NOT_FOUND: it answers NOT_FOUND 100 % gone");
  });

  for (const [code, name] of [
    [ErrorCode.RefusedStream, "UNAVAILABLE"],
    [ErrorCode.Cancel, "CANCELLED"],
    [ErrorCode.EnhanceYourCalm, "RESOURCE_EXHAUSTED"],
    [ErrorCode.InternalError, "INTERNAL"],
  ] as const) {
    it(`reads a reset with code ${code} as ${name}`, async () => {
      answer = (stream) => {
        stream.reset(code);
      };
      expect(await failure(unary())).to.equal(`${name}: the call was reset`);
    });
  }

  it("fails with what made the connection go", async () => {
    answer = () => {
      atServer?.destroy("it stops");
    };
    expect(await failure(unary())).to.match(/^UNAVAILABLE: /);
    expect(await failure(unary())).to.match(/^UNAVAILABLE: /);
  });

  for (const [what, first] of [
    ["is compressed", 1],
    ["is not what it must be", 0],
  ] as const) {
    it(`fails, and ends the call, when an answer ${what}`, async () => {
      answer = (stream) => {
        const framed = frameMessage(Buffer.from("answer"));
        framed[0] = first;
        stream.respond(RESPONSE, false);
        stream.write(framed);
      };
      const read = (): void => {
        throw new Error("no such message");
      };
      const call = client.serverStream("/a/b", EMPTY, { signal: never }, read);
      expect(await failure(call)).to.match(/^INTERNAL: its answer (is compressed|cannot be read: no such message)/);
      await poll(
        () => failures,
        (seen) => seen.length > 0,
        { what: "the server hears of it", timeoutMs: 1_000 },
      );
      expect(failures).to.deep.equal([{ kind: "reset", code: ErrorCode.Cancel }]);
    });
  }

  it("gives each message of a stream as it comes", async () => {
    const seen: string[] = [];
    answer = (stream) => {
      stream.respond(RESPONSE, false);
      const all = Buffer.concat(["one", "two", "three"].map((text) => frameMessage(Buffer.from(text))));
      stream.write(all.subarray(0, 11));
      stream.write(all.subarray(11));
      stream.end(OK);
    };
    await client.serverStream("/a/b", EMPTY, { signal: never }, (message) => seen.push(message.toString()));
    expect(seen).to.deep.equal(["one", "two", "three"]);
  });

  it("lets the server send no more than its window while a message waits to be taken", async () => {
    const piece = frameMessage(Buffer.alloc(64 << 10));
    let written = 0;
    answer = (stream) => {
      stream.respond(RESPONSE, false);
      for (; written < 64; written++) stream.write(piece);
      stream.end(OK);
    };
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let taken = 0;
    const call = client.serverStream("/a/b", EMPTY, { signal: never }, async () => {
      taken++;
      await held;
    });
    // The window holds 15 such messages, and a part of the next.
    await poll(
      () => taken,
      (count) => count >= 15,
      { what: "the window is full", timeoutMs: 1_000 },
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).to.equal(15);
    goOn();
    await call;
    expect(taken).to.equal(64);
  });

  it("ends the call when a message is not taken", async () => {
    answer = (stream) => {
      stream.respond(RESPONSE, false);
      stream.write(frameMessage(EMPTY));
    };
    const call = client.serverStream("/a/b", EMPTY, { signal: never }, () => Promise.reject(new Error("full")));
    expect(await failure(call)).to.equal("INTERNAL: its answer cannot be read: full");
  });

  it("cancels the call at the server when it is aborted", async () => {
    const controller = new AbortController();
    answer = () => {
      controller.abort();
    };
    expect(await failure(unary(controller.signal))).to.match(/^CANCELLED: /);
    await poll(
      () => failures,
      (seen) => seen.length > 0,
      { what: "the server hears of it", timeoutMs: 1_000 },
    );
    expect(failures).to.deep.equal([{ kind: "reset", code: ErrorCode.Cancel }]);
    // The connection is good for others.
    answer = (stream) => {
      stream.respond(trailersOnly("OK", ""), true);
    };
    await client.serverStream("/a/b", EMPTY, { signal: never }, () => undefined);
    expect(calls).to.equal(2);
  });

  it("fails at once when it was aborted before", async () => {
    expect(await failure(unary(AbortSignal.abort()))).to.match(/^CANCELLED: /);
  });
});
