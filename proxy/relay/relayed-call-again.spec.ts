/** A call that goes to another builder, and what a client is told before any builder answers. */
import { duplexPair } from "node:stream";
import { expect } from "chai";
import type { Builder } from "../farm/builder.js";
import { codeOfTrailers, messageOfTrailers, statusHeaders } from "../grpc/grpc-status.js";
import { ClientConnection } from "../grpc/http2/client-connection.js";
import { headerValue, type HeaderList } from "../grpc/http2/header-list.js";
import { ServerConnection } from "../grpc/http2/server-connection.js";
import { Stream } from "../grpc/http2/stream.js";
import { frameMessage } from "../grpc/message.js";
import { poll } from "../test/support/poll.js";
import type { Interception } from "./interception.js";
import { RelayedCall, type RelayedCallOptions } from "./relayed-call.js";

const REQUEST = [":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "x"];
const RESPONSE = [":status", "200", "content-type", "application/grpc"];
const framed = (text: string): Buffer => frameMessage(Buffer.from(text));

/** A builder with one connection, and what it has heard of the call. */
class Remote {
  readonly connection: ClientConnection;
  readonly #server: ServerConnection;
  body: Buffer = Buffer.alloc(0);
  isEnded = false;
  isCancelled = false;
  stream: Stream | undefined;
  readonly builder: Builder;

  constructor(name: string) {
    this.builder = { address: name, dial: () => Promise.reject(new Error("it is connected")) };
    const [ours, theirs] = duplexPair();
    this.#server = new ServerConnection(theirs, {
      call: (stream) => {
        this.stream = stream;
        return {
          headers: () => undefined,
          data: (piece) => {
            this.body = Buffer.concat([this.body, piece]);
            stream.consumed(piece.length);
          },
          end: () => (this.isEnded = true),
          failed: () => (this.isCancelled = true),
          drain: () => undefined,
        };
      },
      closed: () => undefined,
      now: () => performance.now(),
    });
    this.connection = new ClientConnection(ours, { draining: () => undefined, closed: () => undefined });
  }

  close(): void {
    this.#server.destroy("it stops");
    this.connection.destroy("test over");
  }
}

