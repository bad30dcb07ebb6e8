/** Promises of the end of a record: explained by what the history knows, and kept. */
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { expect } from "chai";
import type { LlbGraph, LlbStep } from "../buildkit/llb-graph.js";
import type { FileTransfer, TransferredFile } from "../buildkit/tunnel/file-transfer.js";
import { openDatabase } from "../database/open-database.js";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import { createLogger } from "../log/create-logger.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { assembleRecord } from "./assemble-record.js";
import type { BuildRecord } from "./build-record.js";
import { RecordFinisher } from "./finish-record.js";
import { LiveBuild } from "./live-build.js";
import { SqliteHistory } from "./sqlite-history.js";
import { summaryOf } from "./summary-of.js";

const IDENTITY = { tenant: "default", project: "p", dockerfile: "Dockerfile", target: "", platform: "" };
const SECRET = "s3cret-of-the-team";
const HASH = "0123456789abcdefghijkl";
const WORK_SECONDS = 3;

const step = (digest: string, name: string, does: LlbStep["does"], inputs: readonly string[] = []): LlbStep => ({
  ...{ digest, name, does, inputs: inputs.map((input) => ({ digest: input, index: 0 })) },
  ...{ platform: "linux/amd64", ignoresCache: false },
});
/** A context, of which all is copied, and a command behind that. */
const GRAPH: LlbGraph = {
  steps: [
    step("context", "[internal] load build context", {
      ...{ type: "source", identifier: "local://context", attrs: {} },
    }),
    step(
      "copy",
      "[1/2] COPY . /src",
      {
        ...{ type: "file", changes: [], stable: Buffer.from("copy") },
        copies: [
          {
            ...{ input: 0, src: "/", dest: "/src", owner: Buffer.alloc(0), mode: "", allowWildcard: false },
            ...{ includePatterns: [], excludePatterns: [] },
          },
        ],
      },
      ["context"],
    ),
    step(
      "run",
      "[2/2] RUN make",
      {
        ...{ type: "exec", args: ["make"], env: [`TOKEN=${SECRET}`], cwd: "/", user: "" },
        ...{
          mounts: [
            { ...{ input: 0, selector: "", dest: "/", type: "bind", isReadOnly: false }, stable: Buffer.alloc(0) },
          ],
        },
        rest: [],
      },
      ["copy"],
    ),
  ],
  sources: [],
};

const file = (path: string, some: Partial<TransferredFile> = {}): TransferredFile => ({
  ...{ path, mode: 0o644, uid: 0, gid: 0, sizeBytes: 3, modifiedAtMs: 5, linkname: "", wasRequested: false },
  ...some,
});
const sent = (path: string, contentHash: string, some: Partial<TransferredFile> = {}): TransferredFile =>
  file(path, { ...some, contentHash, wasRequested: true });
const transfer = (files: readonly TransferredFile[], some: Partial<FileTransfer> = {}): FileTransfer => ({
  ...{ name: "context", includePatterns: [], excludePatterns: [], followPaths: [], isComplete: true, sentBytes: 10 },
  files,
  ...some,
});

