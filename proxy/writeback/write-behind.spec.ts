import { expect } from "chai";
import { Registry } from "prom-client";
import type { SolveRequest } from "../buildkit/build-messages.js";
import type { ExportSummary } from "../cache/cache-index.js";
import { ExportRejected } from "../cache/export-slot.js";
import { createLogger } from "../log/create-logger.js";
import { startFakeGateway, type FakeGateway } from "../test/support/fake-gateway.js";
import { poll } from "../test/support/poll.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { type Pin, WriteBehind, type ExportOrder } from "./write-behind.js";
import { WriteBehindMetrics, type ExportResult } from "./write-behind-metrics.js";

const VERTEX = `sha256:${"a".repeat(64)}`;
const IDENTITY = { tenant: "t", project: "p", dockerfile: "", target: "", platform: "" };
const SUMMARY: ExportSummary = {
  ...IDENTITY,
  ...{ id: 1, revision: "", builder: "", ref: "", createdAtMs: 0, lastUsedAtMs: 0, hits: 0, isPinned: false },
  ...{ sizeBytes: 7, recordCount: 1, resultCount: 1, blobCount: 1 },
};

describe("WriteBehind", () => {
  let dir: string;
  let gateway: FakeGateway;
  let request: SolveRequest;
  let published: number;
  let discarded: number;
  let publish: () => Promise<ExportSummary>;

  beforeEach(async () => {
    dir = await makeTempDir("write-behind");
    gateway = await startFakeGateway(dir);
    gateway.vertex = VERTEX;
    request = gateway.messages.solveRequest.decode(gateway.messages.solveRequest.encode({ ref: "client" }));
    [published, discarded] = [0, 0];
    publish = () => Promise.resolve(SUMMARY);
  });
  afterEach(async () => {
    await gateway.close();
    await removeDir(dir);
  });

  const create = (exportTimeoutMs = 10_000): WriteBehind =>
    new WriteBehind({
      messages: gateway.messages,
      metrics: new WriteBehindMetrics(new Registry()),
      logger: createLogger({ level: "error", format: "json", stream: process.stderr }),
      exportTimeoutMs,
      now: () => performance.now(),
    });

  /** @param vertexes tells what the build makes: jobs for the same are one. */
  const order = (vertexes: readonly string[] = [VERTEX]): ExportOrder => ({
    builder: gateway.builder,
    identity: IDENTITY,
    client: {
      request,
      imports: [],
      result: { ref: { id: "theirs", def: Buffer.from("llb") }, refs: null, metadata: {} },
      definitions: [{ vertexes, result: vertexes[0] ?? "", steps: vertexes, stableDigest: vertexes.join() }],
    },
    slot: {
      entry: { type: "registry", attrs: { ref: "127.0.0.1:1/x:export" } },
      publish: async () => {
        const summary = await publish();
        published++;
        return summary;
      },
      discard: () => {
        discarded++;
      },
    },
  });

  /** Undefined where there will be no export. */
  const pinned = async (pinning: Promise<Pin | ExportResult>): Promise<Pin | undefined> => {
    const pin = await pinning;
    return typeof pin === "string" ? undefined : pin;
  };
  const untilIdle = (): Promise<unknown> =>
    poll(
      () => gateway.running.size,
      (count) => count === 0,
      { what: "no job runs", timeoutMs: 1_500 },
    );

  it("publishes what the builder exported when the client's build has ended well", async () => {
    const pin = await pinned(create().pin(order()));
    expect(gateway.running.size).to.equal(1);
    expect(await pin?.clientEnded(Promise.resolve("new"))).to.deep.equal({ result: "published", summary: SUMMARY });
    expect([published, gateway.running.size, gateway.cancelled]).to.deep.equal([1, 0, 0]);
  });

  for (const [outcome, result] of [
    ["failed", "build_failed"],
    ["unchanged", "unchanged"],
  ] as const) {
    it(`cancels the job when the client's build ${outcome === "failed" ? "failed" : "made nothing new"}`, async () => {
      const pin = await pinned(create().pin(order()));
      expect(await pin?.clientEnded(Promise.resolve(outcome))).to.deep.equal({ result });
      await untilIdle();
      expect([published, discarded, gateway.cancelled]).to.deep.equal([0, 1, 1]);
    });
  }

  it("holds the client no longer than it says when the builder does not load the job", async () => {
    gateway.vertex = "";
    const startedAt = performance.now();
    expect(await pinned(create().pin(order()))).to.equal(undefined);
    expect(performance.now() - startedAt).to.be.within(400, 1_500);
    await untilIdle();
    expect(discarded).to.equal(1);
  });

  it("waits for the results of all platforms", async () => {
    const both = order();
    const [first] = both.client.definitions;
    if (first === undefined) throw new Error("there is a definition");
    const second = { ...first, result: `sha256:${"b".repeat(64)}` };
    const client = { ...both.client, definitions: [first, second] };
    gateway.result = false;
    expect(await pinned(create().pin({ ...both, client }))).to.equal(undefined);
    expect(discarded).to.equal(1);
  });

  it("exports nothing when it cannot be told what became of the client's build", async () => {
    const pin = await pinned(create().pin(order()));
    const ended = await pin?.clientEnded(Promise.reject(new Error("the index failed")));
    expect(ended).to.deep.equal({ result: "failed" });
    await untilIdle();
    expect([published, discarded]).to.deep.equal([0, 1]);
  });

  it("lets go of the builder when the client's build takes too long", async () => {
    const pin = await pinned(create(100).pin(order()));
    await untilIdle();
    expect(discarded).to.equal(1);
    expect(await pin?.clientEnded(Promise.resolve("new"))).to.deep.equal({ result: "timed_out" });
    expect(published).to.equal(0);
  });

  it("exports the same once at a time", async () => {
    const writeBehind = create();
    const first = await pinned(writeBehind.pin(order()));
    expect(await pinned(writeBehind.pin(order()))).to.equal(undefined);
    expect((await first?.clientEnded(Promise.resolve("new")))?.result).to.equal("published");
    expect(await pinned(writeBehind.pin(order()))).not.to.equal(undefined);
  });

  it("lets few exports of a builder run at once, and all in the end", async () => {
    const writeBehind = create();
    gateway.exporting = () => new Promise((resolve) => setTimeout(resolve, 20));
    const pins = await Promise.all(
      Array.from({ length: 12 }, (_, i) => pinned(writeBehind.pin(order([VERTEX, `${i}`])))),
    );
    const ends = await Promise.all(pins.flatMap((pin) => pin?.clientEnded(Promise.resolve("new")) ?? []));
    expect(ends.map(({ result }) => result)).to.deep.equal(Array.from({ length: 12 }, () => "published"));
    expect(gateway.exportingMost).to.equal(4);
  });

  it("takes so many jobs of a builder and no more", async () => {
    const writeBehind = create();
    const pinning = Array.from({ length: 70 }, (_, i) => writeBehind.pin(order([VERTEX, `${i}`])));
    expect([writeBehind.jobs, writeBehind.jobsOn(gateway.builder.address)]).to.deep.equal([64, 64]);
    // On a busy machine not all of those that were taken are loaded in time.
    const results = await Promise.all(pinning);
    expect(results.filter((result) => result === "refused")).to.have.length(6);
    const pins = results.flatMap((pin) => (typeof pin === "string" ? [] : pin));
    await Promise.all(pins.map((pin) => pin.clientEnded(Promise.resolve("failed"))));
    expect(writeBehind.jobs).to.equal(0);
    expect(await writeBehind.pin(order())).not.to.equal("refused");
  });

  it("counts the jobs of each builder", async () => {
    const writeBehind = create();
    const pin = await pinned(writeBehind.pin(order()));
    expect([writeBehind.jobsOn(gateway.builder.address), writeBehind.jobsOn("unix:///other.sock")]).to.deep.equal([
      1, 0,
    ]);
    await pin?.clientEnded(Promise.resolve("failed"));
    expect(writeBehind.jobsOn(gateway.builder.address)).to.equal(0);
  });

  it("gives up what it has on a builder that is lost, and begins anew when that is back", async () => {
    const writeBehind = create();
    gateway.exporting = () => new Promise(() => undefined);
    const [exporting, waiting] = await Promise.all(
      ["a", "b"].map((vertex) => pinned(writeBehind.pin(order([VERTEX, vertex])))),
    );
    const ended = exporting?.clientEnded(Promise.resolve("new"));
    await poll(
      () => gateway.exportingMost,
      (count) => count === 1,
      { what: "it exports", timeoutMs: 1_500 },
    );
    writeBehind.dropBuilder("unix:///other.sock");
    expect(writeBehind.jobs).to.equal(2);
    writeBehind.dropBuilder(gateway.builder.address);
    expect([writeBehind.jobs, discarded]).to.deep.equal([0, 2]);
    expect(await ended).to.deep.equal({ result: "failed" });
    expect(await waiting?.clientEnded(Promise.resolve("new"))).to.deep.equal({ result: "failed" });
    gateway.exporting = () => Promise.resolve();
    const again = await pinned(writeBehind.pin(order([VERTEX, "a"])));
    expect((await again?.clientEnded(Promise.resolve("new")))?.result).to.equal("published");
    expect(published).to.equal(1);
  });

  it("keeps what it has on a builder that answers here though others cannot reach it", async () => {
    const writeBehind = create();
    const pin = await pinned(writeBehind.pin(order()));
    writeBehind.checkAlive(gateway.builder.address);
    expect((await pin?.clientEnded(Promise.resolve("new")))?.result).to.equal("published");
  });

  it("gives up an export that takes too long", async () => {
    gateway.exporting = () => new Promise(() => undefined);
    const pin = await pinned(create(300).pin(order()));
    expect(await pin?.clientEnded(Promise.resolve("new"))).to.deep.equal({ result: "timed_out" });
    await untilIdle();
    expect(discarded).to.equal(1);
  });

  it("tells an export that is not what it must be from one that failed", async () => {
    publish = () => Promise.reject(new ExportRejected("it has no results"));
    const rejected = await pinned(create().pin(order()));
    expect(await rejected?.clientEnded(Promise.resolve("new"))).to.deep.equal({ result: "rejected" });
    publish = () => Promise.reject(new Error("the index failed"));
    const failed = await pinned(create().pin(order()));
    expect(await failed?.clientEnded(Promise.resolve("new"))).to.deep.equal({ result: "failed" });
  });

  it("lets exports end before it stops, until it has to hurry", async () => {
    const writeBehind = create();
    gateway.exporting = () => new Promise((resolve) => setTimeout(resolve, 50));
    const first = (await pinned(writeBehind.pin(order())))?.clientEnded(Promise.resolve("new"));
    await writeBehind.drain(new AbortController().signal);
    expect((await first)?.result).to.equal("published");
    gateway.exporting = () => new Promise(() => undefined);
    const second = (await pinned(writeBehind.pin(order())))?.clientEnded(Promise.resolve("new"));
    await writeBehind.drain(AbortSignal.timeout(50));
    expect((await second)?.result).to.equal("stopped");
    await untilIdle();
  });
});
