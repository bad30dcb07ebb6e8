/** The client against the real server: a CacheAdmin like the one behind it, and what goes wrong in between. */
import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "chai";
import type { CacheAdmin, CacheUsage, VerifyProgress } from "../cache/cache-admin.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { MemoryCacheAdmin } from "../test/support/memory-cache-admin.js";
import { poll } from "../test/support/poll.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { ApiError } from "./api-messages.js";
import { ApiUnreachableError, createApiClient } from "./api-client.js";

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("createApiClient", () => {
  const { signal } = new AbortController();
  let cache: MemoryCacheAdmin;
  let api: CacheApi;
  let client: CacheAdmin;

  beforeEach(async () => {
    cache = new MemoryCacheAdmin(() => 1_000_000);
    api = await startCacheApi(cache);
    client = createApiClient(api.path);
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
      const client = createApiClient(`${dir}/s`);
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
    const error = await rejection(createApiClient(api.path).usage());
    expect(error).to.be.instanceOf(ApiError).with.property("message").that.includes("of another version?");
    await api.close();
  });
});