describe("RecordFinisher", () => {
  let dir: string;
  let database: SqliteDatabase;
  let history: SqliteHistory;
  let finisher: RecordFinisher;
  let startedAtMs: number;

  beforeEach(async () => {
    dir = await makeTempDir("finish");
    const logger = createLogger({ level: "warn", format: "json", stream: process.stderr });
    database = openDatabase({ path: join(dir, "history.db"), logger });
    history = new SqliteHistory(database, { now: Date.now });
    startedAtMs = 1_000_000;
    finisher = create();
  });
  afterEach(async () => {
    database.close();
    await removeDir(dir);
  });

  const create = (): RecordFinisher =>
    new RecordFinisher({ history, hash: (text) => createHmac("sha256", "key").update(text).digest("hex") });

  const begin = async (ref: string, transfers: readonly FileTransfer[], graphs = [GRAPH]): Promise<LiveBuild> => {
    startedAtMs += 60_000;
    const request = {
      ...{ ref, definition: Buffer.alloc(0), session: "s", frontend: "", cache: null, entitlements: [] },
      ...{ frontendAttrs: { "build-arg:TOKEN": SECRET }, internal: false, sourcePolicy: Buffer.alloc(0) },
      ...{ exporters: [], exporterDeprecated: "", sourcePolicySession: "", compatibilityVersion: 0 },
      proxyNetwork: false,
    };
    const start = { request, group: "g", builder: "b", identity: IDENTITY, startedAtMs };
    const build = new LiveBuild(start, { changed: () => undefined, logged: () => undefined });
    for (const graph of graphs) build.defined(graph);
    for (const one of transfers) build.transferred(one, "k");
    await history.begin(summaryOf(assembleRecord(build, new Map(), [])));
    return build;
  };
  /** @param cached whether its steps were. */
  const run = (build: LiveBuild, cached: boolean): void => {
    const seconds = startedAtMs / 1_000;
    const vertexes = ["copy", "run"].map((digest) => ({
      ...{ digest, name: digest, inputs: [], error: "", cached },
      started: { seconds, nanos: 0 },
      completed: { seconds: cached ? seconds : seconds + WORK_SECONDS, nanos: 0 },
    }));
    build.progress({ vertexes, statuses: [], logs: [], warnings: [] });
    build.ended("OK", "", startedAtMs + 10_000);
  };
  const finish = async (ref: string, transfers: readonly FileTransfer[], cached = false): Promise<BuildRecord> => {
    const build = await begin(ref, transfers);
    run(build, cached);
    return finisher.finish(build);
  };
  const filesOf = async ({ transfers }: BuildRecord): Promise<Record<string, string>> => {
    const files = await history.fileList(transfers[0]?.fileList ?? "");
    return Object.fromEntries((files ?? []).map(({ contentHash, path }) => [path, contentHash]));
  };
  const causeOf = (record: BuildRecord, digest: string): string | undefined =>
    record.steps.find((one) => one.digest === digest)?.cause?.kind;

  it("keeps what it returns", async () => {
    const record = await finish("one", [transfer([sent("a", HASH)])]);
    const kept = await history.build("one");
    expect(JSON.parse(JSON.stringify(kept))).to.deep.equal(JSON.parse(JSON.stringify(record)));
    expect(record.transfers).to.have.length(1);
    expect(record.transfers[0]).to.include({ name: "context", fileCount: 1, requestedFiles: 1, sentBytes: 10 });
    expect(record.counts).to.include({ cacheable: 2, ran: 2, cached: 0 });
  });

  it("compares with the latest build of the same that got as far as to have steps", async () => {
    await finish("one", [transfer([sent("a", HASH)])]);
    const early = await begin("early", [], []);
    early.ended("UNKNOWN", "no Dockerfile", startedAtMs + 1);
    await finisher.finish(early);
    const record = await finish("two", [transfer([sent("a", `${HASH.slice(1)}x`, { modifiedAtMs: 6 })])]);
    expect(record.baseline).to.equal("one");
    expect([causeOf(record, "copy"), causeOf(record, "run")]).to.deep.equal(["files_changed", "input_changed"]);
    expect(record.firstMiss?.kind).to.equal("files_changed");
  });

  it("counts as saved what reused steps took when they last ran", async () => {
    await finish("one", [transfer([sent("a", HASH)])]);
    const record = await finish("two", [transfer([file("a")])], true);
    expect(record.counts).to.include({ cacheable: 2, cached: 2, ran: 0 });
    expect(record.savedMs).to.equal(2 * WORK_SECONDS * 1_000);
  });

  for (const isNew of [false, true]) {
    it(`knows the content of files that were not sent again${isNew ? ", after a restart, too" : ""}`, async () => {
      await finish("one", [transfer([sent("a", HASH), file("never sent")])]);
      if (isNew) finisher = create();
      const record = await finish("two", [transfer([file("a"), file("never sent")])]);
      expect(await filesOf(record)).to.deep.equal({ a: HASH, "never sent": "" });
    });
  }

  it("does not forget the content of files when a list breaks off", async () => {
    await finish("one", [transfer([sent("a", HASH), sent("b", HASH)])]);
    await finish("two", [transfer([file("a")], { isComplete: false })]);
    const record = await finish("three", [transfer([file("a"), file("b")])]);
    expect(await filesOf(record)).to.deep.equal({ a: HASH, b: HASH });
  });

  it("describes steps while the build runs, and anew with each definition", async () => {
    const build = await begin("one", [], []);
    expect(finisher.describe(build).size).to.equal(0);
    build.defined(GRAPH);
    const described = finisher.describe(build);
    expect([...described.keys()]).to.deep.equal(["context", "copy", "run"]);
    expect(finisher.describe(build)).to.equal(described);
  });

  it("keeps no value of an argument", async () => {
    const record = await finish("one", [transfer([sent("a", HASH)])]);
    expect(Object.keys(record.steps.find(({ digest }) => digest === "run")?.parts ?? {})).to.include("arg:TOKEN");
    expect(JSON.stringify([record, await history.build("one")])).not.to.include(SECRET.slice(0, 6));
  });

  it("rejects when the history fails", async () => {
    const build = await begin("one", [transfer([sent("a", HASH)])]);
    run(build, false);
    history.finish = () => Promise.reject(new Error("no space"));
    const error: unknown = await finisher.finish(build).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(Error).with.property("message", "no space");
  });
});
