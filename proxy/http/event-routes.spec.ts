/** Events over the real socket: as a stream that can be continued, and by asking again and again. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect } from "chai";
import { answerTo, refusalOf, responseTo } from "../test/support/api-request.js";
import { sampleBuild } from "../test/support/build-samples.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { poll, within } from "../test/support/poll.js";
import { FOLLOWERS_MAX } from "./event-routes.js";

describe("createApiServer, events", () => {
  let desk: MemoryBuildDesk;
  let api: CacheApi;
  const streams: IncomingMessage[] = [];

  const follow = async (path = "/events", headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const response = await responseTo({ socketPath: api.path }, { path: `/api/v1${path}`, headers });
    response.setEncoding("utf8").on("error", () => undefined);
    streams.push(response);
    return response;
  };
  /** Resolves with what came until `isEnough`. */
  const readUntil = async (response: IncomingMessage, isEnough: (text: string) => boolean): Promise<string> => {
    let text = "";
    const read = async (): Promise<string> => {
      for (;;) {
        const part = response.read() as string | null;
        if (part === null) await once(response, "readable");
        else text += part;
        if (isEnough(text)) return text;
      }
    };
    return within(read(), 1500, `enough after ${text}`);
  };
  const page = async (query: string): Promise<{ events: { seq: number }[]; cursor: string; isReset: boolean }> =>
    JSON.parse((await answerTo({ socketPath: api.path }, { path: `/api/v1/events/poll?${query}` })).body) as never;

  beforeEach(async () => {
    desk = new MemoryBuildDesk();
    api = await startCacheApi(undefined, { builds: desk });
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.destroy();
    await api.close();
  });

  it("streams events as they happen, each with its type", async () => {
    const response = await follow();
    expect(response.headers["content-type"]).to.equal("text/event-stream; charset=utf-8");
    desk.put(sampleBuild({ ref: "a", outcome: "running" }));
    desk.put(sampleBuild({ ref: "a" }), "ended");
    const text = await readUntil(response, (sofar) => sofar.includes("event: ended") && sofar.endsWith("\n\n"));
    const [head = "", started = "", ended = ""] = text.split("\n\n");
    expect(head).to.match(/^retry: 2000\nid: \w+-0$/);
    expect(started).to.match(/^event: started\nid: \w+-1\ndata: \{"type":"started",/);
    expect(ended).to.match(/^event: ended\nid: \w+-2\ndata: /);
    expect(JSON.parse(ended.split("data: ")[1] ?? "")).to.deep.include({ seq: 2 });
  });

  for (const way of ["Last-Event-ID", "cursor"]) {
    it(`continues where ${way} says`, async () => {
      const { cursor } = await page("");
      for (const ref of ["a", "b", "c"]) desk.put(sampleBuild({ ref }));
      const response =
        way === "cursor"
          ? await follow(`/events?cursor=${cursor}`)
          : await follow("/events", { "last-event-id": cursor });
      const text = await readUntil(response, (sofar) => sofar.includes('"ref":"c"') && sofar.endsWith("\n\n"));
      expect(text.match(/event: started/g)).to.have.length(3);
      // Three in one piece: only behind the last of them a client is past them.
      expect(text.match(/^id: \w+-\d+$/gm)?.map((id) => id.split("-")[1])).to.deep.equal(["3"]);
    });
  }

  it("tells to start anew who was away for too long, or comes from another process", async () => {
    const text = await readUntil(await follow("/events?cursor=other-1"), (sofar) => sofar.includes("data"));
    expect(text).to.match(/\n\nevent: reset\nid: \w+-0\ndata: \{\}\n\n$/);
  });

  it("answers a poll at once where there is something, or no time to wait", async () => {
    const { events, cursor, isReset } = await page("");
    expect({ events, isReset }).to.deep.equal({ events: [], isReset: false });
    for (const ref of ["a", "b", "c"]) desk.put(sampleBuild({ ref }));
    const next = await page(`cursor=${cursor}&limit=2&wait=25000`);
    expect(next.events.map(({ seq }) => seq)).to.deep.equal([1, 2]);
    expect((await page(`cursor=${next.cursor}`)).events.map(({ seq }) => seq)).to.deep.equal([3]);
    expect(await page("cursor=other-1&wait=25000")).to.include({ isReset: true });
  });

  it("keeps a poll waiting until something happens", async () => {
    let isWaiting = false;
    const onEvents = desk.onEvents.bind(desk);
    desk.onEvents = (listener) => {
      isWaiting = true;
      return onEvents(listener);
    };
    const answer = page("wait=25000");
    await poll(() => isWaiting, Boolean, { what: "the poll waits" });
    desk.put(sampleBuild());
    expect((await within(answer, 1000, "the answer")).events).to.have.length(1);
  });

  it("answers a poll with nothing after its time", async () => {
    expect(await page("wait=20")).to.deep.include({ events: [], isReset: false });
  });

  it(`lets ${FOLLOWERS_MAX} follow, and another one when one has left`, async () => {
    for (let i = 0; i < FOLLOWERS_MAX; i += 1) await follow();
    const path = "/api/v1/events/poll?wait=1";
    const refused = "409 busy: 64 clients follow events already";
    expect(await refusalOf({ socketPath: api.path }, { path })).to.equal(refused);
    expect(await refusalOf({ socketPath: api.path }, { path: "/api/v1/events" })).to.equal(refused);
    streams[0]?.destroy();
    await poll(
      () => answerTo({ socketPath: api.path }, { path }),
      ({ status }) => status === 200,
      { what: "a poll" },
    );
    expect(api.lines).to.be.empty;
  });

  it("forgets who leaves", async () => {
    let listening = 0;
    const onEvents = desk.onEvents.bind(desk);
    desk.onEvents = (listener) => {
      listening += 1;
      const stop = onEvents(listener);
      return () => {
        listening -= 1;
        stop();
      };
    };
    const stream = await follow();
    await poll(
      () => listening,
      (now) => now === 1,
      { what: "one listens" },
    );
    stream.destroy();
    await poll(
      () => listening,
      (now) => now === 0,
      { what: "nobody listens" },
    );
  });
});
