/** Promises of the connection to a builder that answers nobody else: how often it is pinged. */
import { duplexPair } from "node:stream";
import { expect } from "chai";
import { pino } from "pino";
import { Registry } from "prom-client";
import { FrameType, frameHeader, settingsFrame } from "../grpc/http2/frame.js";
import { fakeDaemon } from "../test/support/fake-daemons.js";
import { poll } from "../test/support/poll.js";
import { BuilderLink } from "./builder-link.js";
import { RelayMetrics } from "./relay-metrics.js";

const PING = frameHeader(8, FrameType.Ping, 0, 0);

describe("BuilderLink", () => {
  it("pings a connection once in five minutes, however often it is to be checked", async () => {
    const [ours, theirs] = duplexPair();
    let received = Buffer.alloc(0);
    theirs.on("data", (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
    });
    theirs.write(settingsFrame([]));
    const pings = (): number => received.toString("latin1").split(PING.toString("latin1")).length - 1;
    let nowMs = 0;
    const now = (): number => nowMs;
    const link = new BuilderLink({
      builder: { ...fakeDaemon("one").builder, dial: () => Promise.resolve(ours) },
      metrics: new RelayMetrics(new Registry(), now),
      logger: pino({ level: "silent" }),
      onTrouble: () => undefined,
      now,
    });
    await link.connect();
    for (const [atMs, expected] of [
      [0, 1],
      [4 * 60_000, 1],
      [5 * 60_000, 2],
      [9 * 60_000, 2],
      [11 * 60_000, 3],
    ] as const) {
      nowMs = atMs;
      const before = pings();
      const checks = [link.checkAlive(), link.checkAlive()];
      if (expected > before) await poll(pings, (count) => count > before, { what: "a ping", timeoutMs: 500 });
      for (let count = before; count < expected; count++)
        theirs.write(Buffer.concat([frameHeader(8, FrameType.Ping, 1, 0), Buffer.alloc(8)]));
      await Promise.all(checks);
      expect(pings(), `${atMs} ms`).to.equal(expected);
    }
    link.close();
  });
});
