/** Promises of a stream to its writer; the rest is tested with the connections. */
import { expect } from "chai";
import { Stream } from "./stream.js";
import type { StreamPort } from "./stream.js";

/** A connection whose socket is as full as the test says. */
const fixture = () => {
  const socket = { isFull: false, sentBytes: 0 };
  let waiting: Stream[] = [];
  const port: StreamPort = {
    sendData: (_stream, piece, windowBytes) => {
      const sent = Math.min(piece.length, windowBytes);
      socket.sentBytes += sent;
      return sent;
    },
    sendHeaders: () => undefined,
    sendEndStream: () => undefined,
    sendReset: () => undefined,
    sendWindowUpdate: () => undefined,
    credit: () => undefined,
    isCongested: () => socket.isFull,
    waitForRoom: (stream) => waiting.push(stream),
    forget: () => undefined,
  };
  const stream = new Stream(port);
  let drains = 0;
  stream.handle({
    headers: () => undefined,
    data: () => undefined,
    end: () => undefined,
    failed: () => undefined,
    drain: () => drains++,
  });
  stream.opened(1, 100);
  /** What the connection does when its socket has drained. */
  const flush = (): void => {
    const streams = new Set(waiting);
    waiting = [];
    for (const each of streams) each.flush();
  };
  return { drains: () => drains, flush, socket, stream };
};

describe("Stream", () => {
  it("drains once after it asked to wait, also when there was room before the socket said so", () => {
    const { drains, flush, socket, stream } = fixture();
    socket.isFull = true;
    expect(stream.write(Buffer.alloc(10))).to.equal(false);
    socket.isFull = false;
    expect(stream.write(Buffer.alloc(10))).to.equal(false);
    expect(drains()).to.equal(0);
    flush();
    expect(drains()).to.equal(1);
    expect(stream.write(Buffer.alloc(10))).to.equal(true);
    flush();
    expect(drains()).to.equal(1);
  });

  it("keeps what does not fit the window, in order, and drains when all of it went out", () => {
    const { drains, socket, stream } = fixture();
    expect(stream.write(Buffer.alloc(80))).to.equal(true);
    expect(stream.write(Buffer.alloc(80))).to.equal(false);
    expect(stream.write(Buffer.alloc(80))).to.equal(false);
    expect(socket.sentBytes).to.equal(100);
    stream.widenSendWindow(100);
    expect(socket.sentBytes).to.equal(200);
    expect(drains()).to.equal(0);
    stream.widenSendWindow(100);
    expect(socket.sentBytes).to.equal(240);
    expect(drains()).to.equal(1);
  });
});
