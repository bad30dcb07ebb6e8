/** The client against the real server: a CacheAdmin like the one behind it, and what goes wrong in between. */
import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "chai";
import type { CacheAdmin, CacheUsage, VerifyProgress } from "../cache/cache-admin.js";
import type { BuilderDesk } from "../farm/builder-desk.js";
import { summaryOf } from "../builds/summary-of.js";
import { sampleBuild } from "../test/support/build-samples.js";
import { type CacheApi, SAMPLE_STATUS, startCacheApi } from "../test/support/cache-api.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { MemoryBuilderDesk } from "../test/support/memory-builder-desk.js";
import { MemoryCacheAdmin } from "../test/support/memory-cache-admin.js";
import { poll } from "../test/support/poll.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { type ApiClient, ApiUnreachableError, createApiClient } from "./api-client.js";
import { ApiError } from "./api-error.js";
import { graphOf } from "./build-graph.js";

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("createApiClient, cache", () => {
  const { signal } = new AbortController();
  let cache: MemoryCacheAdmin;
  let api: CacheApi;
  let client: CacheAdmin;

  beforeEach(async () => {
    cache = new MemoryCacheAdmin(() => 1_000_000);
    api = await startCacheApi(cache);
    client = createApiClient({ socketPath: api.path }).cache;
  });
  afterEach(() => api.close());

  it("answers as the cache behind it", async () => {
    cache.add({ project: "größe & more/\u{1f600}", lastUsedAtMs: 5 });
    cache.add({ lastUsedAtMs: 7 });
    expect(await client.list({ limit: 9 })).to.deep.equal(await cache.list({ limit: 9 }));
    expect(await client.list({ limit: 1, project: "größe &" })).to.deep.equal([await cache.setPinned(1, false)]);
    expect(await client.usage()).to.deep.equal(await cache.usage());
    expect(await client.setPinned(2, true)).to.include({ id: 2, isPinned: true });
    expect(await client.setPinned(9, true)).to.equal(undefined);
    const seen: VerifyProgress[] = [];
    const result = await client.verify((progress) => seen.push(progress), signal);
    expect(result).to.include({ checkedBlobs: 2, corrupt: 0 });
    const expected = await cache.prune({ keepBytes: 0, isDryRun: true }, signal);
    expect(await client.prune({ keepBytes: 0 }, signal)).to.deep.equal(expected);
    expect(cache.ids()).to.deep.equal([2]);
  });

  it("rejects with what the server has against it", async () => {
    cache.usage = () => Promise.reject(new Error("inner"));
    cache.verify = () => Promise.reject(new Error("inner"));
    expect(await rejection(client.usage()))
      .to.be.instanceOf(ApiError)
      .with.property("code", "internal");
    expect(await rejection(client.verify(() => undefined, signal)))
      .to.be.instanceOf(ApiError)
      .with.property("message", "the verification failed; MemoBuild's log says why");
    expect(await rejection(client.list({ limit: 0 })))
      .to.be.instanceOf(ApiError)
      .with.property("code", "bad_request");
  });

  for (const method of ["prune", "verify"] as const) {
    it(`rejects an aborted ${method} with the reason, and ends it on the server`, async () => {
      cache.add();
      const states: string[] = [];
      cache.step = async (left) => {
        states.push("running");
        await once(left, "abort");
        states.push("ended");
      };
      const leaving = new AbortController();
      const call =
        method === "prune" ? client.prune({}, leaving.signal) : client.verify(() => undefined, leaving.signal);
      const failed = rejection(call);
      await poll(
        () => states.length,
        (length) => length === 1,
        { what: `the ${method} runs` },
      );
      leaving.abort(new Error("enough"));
      expect(await failed).to.have.property("message", "enough");
      await poll(
        () => states.length,
        (length) => length === 2,
        { what: `the ${method} has ended` },
      );
      expect(await rejection(client.prune({}, leaving.signal))).to.have.property("message", "enough");
    });
  }

  it("says that a server went away in the middle", async () => {
    cache.add();
    let isRunning = false;
    cache.step = async (left) => {
      isRunning = true;
      await once(left, "abort");
      left.throwIfAborted();
    };
    const failed = rejection(client.prune({}, signal));
    await poll(() => isRunning, Boolean, { what: "the prune runs" });
    await api.close();
    expect(await failed)
      .to.be.instanceOf(ApiUnreachableError)
      .with.property("code", "ECONNRESET");
  });

  it("tells nobody there from nobody listening", async () => {
    await api.close();
    expect(await rejection(client.usage()))
      .to.be.instanceOf(ApiUnreachableError)
      .with.property("code", "ENOENT");
  });
});

