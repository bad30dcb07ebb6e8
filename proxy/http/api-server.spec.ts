/** The API over its real socket: what it answers and refuses, and what happens to work whose client leaves. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { Counter, Registry } from "prom-client";
import type { CacheAdmin } from "../cache/cache-admin.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { MemoryCacheAdmin } from "../test/support/memory-cache-admin.js";
import { poll, within } from "../test/support/poll.js";

describe("createApiServer, cache", () => {
  let cache: MemoryCacheAdmin;
  let api: CacheApi;

  const open = (method: string, path: string, body?: string): ClientRequest => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const request = httpRequest({ socketPath: api.path, method, path, headers, agent: false });
    request.end(body);
    return request;
  };
  const send = async (method: string, path: string, body?: string): Promise<{ status: number; body: string }> => {
    const [response] = (await once(open(method, path, body), "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  };
  const json = async (method: string, path: string, body?: string): Promise<unknown> =>
    JSON.parse((await send(method, path, body)).body);
  const failureOf = async (method: string, path: string, body?: string): Promise<string> => {
    const answer = await send(method, path, body);
    const { error } = JSON.parse(answer.body) as { error: { code: string; message: string } };
    return `${answer.status} ${error.code}: ${error.message}`;
  };
  const start = async (served: CacheAdmin | undefined): Promise<void> => {
    await api.close();
    api = await startCacheApi(served);
  };

  beforeEach(async () => {
    cache = new MemoryCacheAdmin(() => 1_000_000);
    api = await startCacheApi(cache);
  });
  afterEach(() => api.close());

  it("lists exports, those of a project and so many", async () => {
    cache.add({ lastUsedAtMs: 1 });
    const shop = cache.add({ project: "shop", lastUsedAtMs: 2 });
    expect(await json("GET", "/api/v1/cache/exports?project=shop&limit=1")).to.deep.equal({
      exports: [cache.add({ ...shop, id: 2 })],
    });
    expect(await json("GET", "/api/v1/cache/exports"))
      .to.have.property("exports")
      .with.length(2);
  });

  it("tells the usage", async () => {
    expect(await json("GET", "/api/v1/cache/usage")).to.deep.equal(await cache.usage());
  });

  it("tells what projects have, and what was removed", async () => {
    cache.add({ lastUsedAtMs: 0, hits: 3 });
    const { projects } = (await json("GET", "/api/v1/cache/projects")) as { projects: unknown };
    expect(projects).to.deep.equal(await cache.projects());
    await json("POST", "/api/v1/cache/prune", "{}");
    cache.add({ ref: "another" });
    await json("POST", "/api/v1/cache/prune", "{}");
    const { removals } = (await json("GET", "/api/v1/cache/removals")) as { removals: unknown };
    expect(removals)
      .to.deep.equal(await cache.removals(10))
      .and.to.have.length(2);
    expect(await json("GET", "/api/v1/cache/removals?limit=1")).to.deep.equal({ removals: await cache.removals(1) });
  });

  it("shows the metrics of MemoBuild", async () => {
    await api.close();
    const registry = new Registry();
    new Counter({ name: "memobuild_x_total", help: "x", registers: [registry] }).inc(2);
    api = await startCacheApi(cache, { registry });
    const samples = [{ name: "memobuild_x_total", labels: {}, value: 2 }];
    expect(await json("GET", "/api/v1/metrics")).to.deep.equal({
      metrics: [{ name: "memobuild_x_total", type: "counter", help: "x", samples }],
    });
  });

  it("prunes as it is told", async () => {
    cache.add({ lastUsedAtMs: 0 });
    cache.add({ lastUsedAtMs: 1_000_000 });
    const answer = await json("POST", "/api/v1/cache/prune", '{"unusedForMs":10}');
    expect(answer).to.deep.include({ blobs: 1, bytes: 1_000_000_000 });
    expect(cache.ids()).to.deep.equal([2]);
  });

  it("pins and unpins", async () => {
    cache.add();
    expect(await json("POST", "/api/v1/cache/exports/1/pin")).to.include({ id: 1, isPinned: true });
    expect(await json("DELETE", "/api/v1/cache/exports/1/pin")).to.include({ id: 1, isPinned: false });
  });

  it("streams the progress of a verification, its result last", async () => {
    cache.add();
    cache.add();
    let isSeen = false;
    let steps = 0;
    cache.step = async () => {
      if (steps++ === 1) await poll(() => isSeen, Boolean, { what: "a line of progress" });
    };
    const [response] = (await once(open("POST", "/api/v1/cache/verify"), "response")) as [IncomingMessage];
    let body = "";
    for await (const part of response) {
      body += String(part);
      isSeen = true;
    }
    const lines = body.trimEnd().split("\n");
    expect(JSON.parse(lines[0] ?? "")).to.deep.equal({
      progress: { checkedBlobs: 1, checkedBytes: 1_000_000_000, totalBlobs: 2 },
    });
    expect(JSON.parse(lines.at(-1) ?? "")).to.deep.equal({
      result: { checkedBlobs: 2, checkedBytes: 2_000_000_000, totalBlobs: 2, missing: 0, corrupt: 0, adopted: 0 },
    });
  });

  it("says what it cannot make sense of", async () => {
    const refused: [string, string, string | undefined, string][] = [
      ["GET", "/api/v1/cache/exports?limit=no", undefined, "400 bad_request: limit: is not a whole number"],
      [
        "GET",
        "/api/v1/cache/exports?limit=0",
        undefined,
        "400 bad_request: limit: Too small: expected number to be >=1",
      ],
      ["GET", "/api/v1/cache/exports?projct=x", undefined, '400 bad_request: Unrecognized key: "projct"'],
      ["POST", "/api/v1/cache/exports/x/pin", undefined, "400 bad_request: id: is not a whole number"],
      ["POST", "/api/v1/cache/exports/7/pin", undefined, "404 not_found: there is no export 7"],
      ["POST", "/api/v1/cache/prune", '{"all":true}', '400 bad_request: Unrecognized key: "all"'],
      ["GET", "/api/v2/cache?x=1", undefined, "404 not_found: there is no GET /api/v2/cache"],
    ];
    for (const [method, path, body, failure] of refused) {
      expect(await failureOf(method, path, body), path).to.equal(failure);
    }
    expect(await failureOf("POST", "/api/v1/cache/prune")).to.match(/^400 bad_request: /);
    expect(await failureOf("POST", "/api/v1/cache/prune", "{")).to.match(/^400 bad_request: /);
    expect(await failureOf("POST", "/api/v1/cache/prune", `"${"x".repeat(20_000)}"`)).to.match(/^413 bad_request: /);
    expect(api.lines).to.be.empty;
  });

  it("says on every path when the cache is off", async () => {
    await start(undefined);
    const all = ["GET exports", "GET usage", "POST prune", "POST verify", "POST exports/1/pin", "DELETE exports/1/pin"];
    for (const [method = "", path = ""] of all.map((each) => each.split(" "))) {
      expect(await failureOf(method, `/api/v1/cache/${path}`, method === "POST" ? "{}" : undefined)).to.equal(
        "409 cache_off: the cache is off: MemoBuild was started with --cache off",
      );
    }
  });

  it("hides and logs what broke", async () => {
    cache.usage = () => Promise.reject(new Error("inner"));
    expect(await failureOf("GET", "/api/v1/cache/usage")).to.equal(
      "500 internal: internal error; MemoBuild's log says more",
    );
    expect(api.lines.join("")).to.include("api request failed").and.include("inner");
    cache.verify = () => Promise.reject(new Error("disk on fire"));
    expect(await json("POST", "/api/v1/cache/verify")).to.deep.equal({
      error: { code: "internal", message: "the verification failed; MemoBuild's log says why" },
    });
    expect(api.lines.join("")).to.include("disk on fire");
  });

  for (const path of ["prune", "verify"]) {
    it(`ends a ${path} whose client leaves, refuses a second one until then, and logs nothing`, async () => {
      cache.add();
      let isRunning = false;
      cache.step = async (signal) => {
        isRunning = true;
        await once(signal, "abort");
        isRunning = false;
        throw new Error("given up");
      };
      const request = open("POST", `/api/v1/cache/${path}`, "{}").on("error", () => undefined);
      request.on("response", (response) => response.on("error", () => undefined).resume());
      await poll(() => isRunning, Boolean, { what: `the ${path} runs` });
      expect(await failureOf("POST", "/api/v1/cache/verify")).to.equal(
        "409 busy: another prune or verify is running; try again when it has ended",
      );
      request.destroy();
      await poll(
        () => isRunning,
        (still) => !still,
        { what: `the ${path} has ended` },
      );
      cache.step = () => Promise.resolve();
      await poll(
        () => send("POST", "/api/v1/cache/prune", "{}"),
        ({ status }) => status === 200,
        { what: "a prune" },
      );
      expect(api.lines).to.be.empty;
    });
  }

  it("cuts who is connected when it closes, and waits for what ran for them", async () => {
    cache.add();
    let state = "idle";
    cache.step = async (signal) => {
      state = "running";
      await once(signal, "abort");
      await new Promise((resolve) => setImmediate(resolve));
      state = "ended";
    };
    const request = open("POST", "/api/v1/cache/prune", "{}");
    const failed = once(request, "error");
    await poll(
      () => state,
      (now) => now === "running",
      { what: "the prune runs" },
    );
    await within(Promise.all([api.close(), api.close()]), 1000, "the close");
    expect(state).to.equal("ended");
    await failed;
  });
});
