/** Promises of the recorder: what it keeps and tells of builds, and that nothing of it is their business. */
import { mock } from "node:test";
import { expect } from "chai";
import { Registry } from "prom-client";
import type { SolveRequest, StatusResponse, Vertex } from "../buildkit/build-messages.js";
import { createLogger } from "../log/create-logger.js";
import { assembleRecord } from "./assemble-record.js";
import { BuildEvents } from "./build-events.js";
import { BuildMetrics } from "./build-metrics.js";
import type { BuildRecord } from "./build-record.js";
import { BuildRecorder, LIVE_BUILDS_MAX } from "./build-recorder.js";
import type { RecordedBuild, RecorderDeps } from "./recording.js";
import type { LogPiece } from "./history.js";

const IDENTITY = { tenant: "default", project: "p", dockerfile: "Dockerfile", target: "", platform: "" };
const SECRET = "s3cret-of-the-team";
const time = { seconds: 2, nanos: 0 };
const PENDING = { result: "pending", bytes: 0, durationMs: 0 };
const PUBLISHED = { result: "published", bytes: 9, durationMs: 8 };

const request = (ref: string, some: Partial<SolveRequest> = {}): SolveRequest => ({
  ...{ ref, definition: Buffer.alloc(0), session: "s", frontend: "", frontendAttrs: {}, cache: null },
  ...{ entitlements: [], internal: false, sourcePolicy: Buffer.alloc(0), exporters: [], exporterDeprecated: "" },
  ...{ sourcePolicySession: "", compatibilityVersion: 0, proxyNetwork: false },
  ...some,
});
const message = (some: Partial<StatusResponse>): StatusResponse => ({
  ...{ vertexes: [], statuses: [], logs: [], warnings: [] },
  ...some,
});
const vertex = (digest: string, some: Partial<Vertex> = {}): Vertex => ({
  ...{ digest, name: `RUN ${digest}`, inputs: [], cached: false, error: "", started: time, completed: time },
  ...some,
});
const log = (step: string, text: string): StatusResponse =>
  message({ logs: [{ vertex: step, timestamp: time, stream: 1, msg: Buffer.from(text) }] });
const RUNNING = message({ vertexes: [vertex("a", { completed: null })] });
const RAN = message({ vertexes: [vertex("a")] });

