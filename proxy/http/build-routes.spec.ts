/** What the API answers about builds over its real socket, and what it has against a question. */
import { expect } from "chai";
import { answerTo, refusalOf } from "../test/support/api-request.js";
import { SAMPLE_STARTED_AT_MS, sampleBuild, sampleCounts } from "../test/support/build-samples.js";
import { type CacheApi, SAMPLE_STATUS, startCacheApi } from "../test/support/cache-api.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { summaryOf } from "../builds/summary-of.js";
import { graphOf } from "./build-graph.js";

const HOUR_MS = 3_600_000;

describe("createApiServer, builds", () => {
  let desk: MemoryBuildDesk;
  let api: CacheApi;
  const first = sampleBuild({ ref: "aa1", baseline: "" });
  const second = sampleBuild({ ref: "ab2", startedAtMs: SAMPLE_STARTED_AT_MS + HOUR_MS, outcome: "failed" });
  const third = sampleBuild({
    ref: "b3",
    startedAtMs: SAMPLE_STARTED_AT_MS + 2 * HOUR_MS,
    endedAtMs: undefined,
    outcome: "running",
    project: "größe & more",
    builder: "tcp://b:1",
    group: "session-2",
  });

  const json = async (path: string, method = "GET"): Promise<unknown> =>
    JSON.parse((await answerTo({ socketPath: api.path }, { method, path: `/api/v1${path}` })).body);
  const refusal = (path: string, method = "GET"): Promise<string> =>
    refusalOf({ socketPath: api.path }, { method, path: `/api/v1${path}` });
  const refsOf = async (query: string): Promise<string[]> => {
    const { builds } = (await json(`/builds${query}`)) as { builds: { ref: string }[] };
    return builds.map(({ ref }) => ref);
  };

  beforeEach(async () => {
    desk = new MemoryBuildDesk();
    for (const build of [first, second, third]) desk.put(build);
    api = await startCacheApi(undefined, { builds: desk, now: () => SAMPLE_STARTED_AT_MS + 3 * HOUR_MS });
  });
  afterEach(() => api.close());

  it("lists builds, the latest first, page by page", async () => {
    const page = (await json("/builds?limit=2")) as { builds: unknown[]; cursor: string };
    expect(page.builds).to.deep.equal([JSON.parse(JSON.stringify(summaryOf(third))), summaryOf(second)]);
    expect(await json(`/builds?limit=2&cursor=${page.cursor}`)).to.deep.equal({ builds: [summaryOf(first)] });
  });

  const filters: Readonly<Record<string, string[]>> = {
    [`project=${encodeURIComponent("größe &")}`]: ["b3"],
    "builder=tcp%3A%2F%2Fb%3A1": ["b3"],
    "outcome=failed": ["ab2"],
    "group=session-1": ["ab2", "aa1"],
    [`since=${SAMPLE_STARTED_AT_MS + HOUR_MS}`]: ["b3", "ab2"],
    "since=90m": ["b3"],
    "since=2w": ["b3", "ab2", "aa1"],
    "since=2h&outcome=failed": ["ab2"],
  };
  for (const [query, refs] of Object.entries(filters)) {
    it(`lists builds with ${query}`, async () => {
      expect(await refsOf(`?${query}`)).to.deep.equal(refs);
    });
  }

  it("finds a build by its ref, a beginning of it, and its place", async () => {
    expect(await json("/builds/aa1")).to.deep.equal(first);
    expect(await json("/builds/ab")).to.deep.equal(second);
    expect(await json("/builds/%5E2")).to.deep.equal(second);
    expect(await json("/builds/^3")).to.deep.equal(first);
  });

  it("draws, explains and compares", async () => {
    expect(await json("/builds/aa/graph")).to.deep.equal(JSON.parse(JSON.stringify(graphOf(first))));
    expect(await json("/builds/aa/explain")).to.deep.equal(await desk.explain("aa1"));
    const compared = await json("/compare?before=aa&after=%5E2");
    expect(compared).to.deep.include({ before: summaryOf(first), after: summaryOf(second) });
  });

  it("tells logs from a position on, of one step if asked", async () => {
    const piece = (step: string, text: string) => ({ step, stream: 1, atMs: 5, text });
    desk.log("aa1", piece("sha256:1", "one\n"), piece("sha256:2", "two\n"), piece("sha256:1", "three\n"));
    expect(await json("/builds/aa/logs?limit=2")).to.deep.equal({
      pieces: [piece("sha256:1", "one\n"), piece("sha256:2", "two\n")],
      next: 2,
      hasMore: true,
    });
    expect(await json("/builds/aa/logs?after=2")).to.deep.include({ pieces: [piece("sha256:1", "three\n")] });
    expect(await json("/builds/aa/logs?step=sha256%3A2")).to.deep.include({ pieces: [piece("sha256:2", "two\n")] });
  });

  it("removes a build that has ended, and no other", async () => {
    expect(await json("/builds/aa1", "DELETE")).to.deep.equal({ removed: 1 });
    expect(await refusal("/builds/aa1")).to.equal("404 not_found: there is no build aa1");
    expect(await refusal("/builds/b3", "DELETE")).to.equal("409 running: build b3 still runs");
  });

  it("counts the last 24 hours, or since when it is told", async () => {
    desk.put(sampleBuild({ ref: "c", startedAtMs: SAMPLE_STARTED_AT_MS - 48 * HOUR_MS, counts: sampleCounts() }));
    const nowMs = SAMPLE_STARTED_AT_MS + 3 * HOUR_MS;
    expect(await json("/figures")).to.deep.include({ builds: 3, running: 1, sinceMs: nowMs - 24 * HOUR_MS });
    expect(await json("/figures?since=7d&project=shop")).to.deep.include({ builds: 3, running: 0 });
    expect(await json("/figures?since=0")).to.deep.include({ builds: 4, sinceMs: 0 });
  });

  it("tells how builds went, of the last 24 hours or since when it is told", async () => {
    const untilMs = SAMPLE_STARTED_AT_MS + 3 * HOUR_MS;
    const query = { untilMs, project: undefined };
    expect(await json("/trend")).to.deep.equal(
      await desk.trend({ ...query, sinceMs: untilMs - 24 * HOUR_MS, buckets: 24 }),
    );
    const told = (await json("/trend?since=3h&buckets=3&project=shop")) as { buckets: { builds: number }[] };
    expect(told.buckets.map(({ builds }) => builds)).to.deep.equal([1, 1, 0]);
    expect(await json(`/trend?since=${untilMs + 1}&buckets=1`)).to.include({ sinceMs: untilMs, bucketMs: 0 });
    expect(await refusal("/trend?buckets=201")).to.match(/^400 bad_request: /);
  });

  it("tells how MemoBuild does", async () => {
    expect(await json("/status")).to.deep.equal(SAMPLE_STATUS);
  });

  const refused: Readonly<Record<string, string>> = {
    "/builds/x": "404 not_found: there is no build x",
    "/builds/^9/logs": "404 not_found: there is no build ^9",
    "/builds/a/explain": "409 ambiguous: more than one build begins with a: ab2, aa1",
    "/compare?before=aa&after=x": "404 not_found: there is no build x",
    "/compare?before=aa": "400 bad_request: after: Invalid input: expected string, received undefined",
    "/builds?limit=501": "400 bad_request: limit: Too big: expected number to be <=500",
    "/builds?limit=-1": "400 bad_request: limit: is not a whole number",
    "/builds?cursor=x": "400 bad_request: cursor: no cursor of a list of builds",
    "/builds?since=yesterday":
      "400 bad_request: since: is neither milliseconds since 1970 nor a duration, as in 90m, 24h or 7d",
    "/builds?outcome=good":
      '400 bad_request: outcome: Invalid option: expected one of "running"|"succeeded"|"failed"|"canceled"|"lost"',
    "/builds/aa/logs?limit=1001": "400 bad_request: limit: Too big: expected number to be <=1000",
    "/builds/aa?x=1": '400 bad_request: Unrecognized key: "x"',
    "/builds/aa/nothing": "404 not_found: there is no GET /api/v1/builds/aa/nothing",
    "/events/poll?wait=25001": "400 bad_request: wait: Too big: expected number to be <=25000",
  };
  for (const [path, failure] of Object.entries(refused)) {
    it(`refuses ${path}`, async () => {
      expect(await refusal(path)).to.equal(failure);
    });
  }

  it("refuses what is too long for a name", async () => {
    expect(await refusal(`/builds/${"x".repeat(101)}`)).to.match(/^(400 bad_request|404 not_found|414)/);
    expect(await refusal(`/builds?project=${"x".repeat(1025)}`)).to.match(/^400 bad_request: project: Too big/);
  });

  it("hides and logs what broke", async () => {
    desk.list = () => Promise.reject(new Error("disk on fire"));
    expect(await refusal("/builds")).to.equal("500 internal: internal error; MemoBuild's log says more");
    expect(api.lines.join("")).to.include("disk on fire");
  });

  it("keeps other sites and caches from its answers", async () => {
    for (const path of ["/api/v1/builds", "/api/v1/nothing"]) {
      const { headers } = await answerTo({ socketPath: api.path }, { path });
      expect(headers, path).to.include({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      });
    }
  });

  it("takes no body that is not declared as JSON", async () => {
    const headers = { "content-type": "text/plain" };
    const request = { method: "POST", path: "/api/v1/cache/prune", headers, body: "{}" };
    expect(await refusalOf({ socketPath: api.path }, request)).to.match(/^415 bad_request: /);
  });
});