describe("RelayedCall", () => {
  let one: Remote;
  let two: Remote;
  let call: RelayedCall;
  /** What the client was sent. */
  let headers: HeaderList[];
  let body: Buffer;
  let isEnded: boolean;
  let codes: string[];

  const create = (interception: Interception = {}, options: RelayedCallOptions = {}): void => {
    [headers, body, isEnded, codes] = [[], Buffer.alloc(0), false, []];
    const client = new Stream({
      sendData: (_stream, piece) => {
        body = Buffer.concat([body, piece]);
        return piece.length;
      },
      sendHeaders: (_stream, sent, isEndStream) => {
        headers.push(sent);
        isEnded ||= isEndStream;
      },
      sendEndStream: () => (isEnded = true),
      sendReset: () => (isEnded = true),
      sendWindowUpdate: () => undefined,
      credit: () => undefined,
      isCongested: () => false,
      waitForRoom: () => undefined,
      forget: () => undefined,
    });
    client.opened(1, 1 << 20);
    const observer = {
      ...{ forwarded: () => undefined, bytesToBuilder: () => undefined, bytesToClient: () => undefined },
      ended: (code: string) => void codes.push(code),
    };
    call = new RelayedCall(client, observer, { interception, ...options });
  };
  const send = (...pieces: readonly Buffer[]): void => {
    for (const piece of pieces) call.fromClient.data(piece);
  };
  const to = (remote: Remote): void => {
    call.forward(REQUEST, remote.connection, remote.builder);
  };
  const until = (what: string, isSo: () => boolean): Promise<boolean> =>
    poll(isSo, (yes) => yes, { what, timeoutMs: 1_500, intervalMs: 2 });
  const has = (remote: Remote, expected: Buffer): Promise<boolean> =>
    until(`${remote.builder.address} has it all`, () => remote.body.equals(expected));

  beforeEach(() => {
    [one, two] = [new Remote("one"), new Remote("two")];
    create();
  });
  afterEach(() => {
    one.close();
    two.close();
  });

  describe("forward, after leave", () => {
    it("sends the whole request again, and what comes after it", async () => {
      send(framed("first"), framed("second").subarray(0, 3));
      to(one);
      await has(one, Buffer.concat([framed("first"), framed("second").subarray(0, 3)]));
      call.leave();
      await until("the builder is told", () => one.isCancelled);
      send(framed("second").subarray(3));
      to(two);
      send(framed("third"));
      call.fromClient.end(undefined);
      await until("the request has ended", () => two.isEnded);
      expect(two.body.equals(Buffer.concat(["first", "second", "third"].map(framed)))).to.equal(true);
    });

    it("asks the hook again for the new builder, with what the client sent", async () => {
      const asked: string[] = [];
      create({
        request: (message, { address }) => {
          asked.push(`${message.toString()} ${address}`);
          return Promise.resolve(Buffer.from(`for ${address}`));
        },
      });
      send(Buffer.concat([framed("first"), framed("second")]));
      call.fromClient.end(undefined);
      to(one);
      await until("the request has ended", () => one.isEnded);
      call.leave();
      to(two);
      await until("the request has ended again", () => two.isEnded);
      expect(asked).to.deep.equal(["first one", "first two"]);
      expect(one.body.equals(Buffer.concat([framed("for one"), framed("second")]))).to.equal(true);
      expect(two.body.equals(Buffer.concat([framed("for two"), framed("second")]))).to.equal(true);
    });

    it("sends no change that was meant for the builder before", async () => {
      const changes: ((message: Buffer) => void)[] = [];
      create({ request: () => new Promise((resolve) => changes.push(resolve)) });
      send(framed("first"));
      to(one);
      await until("the hook is asked", () => changes.length === 1);
      call.leave();
      to(two);
      await until("the hook is asked again", () => changes.length === 2);
      changes[0]?.(Buffer.from("for one"));
      changes[1]?.(Buffer.from("for two"));
      await has(two, framed("for two"));
      expect([one.body.length, await call.firstMessage]).to.deep.equal([0, Buffer.from("first")]);
    });

    it("gives the client one answer, whatever the builder before had begun", async () => {
      to(one);
      await until("the call is there", () => one.stream !== undefined);
      one.stream?.respond(RESPONSE, false);
      await until("the client has headers", () => headers.length === 1);
      call.leave();
      one.stream?.write(framed("late"));
      to(two);
      await until("the call is there", () => two.stream !== undefined);
      two.stream?.respond([...RESPONSE, "x", "y"], false);
      two.stream?.write(framed("answer"));
      two.stream?.end(statusHeaders("OK", ""));
      await until("the call has ended", () => isEnded);
      expect([headers.length, body.equals(framed("answer")), codes]).to.deep.equal([2, true, ["OK"]]);
    });
  });

  describe("isRepeatable", () => {
    it("is so until an answer comes before the request has ended", async () => {
      send(framed("first"));
      to(one);
      await has(one, framed("first"));
      expect([call.isRepeatable, call.hasAnswered, call.isForwarded]).to.deep.equal([true, false, true]);
      one.stream?.respond(RESPONSE, false);
      one.stream?.write(framed("byte"));
      await until("it is answered", () => call.hasAnswered);
      expect(call.isRepeatable).to.equal(false);
    });

    it("is not so within a message of the answer", async () => {
      call.fromClient.end(undefined);
      to(one);
      await until("the request has ended", () => one.isEnded);
      one.stream?.respond(RESPONSE, false);
      const seen: boolean[] = [];
      let sent = 0;
      const whole = Buffer.concat([framed("first"), framed("second")]);
      for (const end of [2, 7, 10, 12, 21]) {
        one.stream?.write(whole.subarray(sent, end));
        await until("the client has it", () => body.length === end);
        seen.push(call.isRepeatable);
        sent = end;
      }
      expect(seen).to.deep.equal([false, false, true, false, true]);
    });

    it("is not so with a request that is too large to be kept", () => {
      send(Buffer.alloc(1 << 20));
      expect(call.isRepeatable).to.equal(true);
      send(Buffer.alloc(1));
      expect(call.isRepeatable).to.equal(false);
    });
  });

  describe("announce", () => {
    it("sends a message before the builder's, whose headers are left out", async () => {
      call.announce(Buffer.from("waiting"), ["x", "1"]);
      call.announce(Buffer.from("placed"), ["x", "2"]);
      to(one);
      await until("the call is there", () => one.stream !== undefined);
      one.stream?.respond([...RESPONSE, "x", "3"], false);
      one.stream?.write(framed("answer"));
      one.stream?.end(statusHeaders("OK", ""));
      await until("the call has ended", () => isEnded);
      expect(headers.map((sent) => headerValue(sent, "x"))).to.deep.equal(["1", undefined]);
      expect(body.equals(Buffer.concat(["waiting", "placed", "answer"].map(framed)))).to.equal(true);
    });

    it("makes trailers of an answer that is nothing else", async () => {
      call.announce(Buffer.from("waiting"), []);
      to(one);
      await until("the call is there", () => one.stream !== undefined);
      one.stream?.respond([...RESPONSE, ...statusHeaders("NOT_FOUND", "no such job")], true);
      await until("the call has ended", () => isEnded);
      const trailers = headers[1] ?? [];
      expect([headers.length, headerValue(trailers, ":status"), headerValue(trailers, "content-type")]).to.deep.equal([
        ...[2, undefined, undefined],
      ]);
      expect([codeOfTrailers(trailers), messageOfTrailers(trailers)]).to.deep.equal(["NOT_FOUND", "no such job"]);
    });

    it("goes before a failure of ours too, and says nothing to a call that has ended", () => {
      call.announce(Buffer.from("waiting"), []);
      call.fail("memobuild: no builder");
      call.announce(Buffer.from("late"), []);
      expect([headers.length, codeOfTrailers(headers[1] ?? []), body.equals(framed("waiting"))]).to.deep.equal([
        ...[2, "UNAVAILABLE", true],
      ]);
      expect(codes).to.deep.equal(["UNAVAILABLE"]);
    });
  });

  it("is answered by us, and goes to no builder then", async () => {
    send(framed("first"));
    call.answer(Buffer.from("pong"));
    to(one);
    call.answer(Buffer.from("again"));
    await new Promise(setImmediate);
    expect([body.equals(framed("pong")), codeOfTrailers(headers[1] ?? []), codes]).to.deep.equal([true, "OK", ["OK"]]);
    expect([one.stream, call.isForwarded, call.isOver]).to.deep.equal([undefined, false, true]);
  });

  it("shows a request that no builder takes to who looks into it, once", async () => {
    const unsent: string[] = [];
    const interception = { unsent: (message: Buffer) => void unsent.push(message.toString()) };
    create(interception, { isRead: true });
    send(framed("first"));
    call.fail("memobuild: no builder");
    call.fail("memobuild: no builder");
    expect(unsent).to.deep.equal(["first"]);
    create(interception, { isRead: true });
    send(framed("second"));
    to(one);
    await has(one, framed("second"));
    call.leave();
    call.fail("memobuild: no builder is left");
    expect(unsent).to.deep.equal(["first"]);
  });
});
