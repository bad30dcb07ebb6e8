/** `/builders/…` over HTTP: what is answered and refused, and what becomes of a removal whose client leaves. */
import { once } from "node:events";
import { expect } from "chai";
import { answerTo, openRequest, refusalOf } from "../test/support/api-request.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { MemoryBuilderDesk } from "../test/support/memory-builder-desk.js";
import { poll, within } from "../test/support/poll.js";

const TCP = "tcp://10.0.0.2:1234";
const AT_TCP = `/api/v1/builders/${encodeURIComponent(TCP)}`;
const WITHIN_MS = 1000;

describe("addBuilderRoutes", () => {
  let desk: MemoryBuilderDesk;
  let api: CacheApi;

  const json = async (method: string, path: string, body?: string): Promise<unknown> => {
    const headers = { "content-type": "application/json" };
    const answer = await answerTo(
      { socketPath: api.path },
      { method, path, ...(body !== undefined && { headers, body }) },
    );
    expect(answer.status, answer.body).to.equal(200);
    return JSON.parse(answer.body);
  };

  beforeEach(async () => {
    desk = new MemoryBuilderDesk();
    desk.put({ name: "managed-1" });
    desk.put({ name: TCP, runningBuilds: 2 });
    api = await startCacheApi(undefined, { builders: desk });
  });
  afterEach(() => api.close());

  it("tells all builders, and one by name or address", async () => {
    expect(await json("GET", "/api/v1/builders")).to.deep.equal(await desk.report());
    expect(await json("GET", "/api/v1/builders/managed-1")).to.deep.equal(await desk.inspect("managed-1"));
    expect(await json("GET", AT_TCP)).to.deep.equal(await desk.inspect(TCP));
  });

  it("tells what was used over the last hours", async () => {
    const load = [{ atMs: 5, runningBuilds: 1, waitingBuilds: 2 }];
    desk.history = { stepMs: 30_000, series: [{ name: TCP, samples: [{ sampledAtMs: 5, cpuCores: 0.5 }] }], load };
    expect(await json("GET", "/api/v1/usage")).to.deep.equal(desk.history);
  });

  it("adds, drains, undrains and removes", async () => {
    expect(await json("POST", "/api/v1/builders", '{"address":"tcp://b:1"}')).to.include({ name: "tcp://b:1" });
    expect(await json("POST", `${AT_TCP}/drain`)).to.include({ name: TCP, isDraining: true });
    expect(await json("DELETE", `${AT_TCP}/drain`)).to.include({ name: TCP, isDraining: false });
    expect(await json("DELETE", "/api/v1/builders/managed-1")).to.deep.equal({ removed: 1 });
    expect(await json("DELETE", `${AT_TCP}?force=true`)).to.deep.equal({ removed: 1 });
    expect(desk.names()).to.deep.equal(["tcp://b:1"]);
  });

  it("answers a removal when the builds there have ended", async () => {
    const removed = json("DELETE", `${AT_TCP}?force=false`);
    await poll(
      () => desk.inspect(TCP),
      ({ isDraining }) => isDraining,
      { what: "it drains" },
    );
    expect(desk.names()).to.include(TCP);
    desk.put({ name: TCP, runningBuilds: 0 });
    expect(await removed).to.deep.equal({ removed: 1 });
  });

  it("ends a removal whose client leaves, beside others, and when it closes; it logs nothing", async () => {
    const [begun, ended]: [string[], string[]] = [[], []];
    desk.remove = async (name, _options, signal) => {
      begun.push(name);
      await once(signal, "abort");
      ended.push(name);
      signal.throwIfAborted();
    };
    const requests = ["a", "b"].map((name) =>
      openRequest({ socketPath: api.path }, { method: "DELETE", path: `/api/v1/builders/${name}` }).on(
        "error",
        () => undefined,
      ),
    );
    await poll(
      () => begun.length,
      (count) => count === 2,
      { what: "both run", timeoutMs: WITHIN_MS },
    );
    requests[0]?.destroy();
    await poll(
      () => ended.join(),
      (names) => names === "a",
      { what: "the end of the one", timeoutMs: WITHIN_MS },
    );
    await within(api.close(), WITHIN_MS, "the close");
    expect(ended).to.deep.equal(["a", "b"]);
    expect(api.lines).to.be.empty;
  });

  const refused: readonly (readonly [method: string, path: string, refusal: string])[] = [
    ["GET", "/builders/x", "404 not_found: there is no builder x"],
    ["POST", "/builders/x/drain", "404 not_found: there is no builder x"],
    ["DELETE", "/builders/x/drain", "404 not_found: there is no builder x"],
    ["DELETE", "/builders/x", "404 not_found: there is no builder x"],
    ["GET", "/builders/x?y=1", '400 bad_request: Unrecognized key: "y"'],
    [
      "DELETE",
      "/builders/managed-1?force=yes",
      '400 bad_request: force: Invalid option: expected one of "true"|"false"',
    ],
  ];
  for (const [method, path, refusal] of refused) {
    it(`refuses ${method} ${path}`, async () => {
      expect(await refusalOf({ socketPath: api.path }, { method, path: `/api/v1${path}` })).to.equal(refusal);
    });
  }

  it("refuses an address that is none, one that is there, none at all, and to remove the last builder", async () => {
    const add = (body: string): Promise<string> =>
      refusalOf(
        { socketPath: api.path },
        { method: "POST", path: "/api/v1/builders", headers: { "content-type": "application/json" }, body },
      );
    expect(await add('{"address":"nonsense"}')).to.equal('400 bad_request: "nonsense" is no address of a builder');
    expect(await add(`{"address":"${TCP}"}`)).to.equal(`409 exists: there is a builder ${TCP} already`);
    expect(await add("{}")).to.match(/^400 bad_request: address: /);
    await json("DELETE", "/api/v1/builders/managed-1");
    expect(await refusalOf({ socketPath: api.path }, { method: "DELETE", path: AT_TCP })).to.equal(
      `409 last_builder: ${TCP} is the last builder`,
    );
  });
});