describe("createApiClient, builds", () => {
  let desk: MemoryBuildDesk;
  let api: CacheApi;
  let client: ApiClient;
  const first = sampleBuild({ ref: "aa" });
  const second = sampleBuild({ ref: "ab/%&?", startedAtMs: first.startedAtMs + 1000, project: "größe & more" });

  beforeEach(async () => {
    desk = new MemoryBuildDesk();
    desk.put(first);
    desk.put(second);
    api = await startCacheApi(undefined, { builds: desk, listensOnTcp: true });
    client = createApiClient({ socketPath: api.path });
  });
  afterEach(() => api.close());

  it("answers as the desk behind it, by names", async () => {
    const piece = { step: "sha256:1", stream: 2, atMs: 7, text: "größe\n" };
    desk.log("aa", piece);
    const { builds } = client;
    expect(await builds.list({ limit: 9, project: "größe &" })).to.deep.equal({ builds: [summaryOf(second)] });
    expect(await builds.list({ limit: 9, sinceMs: second.startedAtMs + 0.5, outcome: "succeeded" }))
      .to.have.property("builds")
      .with.length(1);
    expect(await builds.build("^2")).to.deep.equal(first);
    expect(await builds.build("ab/%&?")).to.deep.equal(second);
    expect(await builds.graph("aa")).to.deep.equal(JSON.parse(JSON.stringify(graphOf(first))));
    const pieces = await builds.logs("aa", { after: 0, limit: 5, step: undefined });
    expect(pieces).to.deep.equal({ pieces: [piece], next: 1, hasMore: false });
    expect(await builds.explain("aa")).to.deep.equal(await desk.explain("aa"));
    const { before, after, steps } = await builds.compare("aa", "ab");
    expect({ before, after, count: steps.length }).to.deep.equal({
      before: summaryOf(first),
      after: summaryOf(second),
      count: first.steps.length,
    });
    expect(await builds.figures({ sinceMs: 0 })).to.deep.equal(await desk.figures({ sinceMs: 0 }));
    expect(await builds.remove("aa")).to.equal(1);
    expect((await builds.list({ limit: 9 })).builds).to.have.length(1);
    expect(await client.status()).to.deep.equal(SAMPLE_STATUS);
  });

  it("answers the same over TCP", async () => {
    const overTcp = createApiClient({ host: "127.0.0.1", port: api.port });
    expect(await overTcp.builds.build("aa")).to.deep.equal(first);
  });

  it("rejects a name that names none or several", async () => {
    const codes = { x: "not_found", a: "ambiguous" };
    for (const [name, code] of Object.entries(codes)) {
      expect(await rejection(client.builds.explain(name)))
        .to.be.instanceOf(ApiError)
        .with.property("code", code);
    }
  });

  it("asks for events again and again", async () => {
    const { cursor } = await client.builds.eventsAfter(undefined, 0);
    desk.put({ ...first, outcome: "failed" });
    const page = await client.builds.eventsAfter(cursor, 5000);
    expect(page.events.map(({ seq, build }) => `${seq} ${build.outcome}`)).to.deep.equal(["3 failed"]);
    expect((await client.builds.eventsAfter(page.cursor, 0)).events).to.be.empty;
    const waiting = new AbortController();
    const failed = rejection(client.builds.eventsAfter(page.cursor, 5000, waiting.signal));
    waiting.abort(new Error("enough"));
    expect(await failed).to.have.property("message", "enough");
  });

  it("follows events until it is told to stop, and continues where it was", async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    const follow = (signal: AbortSignal): Promise<unknown> =>
      rejection(
        client.builds.followEvents(
          cursor,
          (page) => {
            cursor = page.cursor;
            seen.push(page.events.map(({ seq }) => seq).join() || "here");
          },
          signal,
        ),
      );
    const until = (...expected: string[]): Promise<unknown> =>
      poll(
        () => seen.join(" "),
        (text) => text === expected.join(" "),
        { what: "the events", timeoutMs: 1500 },
      );
    const [leaving, staying] = [new AbortController(), new AbortController()];
    const ended = follow(leaving.signal);
    await until("here");
    desk.put(first);
    await until("here", "3");
    leaving.abort(new Error("enough"));
    expect(await ended).to.have.property("message", "enough");
    desk.put(first);
    const failed = follow(staying.signal);
    await until("here", "3", "here", "4");
    await api.close();
    expect(await failed).to.be.instanceOf(ApiUnreachableError);
  });

  it("hands over a reset", async () => {
    const stopped = new AbortController();
    const failed = rejection(
      client.builds.followEvents(
        "other-1",
        ({ isReset, cursor }) => {
          if (isReset) stopped.abort(new Error(cursor.replace(/^\w+/, "here")));
        },
        stopped.signal,
      ),
    );
    expect(await failed).to.have.property("message", "here-2");
  });
});

