/** What one client gets over its connection when its builders answer, wait, die or are gone. */
import { once } from "node:events";
import net from "node:net";
import { mock } from "node:test";
import { expect } from "chai";
import { Registry } from "prom-client";
import { loadBuildMessages, type BuildMessages, type SolveRequest } from "../buildkit/build-messages.js";
import { loadHistoryMessages, type HistoryMessages } from "../buildkit/history-messages.js";
import { BUILD_ID_METADATA, CONTROL, LLB_BRIDGE, SESSION_METADATA } from "../buildkit/methods.js";
import type { FarmBuilder } from "../farm/farm-builder.js";
import { NoBuilderError, type PlaceOptions } from "../farm/placing.js";
import { codeOfTrailers, messageOfTrailers } from "../grpc/grpc-status.js";
import { ClientConnection } from "../grpc/http2/client-connection.js";
import { headerValue, type HeaderList } from "../grpc/http2/header-list.js";
import type { Stream } from "../grpc/http2/stream.js";
import { frameMessage, MessageReader } from "../grpc/message.js";
import { createLogger } from "../log/create-logger.js";
import { fakeDaemon, type FakeCall, type FakeDaemon } from "../test/support/fake-daemons.js";
import { WhereIs } from "./across/where-is.js";
import { ClientSession } from "./client-session.js";
import { RelayMetrics } from "./relay-metrics.js";

const PONG = Buffer.from("pong");
const BYTE = Buffer.from("byte");
const PING_ANSWER_MS = 5_000;

/** One call of the client's: what it has got. */
interface Asked {
  readonly stream: Stream;
  readonly messages: Buffer[];
  readonly headers: HeaderList[];
  /** Its status, once it has ended. */
  end: string | undefined;
}