/** Lets all promises go on that wait for nothing else. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("BuildRecorder", () => {
  /** What the history was told, in turn. */
  let told: string[];
  let finished: BuildRecord[];
  let keptLog: LogPiece[];
  let failing: Set<string>;
  let lines: string[];
  let registry: Registry;
  let events: BuildEvents;
  let recorder: BuildRecorder;
  let cursor: string;
  let followed: { ref: string; onStatus: (status: StatusResponse) => void; signal: AbortSignal; end: () => void }[];
  let finish: RecorderDeps["finish"];

  const keep = (what: string): Promise<void> => {
    const [method = ""] = what.split(" ");
    if (failing.has(method)) return Promise.reject(new Error(`no space for ${method}`));
    told.push(what);
    return Promise.resolve();
  };
  const history: RecorderDeps["history"] = {
    begin: ({ ref }) => keep(`begin ${ref}`),
    checkpoint: ({ ref }) => keep(`checkpoint ${ref}`),
    finish: async (record) => {
      await keep(`finish ${record.ref}`);
      finished.push(record);
    },
    noteExport: (ref, { result }) => keep(`export ${ref} ${result}`),
    appendLog: async (ref, pieces) => {
      await keep(`log ${ref}`);
      keptLog.push(...pieces);
    },
  };

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    [told, finished, keptLog, failing, lines, followed] = [[], [], [], new Set(), [], []];
    [registry, events] = [new Registry(), new BuildEvents()];
    cursor = events.after(undefined, 1).cursor;
    const stream = { write: (line: string) => lines.push(line) };
    finish = async (build) => {
      const record = { ...assembleRecord(build, new Map(), []), savedMs: 77 };
      await history.finish(record);
      return record;
    };
    recorder = new BuildRecorder({
      ...{
        history,
        events,
        metrics: new BuildMetrics(registry, createLogger({ level: "warn", format: "json", stream })),
      },
      readLlb: () => {
        throw new Error("no definition");
      },
      describe: () => new Map(),
      finish: (build) => finish(build),
      followStatus: (_builder, ref, onStatus, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(new Error("aborted"));
          });
          followed.push({ ref, onStatus, signal, end: resolve });
        }),
      worker: () => Promise.resolve("w1"),
      wallClock: () => 5_000,
    });
  });
  afterEach(async () => {
    await recorder.close();
    mock.timers.reset();
  });

  const begin = (ref = "one", some: Partial<SolveRequest> = {}): RecordedBuild => {
    const build = recorder.begin({
      request: request(ref, some),
      group: "g",
      builder: "b",
      identity: IDENTITY,
    });
    if (build === undefined) throw new Error("it is not recorded");
    return build;
  };
  const metric = async (name: string): Promise<Readonly<Record<string, number>>> => {
    const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
    const seen = values.filter(({ value }) => value !== 0);
    return Object.fromEntries(seen.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };
  const newEvents = (): string[] => {
    const page = events.after(cursor, 10_000);
    cursor = page.cursor;
    return page.events.map(({ type }) => type);
  };
  const failures = (): Promise<Readonly<Record<string, number>>> => metric("memobuild_record_failures_total");
  const text = (): string => keptLog.map((piece) => piece.text).join("");

  it("keeps a build from its beginning to its end, with log and export", async () => {
    const build = begin();
    build.statusBegan();
    for (const each of [RUNNING, log("a", "hello\n"), RAN]) build.status(each);
    build.held(3);
    build.statusEnded(true);
    build.ended("OK", "");
    build.exported(PENDING);
    await settled();
    build.exported(PUBLISHED);
    await settled();
    expect(told).to.deep.equal(["begin one", "log one", "finish one", "export one pending", "export one published"]);
    expect(text()).to.equal("hello\n");
    const [record] = finished;
    expect(record).to.deep.include({ outcome: "succeeded", endedAtMs: 5_000, addedMs: 3 });
    expect(record?.steps.map(({ result }) => result)).to.deep.equal(["ran"]);
    expect(followed).to.have.length(0);
    expect(await metric("memobuild_builds_total")).to.deep.equal({ succeeded: 1 });
    expect(await metric("memobuild_builds_running")).to.deep.equal({});
  });

  it("shows a build that runs as it stands, and no more once it was kept", async () => {
    const build = begin();
    build.statusBegan();
    build.status(RUNNING);
    expect(recorder.running).to.equal(1);
    expect(recorder.record("one")?.steps.map(({ result }) => result)).to.deep.equal(["running"]);
    build.status(RAN);
    expect(recorder.record("one")?.steps.map(({ result }) => result)).to.deep.equal(["ran"]);
    build.statusEnded(true);
    build.ended("OK", "");
    expect(recorder.running).to.equal(0);
    await settled();
    expect(recorder.record("one")).to.equal(undefined);
  });

  it("tells of many changes with few events", async () => {
    const build = begin();
    build.statusBegan();
    expect(newEvents()).to.deep.equal(["started"]);
    for (let n = 0; n < 100; n++) {
      build.status(log("a", "x"));
      build.status(RUNNING);
    }
    mock.timers.tick(300);
    expect(newEvents()).to.deep.equal(["changed"]);
    mock.timers.tick(1_000);
    expect(newEvents()).to.deep.equal([]);
    build.status(RAN);
    build.statusEnded(true);
    build.ended("OK", "");
    await settled();
    mock.timers.tick(1_000);
    expect(newEvents()).to.deep.equal(["ended"]);
  });

  it("tells at the end, and of the export after it, what the kept record says", async () => {
    const build = begin();
    build.statusBegan();
    build.statusEnded(true);
    build.ended("OK", "");
    build.exported(PENDING);
    await settled();
    build.exported(PUBLISHED);
    await settled();
    const page = events.after(cursor, 10);
    expect(page.events.map(({ type }) => type)).to.deep.equal(["started", "ended", "exported"]);
    const { build: last } = page.events.at(-1) ?? {};
    expect([last?.savedMs, last?.outcome, last?.export]).to.deep.equal([77, "succeeded", PUBLISHED]);
  });

  it("keeps how a build stands now and then while it runs", async () => {
    const build = begin();
    for (let i = 0; i < 2; i++) mock.timers.tick(5_000);
    await settled();
    expect(told).to.deep.equal(["begin one", "checkpoint one", "checkpoint one"]);
    build.statusBegan();
    build.statusEnded(true);
    build.ended("OK", "");
    await settled();
    mock.timers.tick(60_000);
    await settled();
    expect(told.at(-1)).to.equal("finish one");
  });

  it("waits a little for the rest of the progress, and takes none after that", async () => {
    const build = begin();
    build.statusBegan();
    build.status(RUNNING);
    build.ended("UNKNOWN", "exit code: 1");
    await settled();
    expect(finished).to.have.length(0);
    build.status(RAN);
    mock.timers.tick(60_000);
    await settled();
    build.status(log("a", "late"));
    build.statusEnded(false);
    await settled();
    expect(finished[0]?.steps.map(({ result }) => result)).to.deep.equal(["ran"]);
    expect([finished[0]?.outcome, finished[0]?.error, text()]).to.deep.equal(["failed", "exit code: 1", ""]);
    expect(followed).to.have.length(0);
  });

  describe("progress that the client does not ask for", () => {
    it("is asked for after a while, and is all that counts then", async () => {
      const build = begin();
      mock.timers.tick(1_000);
      expect(followed.map(({ ref }) => ref)).to.deep.equal(["one"]);
      build.statusBegan();
      build.status(message({ vertexes: [vertex("twice")] }));
      for (const each of [RUNNING, log("a", "own\n"), RAN]) followed[0]?.onStatus(each);
      followed[0]?.end();
      build.statusEnded(false);
      build.ended("OK", "");
      await settled();
      expect(finished[0]?.steps.map(({ digest }) => digest)).to.deep.equal(["a"]);
      expect(text()).to.equal("own\n");
      expect([followed.length, followed[0]?.signal.aborted]).to.deep.equal([1, true]);
    });

    it("is asked for at the end of a build that was shorter", async () => {
      begin().ended("OK", "");
      expect(followed).to.have.length(1);
      followed[0]?.onStatus(RAN);
      followed[0]?.end();
      await settled();
      expect(finished[0]?.steps.map(({ result }) => result)).to.deep.equal(["ran"]);
    });

    it("is asked for once more where the client's breaks off, and brings no log twice", async () => {
      const build = begin();
      build.statusBegan();
      for (const each of [RUNNING, log("a", "1\n")]) build.status(each);
      build.statusEnded(false);
      for (const each of [RUNNING, log("a", "1\n"), log("a", "2\n"), RAN]) followed[0]?.onStatus(each);
      followed[0]?.end();
      build.ended("OK", "");
      await settled();
      expect(text()).to.equal("1\n2\n");
      expect(await failures()).to.deep.equal({});
    });

    it("that cannot be had is counted, and the build is kept without it", async () => {
      const build = begin();
      mock.timers.tick(1_000);
      const all = followed[0];
      expect(all).not.to.equal(undefined);
      // As when the builder is gone.
      all?.signal.dispatchEvent(new Event("abort"));
      await settled();
      expect(await failures()).to.deep.equal({ status: 1 });
      build.ended("OK", "");
      await settled();
      expect(told).to.deep.equal(["begin one", "finish one"]);
    });

    it("that does not come is waited for no longer than the client's", async () => {
      begin().ended("OK", "");
      mock.timers.tick(1_000);
      await settled();
      expect(finished).to.have.length(1);
      expect(followed[0]?.signal.aborted).to.equal(true);
      followed[0]?.onStatus(log("a", "late"));
      await settled();
      expect(await failures()).to.deep.equal({});
    });
  });

  it("records one build of a ref at a time, and again when that has ended", async () => {
    const first = begin();
    const again = { request: request("one"), group: "h", builder: "b", identity: IDENTITY };
    expect(recorder.begin(again)).to.equal(undefined);
    expect(recorder.record("one")?.group).to.equal("g");
    first.statusBegan();
    first.statusEnded(true);
    first.ended("OK", "");
    await settled();
    expect(recorder.begin(again)).not.to.equal(undefined);
    expect(await failures()).to.deep.equal({ begin: 1 });
  });

  it("records no build whose ref is none, and no more than it may at once", async () => {
    for (const ref of ["", "x".repeat(513)]) expect(() => begin(ref)).to.throw("not recorded");
    for (let n = 0; n < LIVE_BUILDS_MAX; n++) begin(`build ${n}`);
    expect(() => begin("one more")).to.throw("not recorded");
    expect(await failures()).to.deep.equal({ begin: 3 });
    expect(lines).to.have.length(1);
  });

  it("makes what was logged until now readable when it is asked to", async () => {
    const build = begin();
    build.statusBegan();
    for (const each of [RUNNING, log("a", "1\n")]) build.status(each);
    mock.timers.tick(500);
    // Nothing is new, but what there is may be on its way still.
    await recorder.flushLog("one");
    expect(text()).to.equal("1\n");
    build.status(log("a", "2\n"));
    await recorder.flushLog("one");
    expect(text()).to.equal("1\n2\n");
    await recorder.flushLog("unknown");
  });

  it("writes logs seldom, however many pieces they come in", async () => {
    const build = begin();
    build.statusBegan();
    build.status(RUNNING);
    for (let n = 0; n < 5_000; n++) build.status(log("a", `line ${n}\n`));
    mock.timers.tick(500);
    await settled();
    expect(told.filter((what) => what === "log one")).to.have.length(3);
    expect(keptLog).to.have.length(5_000);
  });

  it("has values of arguments nowhere: not in records, events, logs, metrics or its own log", async () => {
    failing.add("checkpoint");
    const build = begin("one", { frontendAttrs: { "build-arg:TOKEN": SECRET } });
    build.statusBegan();
    const says = `echo ${SECRET}`;
    build.status(message({ vertexes: [vertex("a", { name: `RUN ${says}`, completed: null })] }));
    for (const part of ["with ", SECRET.slice(0, 9), SECRET.slice(9), "\n"]) build.status(log("a", part));
    build.defined(Buffer.from(SECRET));
    mock.timers.tick(10_000);
    const live = recorder.record("one");
    build.status(message({ vertexes: [vertex("a", { name: `RUN ${says}`, error: says })] }));
    build.statusEnded(true);
    build.ended("UNKNOWN", `${says} failed`);
    build.exported(PENDING);
    await settled();
    expect([finished.length, text()]).to.deep.equal([1, "with ${TOKEN}\n"]);
    const all = JSON.stringify([finished, live, events.after(cursor, 100), keptLog, lines, await registry.metrics()]);
    expect(all).to.include("echo ${TOKEN} failed");
    expect(all).not.to.include(SECRET);
    expect(all).not.to.include(SECRET.slice(0, 9));
  });

  describe("a history that fails", () => {
    it("is counted for each part, and logged once for each, and no call of a build hears of it", async () => {
      for (const part of ["begin", "checkpoint", "finish", "log", "export"]) failing.add(part);
      for (const ref of ["one", "two"]) {
        const build = begin(ref);
        build.statusBegan();
        for (const each of [RUNNING, log("a", "1\n")]) build.status(each);
        mock.timers.tick(5_000);
        await settled();
        build.statusEnded(true);
        build.ended("OK", "");
        await settled();
        build.exported(PUBLISHED);
        await settled();
      }
      const counts = await failures();
      expect(Object.keys(counts).sort()).to.deep.equal(["begin", "checkpoint", "export", "finish", "log"]);
      for (const count of Object.values(counts)) expect(count).to.be.at.least(2);
      expect(lines).to.have.length(5);
      expect(await metric("memobuild_builds_total")).to.deep.equal({ succeeded: 2 });
      expect(recorder.record("one")).to.equal(undefined);
    });

    it("for a moment does no harm to what comes later", async () => {
      failing.add("log");
      const build = begin();
      build.statusBegan();
      for (const each of [RUNNING, log("a", "lost\n")]) build.status(each);
      await recorder.flushLog("one");
      failing.clear();
      build.status(log("a", "kept\n"));
      build.statusEnded(true);
      build.ended("OK", "");
      await settled();
      expect([text(), finished.length]).to.deep.equal(["kept\n", 1]);
    });
  });

  it("keeps a build without reasons where they cannot be found", async () => {
    finish = () => Promise.reject(new Error("no reasons"));
    const build = begin();
    build.statusBegan();
    build.status(RAN);
    build.statusEnded(true);
    build.ended("OK", "");
    await settled();
    expect(finished.map(({ outcome, savedMs }) => [outcome, savedMs])).to.deep.equal([["succeeded", 0]]);
    expect(await failures()).to.deep.equal({ finish: 1 });
    expect(newEvents()).to.deep.equal(["started", "ended"]);
  });

  it("records no build whose values of arguments are too many to be hidden", async () => {
    const attrs = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`build-arg:A${index}`, `value ${index}`]));
    begin("enough", { frontendAttrs: attrs(1_000) });
    expect(() => begin("more", { frontendAttrs: attrs(1_001) })).to.throw("it is not recorded");
    expect(await failures()).to.deep.equal({ begin: 1 });
  });

  it("counts a definition that cannot be read", async () => {
    begin().defined(Buffer.from("junk"));
    await settled();
    expect(await failures()).to.deep.equal({ definition: 1 });
  });

  describe("close", () => {
    it("keeps what there is of builds that run, as running, and ends what was asked for them", async () => {
      const build = begin();
      mock.timers.tick(1_000);
      for (const each of [RUNNING, log("a", "1\n")]) followed[0]?.onStatus(each);
      await recorder.close();
      expect(followed[0]?.signal.aborted).to.equal(true);
      expect(told).to.deep.equal(["begin one", "log one", "checkpoint one"]);
      const before = [...told];
      // The calls end after that.
      followed[0]?.onStatus(log("a", "2\n"));
      build.status(RAN);
      build.statusEnded(false);
      build.ended("CANCELLED", "");
      build.exported(PUBLISHED);
      mock.timers.tick(60_000);
      await settled();
      await recorder.close();
      expect(told).to.deep.equal(before);
      expect(await failures()).to.deep.equal({});
    });

    it("waits for builds that have ended, though not for the rest of their progress", async () => {
      const build = begin();
      build.statusBegan();
      build.status(RUNNING);
      build.ended("OK", "");
      build.exported(PENDING);
      await recorder.close();
      expect(told).to.deep.equal(["begin one", "finish one", "export one pending"]);
    });

    it("records nothing from then on", async () => {
      await recorder.close();
      expect(() => begin()).to.throw("not recorded");
      expect([told, await failures()]).to.deep.equal([[], {}]);
    });
  });
});
