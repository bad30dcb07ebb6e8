/** A stream to a client that reads slowly, not at all, or nothing for long. */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import { expect } from "chai";
import { EVENTS_MAX } from "../builds/build-events.js";
import { sampleBuild } from "../test/support/build-samples.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { poll } from "../test/support/poll.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { type EventStreamDeps, streamEvents } from "./event-stream.js";

describe("streamEvents", () => {
  const desk = new MemoryBuildDesk();
  let dir: string;
  let server: Server;
  let response: ServerResponse | undefined;
  let ended: Promise<void> | undefined;

  const open = async (deps: Partial<EventStreamDeps>): Promise<IncomingMessage> => {
    server.on("request", (_request, answer: ServerResponse) => {
      response = answer;
      ended = streamEvents(answer, { desk, cursor: undefined, ...deps });
    });
    const request = httpRequest({ socketPath: `${dir}/s`, agent: false }).end();
    const [incoming] = (await once(request, "response")) as [IncomingMessage];
    return incoming.setEncoding("utf8").on("error", () => undefined);
  };
  const big = sampleBuild({ error: "x".repeat(2000) });

  beforeEach(async () => {
    dir = await makeTempDir("sse");
    server = createServer().listen(`${dir}/s`);
    await once(server, "listening");
  });
  afterEach(async () => {
    server.closeAllConnections();
    await ended;
    await new Promise((resolve) => server.close(resolve));
    await removeDir(dir);
  });

  it("queues next to nothing for a client that does not read, and tells it to start anew when it does", async () => {
    const incoming = await open({});
    for (let i = 0; i < 2 * EVENTS_MAX; i += 1) desk.put(big);
    expect(response?.writableLength).to.be.lessThan(512 * 1024);
    const types = new Map<string, number>();
    let text = "";
    for await (const part of incoming) {
      text += String(part);
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [, type = ""] = /^event: (.*)$/.exec(line) ?? [];
        if (type !== "") types.set(type, (types.get(type) ?? 0) + 1);
      }
      if (types.has("reset")) break;
    }
    expect(types.get("reset")).to.equal(1);
    expect(types.get("changed")).to.be.lessThan(EVENTS_MAX);
  });

  it("shows that it lives when nothing happens", async () => {
    const incoming = await open({ heartbeatMs: 5 });
    let text = "";
    for await (const part of incoming) {
      text += String(part);
      if (text.split(":\n\n").length > 3) break;
    }
    expect(text).to.match(/^retry: 2000\nid: \w+-\d+\n\n(:\n\n)+$/);
  });

  it("cuts off a client that reads nothing for too long", async () => {
    await open({ stalledTimeoutMs: 50, heartbeatMs: 10 });
    for (let i = 0; i < EVENTS_MAX; i += 1) desk.put(big);
    await poll(
      () => response?.destroyed,
      (isDestroyed) => isDestroyed === true,
      { what: "it is cut off", timeoutMs: 1500 },
    );
    await ended;
  });

  it("keeps a client that reads, however little happens", async () => {
    const incoming = await open({ stalledTimeoutMs: 60, heartbeatMs: 10 });
    let beats = 0;
    for await (const part of incoming) {
      beats += String(part).split(":\n\n").length - 1;
      if (beats >= 20) break;
    }
    expect(beats).to.be.at.least(20);
  });
});