describe("createApiClient, builders", () => {
  const { signal } = new AbortController();
  const ADDRESS = `unix:///${"deep/".repeat(50)}%2F?größe&.sock`;
  let desk: MemoryBuilderDesk;
  let api: CacheApi;
  let client: BuilderDesk;

  beforeEach(async () => {
    desk = new MemoryBuilderDesk();
    desk.put({
      name: "managed-1",
      address: "docker:///x",
      origin: "managed",
      maxClients: 4,
      usage: { sampledAtMs: 7, cpuCores: 0.25, memoryBytes: 1, stateBytes: 2, diskFreeBytes: 3, diskTotalBytes: 4.5 },
      warnings: ["the disk is nearly full"],
      labels: { "org.mobyproject.buildkit.worker.snapshotter": "overlayfs" },
      limitations: ["exports no cache"],
      projects: [{ project: "shop", lastBuiltAtMs: 5, builds: 2 }],
    });
    desk.put({ name: ADDRESS, state: "refused", cause: "too old", runningBuilds: 1, resolvedFrom: "dns+tcp://b:1" });
    desk.waitingBuilds = 3;
    api = await startCacheApi(undefined, { builders: desk });
    client = createApiClient({ socketPath: api.path }).builders;
  });
  afterEach(() => api.close());

  it("answers as the desk behind it, by name and by address", async () => {
    expect(await client.report()).to.deep.equal(await desk.report());
    for (const name of ["managed-1", "docker:///x", ADDRESS]) {
      expect(await client.inspect(name), name).to.deep.equal(await desk.inspect(name));
    }
    expect(await client.add("tcp://b:1")).to.include({ name: "tcp://b:1", origin: "added", state: "unknown" });
    expect(await client.drain(ADDRESS)).to.include({ name: ADDRESS, isDraining: true });
    expect(await client.undrain(ADDRESS)).to.include({ name: ADDRESS, isDraining: false });
    await client.remove("docker:///x", { isForced: false }, signal);
    await client.remove(ADDRESS, { isForced: true }, signal);
    expect(desk.names()).to.deep.equal(["tcp://b:1"]);
  });

  it("rejects with what the desk has against it", async () => {
    const refused = {
      not_found: client.inspect("x"),
      bad_request: client.add("nonsense"),
      exists: client.add(ADDRESS),
    };
    for (const [code, work] of Object.entries(refused)) {
      expect(await rejection(work))
        .to.be.instanceOf(ApiError)
        .with.property("code", code);
    }
    await client.remove("managed-1", { isForced: false }, signal);
    expect(await rejection(client.remove(ADDRESS, { isForced: true }, signal))).to.include({
      code: "last_builder",
      message: `${ADDRESS} is the last builder`,
    });
  });

  it("waits for the end of a removal until it is aborted, which leaves the builder drained", async () => {
    const leaving = new AbortController();
    const failed = rejection(client.remove(ADDRESS, { isForced: false }, leaving.signal));
    await poll(
      () => desk.inspect(ADDRESS),
      ({ isDraining }) => isDraining,
      { what: "it drains" },
    );
    leaving.abort(new Error("enough"));
    expect(await failed).to.have.property("message", "enough");
    desk.put({ name: ADDRESS, runningBuilds: 0 });
    expect(desk.names()).to.include(ADDRESS);
  });
});

describe("createApiClient, of a server that is none", () => {
  const cut = {
    "an answer that is no HTTP": "hello\n",
    "lines that break off": "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}",
  };
  for (const [what, bytes] of Object.entries(cut)) {
    it(`rejects on ${what}`, async () => {
      const dir = await makeTempDir("api");
      const server = createServer((socket) => socket.on("error", () => undefined).end(bytes)).listen(`${dir}/s`);
      await once(server, "listening");
      const client = createApiClient({ socketPath: `${dir}/s` }).cache;
      const { signal } = new AbortController();
      for (const call of [client.usage(), client.prune({}, signal), client.verify(() => undefined, signal)]) {
        expect(await rejection(call)).to.be.instanceOf(ApiUnreachableError);
      }
      server.close();
      await removeDir(dir);
    });
  }

  it("says that an answer it does not know may be one of another version", async () => {
    const cache = new MemoryCacheAdmin();
    const usage = { ...(await cache.usage()), storeBytes: "much" } as unknown as CacheUsage;
    cache.usage = () => Promise.resolve(usage);
    const api = await startCacheApi(cache);
    const error = await rejection(createApiClient({ socketPath: api.path }).cache.usage());
    expect(error).to.be.instanceOf(ApiError).with.property("message").that.includes("of another version?");
    await api.close();
  });
});
