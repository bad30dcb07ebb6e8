/** What a call's bytes become when somebody looks into them, over real connections on both sides. */
import { once } from "node:events";
import net from "node:net";
import { expect } from "chai";
import type { Builder } from "../farm/builder.js";
import { codeOfTrailers, statusHeaders } from "../grpc/grpc-status.js";
import { ClientConnection } from "../grpc/http2/client-connection.js";
import { ErrorCode } from "../grpc/http2/frame.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import { ServerConnection } from "../grpc/http2/server-connection.js";
import type { Stream, StreamFailure, StreamHandler } from "../grpc/http2/stream.js";
import { frameMessage } from "../grpc/message.js";
import { poll } from "../test/support/poll.js";
import type { Interception } from "./interception.js";
import { RelayedCall } from "./relayed-call.js";

const REQUEST = [":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "x"];
const RESPONSE = [":status", "200", "content-type", "application/grpc"];
const OK = statusHeaders("OK", "");

const BUILDER: Builder = { address: "unix:///b.sock", dial: () => Promise.reject(new Error("it is connected")) };

const framed = (text: string): Buffer => frameMessage(Buffer.from(text));
/** Only its flag says so. */
const compressed = (): Buffer => {
  const message = framed("not to be read");
  message[0] = 1;
  return message;
};

/** One end of a call: what it has heard. */
class End implements StreamHandler {
  stream: Stream | undefined;
  readonly #pieces: Buffer[] = [];
  trailers: HeaderList | undefined;
  isEnded = false;
  failure: StreamFailure | undefined;

  get body(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  headers(headers: HeaderList, isEndStream: boolean): void {
    if (isEndStream) this.end(headers);
  }

  data(piece: Buffer): void {
    this.#pieces.push(piece);
    this.stream?.consumed(piece.length);
  }

  end(trailers: HeaderList | undefined): void {
    this.isEnded = true;
    this.trailers = trailers;
  }

  failed(failure: StreamFailure): void {
    this.failure = failure;
  }

  drain(): void {
    // Streams queue what there is no window for.
  }
}

const until = (what: string, isSo: () => boolean): Promise<boolean> =>
  poll(isSo, (yes) => yes, { what, timeoutMs: 1_500, intervalMs: 2 });

describe("RelayedCall", () => {
  let undo: (() => void)[];
  let builders: End[];
  let toBuilder: ClientConnection;
  let atBuilder: ServerConnection | undefined;
  /** What the observer is told, in turn. */
  let events: string[];
  let endedCodes: string[];
  let endedMessages: string[];
  let failsAtEnd: boolean;
  let interception: Interception;
  let toRelay: ClientConnection;

  const listen = async (onSocket: (socket: net.Socket) => void): Promise<net.Socket> => {
    const server = net.createServer({ noDelay: true }, onSocket).listen(0, "127.0.0.1");
    undo.push(() => server.close());
    await once(server, "listening");
    const bound = server.address();
    const socket = net.connect(typeof bound === "object" && bound !== null ? bound.port : 0, "127.0.0.1");
    await once(socket, "connect");
    return socket.setNoDelay();
  };
  const serve = (call: (stream: Stream, headers: HeaderList) => StreamHandler) => (socket: net.Socket) => {
    const connection = new ServerConnection(socket, { call, closed: () => undefined, now: () => performance.now() });
    undo.push(() => {
      connection.destroy("test over");
    });
    return connection;
  };
  const connect = (socket: net.Socket): ClientConnection => {
    const connection = new ClientConnection(socket, { draining: () => undefined, closed: () => undefined });
    undo.push(() => {
      connection.destroy("test over");
    });
    return connection;
  };
  const relay = (stream: Stream, headers: HeaderList): StreamHandler => {
    const observer = {
      forwarded: () => events.push("forwarded"),
      bytesToBuilder: () => events.push("to builder"),
      bytesToClient: () => events.push("to client"),
      ended: (code: string) => events.push(`ended ${code}`),
    };
    const call = new RelayedCall(stream, observer, {
      interception: {
        ...interception,
        ended: (code, message) => {
          endedCodes.push(code);
          endedMessages.push(message);
          if (failsAtEnd) throw new Error("our fault");
        },
      },
      lostMessage: (cause) => `memobuild: builder unix:///b.sock: ${cause}`,
    });
    call.forward(headers, toBuilder, BUILDER);
    return call.fromClient;
  };

  beforeEach(async () => {
    [undo, builders, events, endedCodes, endedMessages, interception] = [[], [], [], [], [], {}];
    failsAtEnd = false;
    const atBuilderServer = serve((stream) => {
      const builder = new End();
      builder.stream = stream;
      builders.push(builder);
      return builder;
    });
    toBuilder = connect(await listen((socket) => (atBuilder = atBuilderServer(socket))));
    toRelay = connect(await listen(serve(relay)));
  });
  afterEach(() => {
    for (const each of undo.splice(0).reverse()) each();
  });

  /** A call that has reached the builder. */
  const call = async (): Promise<{ client: End; request: Stream; builder: End; response: Stream }> => {
    const client = new End();
    const request = toRelay.request(REQUEST, client);
    client.stream = request;
    const before = builders.length;
    await until("the builder has the call", () => builders.length > before);
    const builder = builders[before];
    if (builder?.stream === undefined) throw new Error("there is a call");
    return { client, request, builder, response: builder.stream };
  };
  /** The call has ended with this code, of which everybody was told once; nothing follows. */
  const ended = async (code: string): Promise<void> => {
    await until(`it ends with ${code}`, () => endedCodes.length > 0);
    await new Promise(setImmediate);
    expect(endedCodes).to.deep.equal([code]);
    expect(events.filter((event) => event.startsWith("ended"))).to.deep.equal([`ended ${code}`]);
    expect(events.at(-1)).to.equal(`ended ${code}`);
  };
  const answerOk = async (response: Stream, client: End, isFirst = true): Promise<void> => {
    if (isFirst) response.respond(RESPONSE, false);
    response.end(OK);
    await until("the client has its answer", () => client.isEnded);
    await ended("OK");
  };
  const heldUntil = (): { release: (message: Buffer) => void; seen: Buffer[] } => {
    const held: { release: (message: Buffer) => void; seen: Buffer[] } = { release: () => undefined, seen: [] };
    const changed = new Promise<Buffer>((resolve) => {
      held.release = resolve;
    });
    interception = {
      request: (message) => {
        held.seen.push(message);
        return changed;
      },
    };
    return held;
  };
  /** All that was sent until now has come to the relay: a call made after it is answered. */
  const settled = async (): Promise<void> => {
    const { client, request, response } = await call();
    request.end();
    response.respond([...RESPONSE, ...OK], true);
    await until("a later call is answered", () => client.isEnded);
    endedCodes.pop();
    events.splice(events.lastIndexOf("ended OK"), 1);
  };

  describe("request", () => {
    it("goes on as the hook has it", async () => {
      interception = { request: (message) => Promise.resolve(Buffer.from(`${message.toString()}, changed`)) };
      const { builder, client, request, response } = await call();
      request.write(framed("first"));
      request.end();
      await until("the request has ended", () => builder.isEnded);
      expect(builder.body.equals(framed("first, changed"))).to.equal(true);
      await answerOk(response, client);
    });

    for (const [what, request] of [
      ["rejects", () => Promise.reject(new Error("our fault"))],
      [
        "throws",
        () => {
          throw new Error("our fault");
        },
      ],
    ] as const) {
      it(`goes on as it was when the hook ${what}`, async () => {
        interception = { request };
        const { builder, client, request: sent, response } = await call();
        sent.write(framed("first"));
        sent.end();
        await until("the request has ended", () => builder.isEnded);
        expect(builder.body.equals(framed("first"))).to.equal(true);
        await answerOk(response, client);
      });
    }

    it("is held until the hook is done, and what comes meanwhile follows in its order", async () => {
      const held = heldUntil();
      const { builder, client, request, response } = await call();
      request.write(Buffer.concat([framed("first"), framed("second"), framed("third").subarray(0, 3)]));
      await until("the hook has the message", () => held.seen.length > 0);
      request.write(framed("third").subarray(3));
      request.end();
      await settled();
      expect([builder.body.length, builder.isEnded]).to.deep.equal([0, false]);
      held.release(Buffer.from("changed"));
      await until("the request has ended", () => builder.isEnded);
      const all = Buffer.concat([framed("changed"), framed("second"), framed("third")]);
      expect(builder.body.equals(all)).to.equal(true);
      expect(held.seen.map(String)).to.deep.equal(["first"]);
      await answerOk(response, client);
    });

    it("is understood in whatever pieces it comes", async () => {
      interception = { request: (message) => Promise.resolve(Buffer.from(message.toString().toUpperCase())) };
      const { builder, request } = await call();
      for (const byte of Buffer.concat([framed("first"), framed("second")])) request.write(Buffer.of(byte));
      request.end();
      await until("the request has ended", () => builder.isEnded);
      expect(builder.body.equals(Buffer.concat([framed("FIRST"), framed("second")]))).to.equal(true);
    });

    it("passes as it came when it ends before its message does", async () => {
      const { seen } = heldUntil();
      const { builder, client, request, response } = await call();
      const cut = framed("never whole").subarray(0, 9);
      request.write(cut);
      request.end();
      await until("the request has ended", () => builder.isEnded);
      expect(builder.body.equals(cut)).to.equal(true);
      expect(seen).to.have.length(0);
      await answerOk(response, client);
    });

    for (const [what, message] of [
      ["too large to be read", () => frameMessage(Buffer.alloc((4 << 20) + 1, "x"))],
      ["compressed", () => Buffer.concat([compressed(), framed("second")])],
    ] as const) {
      it(`passes as it came when its message is ${what}`, async () => {
        const { seen } = heldUntil();
        const { builder, request } = await call();
        const sent = message();
        request.write(sent);
        request.end();
        await until("the request has ended", () => builder.isEnded);
        expect(builder.body.equals(sent)).to.equal(true);
        expect(seen).to.have.length(0);
      });
    }

    it("is looked into when its message is larger than a stream's window", async () => {
      const message = Buffer.alloc(2 << 20, "x");
      interception = { request: (seen) => Promise.resolve(Buffer.from(`${seen.length} bytes`)) };
      const { builder, request } = await call();
      request.write(frameMessage(message));
      request.end();
      await until("the request has ended", () => builder.isEnded);
      expect(builder.body.equals(framed(`${message.length} bytes`))).to.equal(true);
    });

    it("reaches nobody when the client cancels while it is held", async () => {
      const held = heldUntil();
      const { builder, request } = await call();
      request.write(framed("first"));
      await until("the hook has the message", () => held.seen.length > 0);
      request.reset(ErrorCode.Cancel);
      await until("the builder hears of it", () => builder.failure !== undefined);
      expect(builder.failure).to.deep.equal({ kind: "reset", code: ErrorCode.Cancel });
      held.release(Buffer.from("late"));
      await ended("CANCELLED");
      expect(builder.body).to.have.length(0);
    });

    it("is answered when the builder is lost while it is held", async () => {
      const held = heldUntil();
      const { client, request } = await call();
      request.write(framed("first"));
      await until("the hook has the message", () => held.seen.length > 0);
      atBuilder?.destroy("it stops");
      await until("the client has its answer", () => client.isEnded);
      expect(codeOfTrailers(client.trailers ?? [])).to.equal("UNAVAILABLE");
      held.release(Buffer.from("late"));
      await ended("UNAVAILABLE");
    });

    it("is not looked into when it comes after the end of its call", async () => {
      const { seen } = heldUntil();
      const { builder, client, request, response } = await call();
      response.respond([...RESPONSE, ...OK], true);
      await until("the client has its answer", () => client.isEnded);
      await ended("OK");
      request.write(framed("first"));
      request.end();
      await until("the request has ended", () => builder.isEnded);
      expect(seen).to.have.length(0);
      expect(builder.body.equals(framed("first"))).to.equal(true);
    });
  });

  describe("response", () => {
    it("has the first message that the hook gives, and the others as they are", async () => {
      interception = { rewriteResponse: (message) => Buffer.from(`${message.toString()}, changed`) };
      const { client, response } = await call();
      response.respond(RESPONSE, false);
      const sent = Buffer.concat([framed("first"), framed("second")]);
      response.write(sent.subarray(0, 7));
      response.write(sent.subarray(7));
      response.write(framed("third"));
      response.end(OK);
      await ended("OK");
      await until("the client has its answer", () => client.isEnded);
      const all = Buffer.concat([framed("first, changed"), framed("second"), framed("third")]);
      expect(client.body.equals(all)).to.equal(true);
      expect(client.trailers).to.deep.equal(OK);
    });

    for (const [what, sent] of [
      ["the hook throws", () => framed("first")],
      ["it is cut off", () => framed("never whole").subarray(0, 9)],
      ["it cannot be read", () => Buffer.concat([compressed(), framed("second")])],
    ] as const) {
      it(`passes as it came when ${what}`, async () => {
        interception = {
          rewriteResponse: () => {
            throw new Error("our fault");
          },
        };
        const { client, response } = await call();
        response.respond(RESPONSE, false);
        response.write(sent());
        response.end(OK);
        await ended("OK");
        await until("the client has its answer", () => client.isEnded);
        expect(client.body.equals(sent())).to.equal(true);
      });
    }

    it("is not sent when the builder resets the call within the message", async () => {
      interception = { rewriteResponse: (message) => message };
      const { client, response } = await call();
      response.respond(RESPONSE, false);
      response.write(framed("never whole").subarray(0, 9));
      response.reset(ErrorCode.EnhanceYourCalm);
      await until("the client hears of it", () => client.failure !== undefined);
      expect(client.failure).to.deep.equal({ kind: "reset", code: ErrorCode.EnhanceYourCalm });
      expect(client.body).to.have.length(0);
      await ended("RESOURCE_EXHAUSTED");
    });

    it("is shown whole while it passes, whatever becomes of who looks", async () => {
      const seen: string[] = [];
      interception = {
        observeResponse: (message) => {
          seen.push(String(message));
          throw new Error("our fault");
        },
      };
      const { client, response } = await call();
      response.respond(RESPONSE, false);
      const messages = ["first", "second", "third"];
      for (const each of messages) response.write(framed(each));
      response.end(OK);
      await until("the client has its answer", () => client.isEnded);
      expect(client.body.equals(Buffer.concat(messages.map(framed)))).to.equal(true);
      expect(seen).to.deep.equal(messages);
      await ended("OK");
    });

    it("is shown up to what cannot be read, which is told once", async () => {
      const seen: (string | undefined)[] = [];
      interception = { observeResponse: (message) => seen.push(message?.toString()) };
      const { client, response } = await call();
      response.respond(RESPONSE, false);
      const sent = [Buffer.concat([framed("first"), compressed()]), framed("second"), framed("third")];
      for (const each of sent) response.write(each);
      response.end(OK);
      await until("the client has its answer", () => client.isEnded);
      expect(client.body.equals(Buffer.concat(sent))).to.equal(true);
      expect(seen).to.deep.equal(["first", undefined]);
      await ended("OK");
    });
  });

  describe("bytes", () => {
    for (const [what, fail] of [
      ["are shown as they pass", (): void => undefined],
      [
        "pass as they are when who looks fails",
        (): void => {
          throw new Error("our fault");
        },
      ],
    ] as const) {
      it(`of both bodies ${what}`, async () => {
        const seen: { client: Buffer[]; builder: Buffer[] } = { client: [], builder: [] };
        const observeBytes = {
          fromClient: (piece: Buffer) => {
            seen.client.push(Buffer.from(piece));
            fail();
          },
          fromBuilder: (piece: Buffer) => {
            seen.builder.push(Buffer.from(piece));
            fail();
          },
        };
        interception = { observeBytes };
        const { builder, client, request, response } = await call();
        const large = Buffer.alloc(300_000, "large ");
        // Not a message, compressed, and one that never ends: nothing of it is understood.
        const sent = [Buffer.from([0xff, 0xff]), compressed(), frameMessage(large), framed("cut").subarray(0, 6)];
        for (const piece of sent) request.write(piece);
        request.end();
        await until("the request has ended", () => builder.isEnded);
        response.respond(RESPONSE, false);
        for (const piece of [...sent].reverse()) response.write(piece);
        await answerOk(response, client, false);
        expect(builder.body.equals(Buffer.concat(sent))).to.equal(true);
        expect(client.body.equals(Buffer.concat([...sent].reverse()))).to.equal(true);
        expect(Buffer.concat(seen.client).equals(builder.body)).to.equal(true);
        expect(Buffer.concat(seen.builder).equals(client.body)).to.equal(true);
      });
    }
  });

  describe("end", () => {
    it("is told with the builder's message, in trailers", async () => {
      const { response } = await call();
      response.respond(RESPONSE, false);
      response.end(statusHeaders("UNKNOWN", "exit code: 1, für immer"));
      await ended("UNKNOWN");
      expect(endedMessages).to.deep.equal(["exit code: 1, für immer"]);
    });

    it("is told with the builder's message, in an answer of trailers only", async () => {
      const { response } = await call();
      response.respond([...RESPONSE, ...statusHeaders("NOT_FOUND", "no such job")], true);
      await ended("NOT_FOUND");
      expect(endedMessages).to.deep.equal(["no such job"]);
    });

    it("is told with our message when the builder is lost", async () => {
      const { client } = await call();
      atBuilder?.destroy("it stops");
      await until("the client has its answer", () => client.isEnded);
      await ended("UNAVAILABLE");
      expect(endedMessages).to.have.length(1);
      expect(endedMessages[0]).to.match(/^memobuild: builder unix:\/\/\/b\.sock: ./);
    });

    it("is told without message when the client cancels", async () => {
      const { request } = await call();
      request.reset(ErrorCode.Cancel);
      await ended("CANCELLED");
      expect(endedMessages).to.deep.equal([""]);
    });

    it("does nothing to the call when who is told fails", async () => {
      failsAtEnd = true;
      const { client, response } = await call();
      response.respond(RESPONSE, false);
      response.write(framed("first"));
      response.end(OK);
      await until("the client has its answer", () => client.isEnded);
      expect(client.body.equals(framed("first"))).to.equal(true);
      await ended("OK");
    });
  });
});