/** Turns of the event loop, which a mocked clock does not hold up. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 1_500;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not so`);
    await new Promise(setImmediate);
  }
}

describe("ClientSession", () => {
  let messages: BuildMessages;
  let history: HistoryMessages;
  let daemons: readonly FakeDaemon[];
  /** Addresses, in the order in which they were dialled. */
  let dials: string[];
  let suspected: string[];
  let pong: Buffer | undefined;
  let waiting: { readonly options: PlaceOptions; readonly give: () => void }[] | undefined;
  let places: number;
  let retriesLostBuilds: boolean;
  let registry: Registry;
  let session: ClientSession | undefined;
  let client: ClientConnection;
  let server: net.Server;
  let isClosed: boolean;

  before(async () => {
    [messages, history] = await Promise.all([loadBuildMessages(), loadHistoryMessages()]);
  });

  /** The daemons as one farm, each with what a test says of it. */
  const builders = (): readonly FarmBuilder[] =>
    daemons.map(({ builder }) => ({
      ...builder,
      pong,
      dial: (signal) => {
        dials.push(builder.name);
        return builder.dial(signal);
      },
    }));

  const start = async (names: readonly string[]): Promise<void> => {
    daemons = names.map((name) => fakeDaemon(name));
    const farm = {
      builders: builders(),
      suspect: ({ address }: { readonly address: string }) => void suspected.push(address),
    };
    const now = (): number => performance.now();
    const deps = {
      ...{ farm, isLimited: false, messages, retriesLostBuilds, now, wallClock: Date.now, lostAdvice: "run it again" },
      random: () => 0,
      whereIs: new WhereIs({ messages: history, recorded: () => Promise.resolve(undefined) }),
      readSolve: (message: Buffer) => {
        const { internal: isInternal, ref, session } = messages.solveRequest.decode(message);
        const sessions = [session].filter((id) => id !== "");
        const identify = (): { tenant: string; project: string; scope: string } => ({
          tenant: "",
          project: "p",
          scope: "",
        });
        return { ref, session, sessions, isInternal, platforms: [], needsSharedKey: false, identify };
      },
      farmCallOf: () => undefined,
      metrics: new RelayMetrics(registry, now),
      logger: createLogger({ level: "error", format: "json", stream: process.stderr }),
      placing: {
        place: async (
          { exclude, stayOn }: { exclude: ReadonlySet<string>; stayOn?: FarmBuilder | undefined },
          options: PlaceOptions,
        ) => {
          const builder = stayOn ?? farm.builders.find(({ address }) => !exclude.has(address));
          if (builder === undefined || exclude.has(builder.address)) throw new NoBuilderError("none is left");
          const held = waiting;
          if (held !== undefined) await new Promise<void>((give) => held.push({ options, give }));
          places++;
          return {
            builder,
            reason: "cold" as const,
            release: () => {
              places--;
            },
          };
        },
      },
    };
    server = net.createServer({ noDelay: true }, (socket) => {
      session = new ClientSession(socket, deps, () => {
        isClosed = true;
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    const socket = net.connect(typeof bound === "object" && bound !== null ? bound.port : 0, "127.0.0.1");
    await once(socket, "connect");
    client = new ClientConnection(socket, { draining: () => undefined, closed: () => undefined });
    await until("the client is served", () => session !== undefined);
  };

  beforeEach(() => {
    [dials, suspected, registry] = [[], [], new Registry()];
    [pong, waiting, session] = [undefined, undefined, undefined];
    [places, retriesLostBuilds, isClosed] = [0, true, false];
  });
  afterEach(async () => {
    mock.timers.reset();
    client.destroy("test over");
    await until("the session is closed", () => isClosed);
    server.close();
    expect(places, "places that were not given back").to.equal(0);
    await until("no connection is left", () => daemons.every(({ connections }) => connections.size === 0));
  });

  const ask = (path: string, headers: HeaderList, message: Buffer, isEnded = true): Asked => {
    const reader = new MessageReader();
    const ended = (trailers: HeaderList): void => {
      asked.end = `${codeOfTrailers(trailers)} ${messageOfTrailers(trailers)}`.trim();
    };
    const stream = client.request([":method", "POST", ":scheme", "http", ":path", path, ...headers], {
      headers: (received, isEndStream) => {
        asked.headers.push(received);
        if (isEndStream) ended(received);
      },
      data: (piece) => {
        stream.consumed(piece.length);
        asked.messages.push(...reader.push(piece));
      },
      end: (trailers) => {
        ended(trailers ?? []);
      },
      failed: ({ kind }) => {
        asked.end = kind;
      },
      drain: () => undefined,
    });
    const asked: Asked = { stream, messages: [], headers: [], end: undefined };
    stream.write(frameMessage(message));
    if (isEnded) stream.end();
    return asked;
  };
  const solve = (request: Partial<SolveRequest>): Asked =>
    ask(CONTROL.solve, [], Buffer.from(messages.solveRequest.encode(request)));
  const status = (ref: string): Asked => ask(CONTROL.status, [], Buffer.from(messages.statusRequest.encode({ ref })));
  const ping = (ref: string): Asked => ask(LLB_BRIDGE.ping, [BUILD_ID_METADATA, ref], Buffer.alloc(0));
  const tunnel = (id: string): Asked => ask(CONTROL.session, [SESSION_METADATA.id, id], BYTE, false);
  /** The four calls with which a client begins a build. */
  const begin = (ref: string, internal = false): readonly Asked[] => [
    tunnel(`s-${ref}`),
    solve({ ref, internal, session: `s-${ref}`, frontendAttrs: { "vcs:source": "https://host/app" } }),
    status(ref),
    ping(ref),
  ];
  const daemon = (name: string): FakeDaemon => {
    const found = daemons.find(({ builder }) => builder.name === name);
    if (found === undefined) throw new Error(`there is a daemon ${name}`);
    return found;
  };
  /** What each daemon does with all calls that builds make. */
  const answer = (names: readonly string[], act: (call: FakeCall, path: string) => void): void => {
    for (const { answers } of names.map(daemon)) {
      for (const path of [
        CONTROL.session,
        CONTROL.solve,
        CONTROL.status,
        CONTROL.info,
        LLB_BRIDGE.ping,
        LLB_BRIDGE.return,
      ])
        answers.set(path, (call) => {
          act(call, path);
        });
    }
  };
  const ok = (call: FakeCall): void => {
    call.send(BYTE);
    call.end();
  };
  const silence = (): void => undefined;
  const ends = (calls: readonly Asked[]): (string | undefined)[] => calls.map(({ end }) => end);
  const untilEnded = (calls: readonly Asked[]): Promise<void> =>
    until("all calls have ended", () => calls.every(({ end }) => end !== undefined));
  const untilAsked = (name: string, count: number): Promise<void> =>
    until(`${name} has ${count} calls`, () => daemon(name).calls.length >= count);
  const moved = async (): Promise<unknown> =>
    (await registry.getSingleMetric("memobuild_relay_moved_builds_total")?.get())?.values[0]?.value;

  it("sends a build's calls to its builder, and their answers back", async () => {
    await start(["one", "two"]);
    answer(["one"], ok);
    const calls = begin("b");
    await untilEnded(calls);
    expect(ends(calls)).to.deep.equal(["OK", "OK", "OK", "OK"]);
    expect(calls.map(({ messages: received }) => received.map(String))).to.deep.equal(calls.map(() => ["byte"]));
    expect([...daemon("one").calls].sort()).to.deep.equal(
      [CONTROL.session, CONTROL.solve, CONTROL.status, LLB_BRIDGE.ping].sort(),
    );
    expect(dials).to.deep.equal(["one"]);
  });

  for (const isInternal of [false, true]) {
    it(`moves ${isInternal ? "a question" : "a build"} whose builder closes before a byte of its tunnel`, async () => {
      await start(["one", "two"]);
      answer(["one"], silence);
      answer(["two"], ok);
      const calls = begin("b", isInternal);
      await untilAsked("one", 4);
      daemon("one").die();
      await untilEnded(calls);
      expect(ends(calls)).to.deep.equal(["OK", "OK", "OK", "OK"]);
      expect([...daemon("two").calls].sort()).to.deep.equal([...daemon("one").calls].sort());
      expect(await moved()).to.equal(1);
      expect(suspected).to.include(daemon("one").builder.address);
    });
  }

  it("moves a build again whose second builder is lost as well, until none is left", async () => {
    await start(["one", "two", "three"]);
    answer(["one", "two", "three"], silence);
    const calls = begin("b");
    for (const name of ["one", "two", "three"]) {
      await untilAsked(name, 4);
      daemon(name).die();
    }
    await untilEnded(calls);
    for (const end of ends(calls)) {
      expect(end).to.match(
        /^UNAVAILABLE memobuild: builder unix:\/\/\/three\.sock: .*; the build is lost with it: run it again$/,
      );
    }
  });

  it("loses a build whose builder closes after a byte of its tunnel, and says so", async () => {
    await start(["one", "two"]);
    answer(["one"], (call, path) => {
      if (path === CONTROL.session) call.send(BYTE);
    });
    const calls = begin("b");
    await until("the tunnel is open", () => calls[0]?.messages.length === 1);
    await untilAsked("one", 4);
    daemon("one").die();
    await untilEnded(calls);
    for (const end of ends(calls)) {
      expect(end).to.match(
        /^UNAVAILABLE memobuild: builder unix:\/\/\/one\.sock: .*; the build is lost with it: run it again$/,
      );
    }
    expect([daemon("two").calls.length, await moved()]).to.deep.equal([0, 0]);
  });

  for (const isRetried of [true, false]) {
    it(`${isRetried ? "moves" : "does not move"} a build that has told progress where builds are ${isRetried ? "" : "not "}retried`, async () => {
      retriesLostBuilds = isRetried;
      await start(["one", "two"]);
      answer(["one"], (call, path) => {
        if (path === CONTROL.status) call.send(BYTE);
      });
      answer(["two"], ok);
      const calls = begin("b");
      await until("there is progress", () => calls[2]?.messages.length === 1);
      await untilAsked("one", 4);
      daemon("one").die();
      await untilEnded(calls);
      expect(ends(calls).map((end) => end?.split(" ")[0])).to.deep.equal(
        calls.map(() => (isRetried ? "OK" : "UNAVAILABLE")),
      );
      if (isRetried)
        expect([calls[2]?.messages.map(String), calls[2]?.headers.length]).to.deep.equal([["byte", "byte"], 1]);
    });
  }

  it("ends the session of a build that has ended when its builder is lost then", async () => {
    await start(["one", "two"]);
    answer(["one"], (call, path) => {
      if (path !== CONTROL.session) ok(call);
    });
    const [open, ...others] = begin("b");
    await untilEnded(others);
    await untilAsked("one", 4);
    daemon("one").die();
    await until("the session has ended", () => open?.end !== undefined);
    expect(open?.end).to.match(/^UNAVAILABLE memobuild: builder unix:\/\/\/one\.sock: /);
    expect(open?.end).not.to.contain("lost with it");
  });

  describe("when a builder takes no connection", () => {
    it("asks another one", async () => {
      await start(["one", "two", "three"]);
      answer(["three"], ok);
      daemon("one").die();
      daemon("two").die();
      const calls = [...begin("b"), ...begin("q", true), ask(CONTROL.info, [], Buffer.alloc(0))];
      await untilEnded(calls);
      expect(ends(calls)).to.deep.equal(calls.map(() => "OK"));
    });

    for (const [what, make] of [
      ["a build", () => begin("b")],
      ["a question", () => begin("q", true)],
      ["a call of no build", () => [ask(CONTROL.info, [], Buffer.alloc(0))]],
    ] as const) {
      it(`gives up ${what} when none does`, async () => {
        await start(["one", "two", "three"]);
        for (const each of daemons) each.die();
        const calls = make();
        await untilEnded(calls);
        for (const end of ends(calls))
          expect(end).to.match(/^UNAVAILABLE memobuild: (builder unix:\/\/\/\w+\.sock: |none is left)/);
        expect(dials.length).to.be.within(1, 8);
      });
    }
  });

  describe("while a build waits for a builder", () => {
    it("answers its Ping itself, in time", async () => {
      pong = PONG;
      waiting = [];
      mock.timers.enable({ apis: ["setTimeout"] });
      await start(["one", "two"]);
      answer(["one"], ok);
      const [, , , pinged] = begin("b");
      await until("it waits", () => waiting?.length === 1);
      await new Promise(setImmediate);
      mock.timers.tick(PING_ANSWER_MS);
      await until("it is answered", () => pinged?.end !== undefined);
      expect([pinged?.end, pinged?.messages]).to.deep.equal(["OK", [PONG]]);
      waiting[0]?.give();
    });

    it("tells the client in its progress, and which builder it is in the end", async () => {
      waiting = [];
      await start(["one", "two"]);
      answer(["one"], (call, path) => {
        if (path === CONTROL.status) call.send(messages.statusResponse.encode({ logs: [] }), BYTE);
        if (path !== CONTROL.session) call.end();
      });
      const calls = begin("b");
      await until("it waits", () => waiting?.length === 1);
      waiting[0]?.options.onWaiting(2);
      const [, , progress] = calls;
      await until("the client is told", () => progress?.messages.length === 1);
      expect(headerValue(progress?.headers[0] ?? [], "buildkit-current-timestamp")).to.match(/^\d{4}-.*Z$/);
      waiting[0]?.give();
      await until("the progress has ended", () => progress?.end !== undefined);
      const names = progress?.messages
        .slice(0, 2)
        .map((message) => messages.statusResponse.decode(message).vertexes.map(({ name }) => name));
      expect(names).to.deep.equal([["memobuild: waiting for a builder, 2 ahead"], ["memobuild: building on one"]]);
      expect([progress?.end, progress?.headers.length, progress?.messages.length]).to.deep.equal(["OK", 1, 4]);
    });

    it("gives up when the client leaves, and opens nothing for it any more", async () => {
      waiting = [];
      await start(["one", "two"]);
      begin("b");
      tunnel("of no build");
      await until("it waits", () => waiting?.length === 1);
      client.destroy("it leaves");
      await until("the session is closed", () => isClosed);
      expect(waiting[0]?.options.signal.aborted).to.equal(true);
      const before = dials.length;
      waiting[0]?.give();
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      expect(dials).to.have.length(before);
    });
  });

  it("ends what it has on a builder that is removed, and opens a new connection to one that comes back", async () => {
    await start(["one", "two"]);
    answer(["one"], silence);
    const info = ask(CONTROL.info, [], Buffer.alloc(0));
    await untilAsked("one", 1);
    session?.dropBuilder(daemon("one").builder.address, "it was removed from the farm");
    await untilEnded([info]);
    expect(info.end).to.equal("UNAVAILABLE memobuild: builder unix:///one.sock: it was removed from the farm");
    answer(["one"], ok);
    const next = ask(CONTROL.info, [], Buffer.alloc(0));
    await untilEnded([next]);
    expect([next.end, dials]).to.deep.equal(["OK", ["one", "one"]]);
  });

  it("keeps a builder that answers when others cannot reach it", async () => {
    await start(["one", "two"]);
    let held: FakeCall | undefined;
    answer(["one"], (call) => (held = call));
    const info = ask(CONTROL.info, [], Buffer.alloc(0));
    await untilAsked("one", 1);
    session?.checkAlive(daemon("one").builder.address);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    held?.end();
    await untilEnded([info]);
    expect(info.end).to.equal("OK");
  });
});
