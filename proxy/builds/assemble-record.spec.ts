/** Promises of the record that is made of what was seen of a build. */
import { expect } from "chai";
import type { SolveRequest, StatusResponse, Vertex } from "../buildkit/build-messages.js";
import { sampleStep } from "../test/support/build-samples.js";
import { assembleRecord, countSteps } from "./assemble-record.js";
import type { StepDescription } from "./describe-step.js";
import type { LogPiece } from "./history.js";
import { LiveBuild } from "./live-build.js";

const IDENTITY = { tenant: "default", project: "p", dockerfile: "Dockerfile", target: "", platform: "" };
const SECRET = "s3cret-of-the-team";
const time = { seconds: 2, nanos: 0 };

const solveRequest = (some: Partial<SolveRequest> = {}): SolveRequest => ({
  ...{ ref: "ref", definition: Buffer.alloc(0), session: "s", frontend: "", frontendAttrs: {}, cache: null },
  ...{ entitlements: [], internal: false, sourcePolicy: Buffer.alloc(0), exporters: [], exporterDeprecated: "" },
  ...{ sourcePolicySession: "", compatibilityVersion: 0, proxyNetwork: false },
  ...some,
});

const message = (some: Partial<StatusResponse>): StatusResponse => ({
  ...{ vertexes: [], statuses: [], logs: [], warnings: [] },
  ...some,
});
const vertex = (digest: string, some: Partial<Vertex> = {}): Vertex => ({
  ...{ digest, name: digest, inputs: [], cached: false, error: "", started: time, completed: time },
  ...some,
});
const log = (step: string, text: string): StatusResponse =>
  message({ logs: [{ vertex: step, timestamp: time, stream: 1, msg: Buffer.from(text) }] });
const described = (some: Partial<StepDescription>): StepDescription => ({
  ...{ digest: "a", key: "", name: "", kind: "exec", stage: "", instruction: "", platform: "", ignoresCache: false },
  ...{ parts: {}, shown: {}, inputs: [], contentInputs: [], selections: [] },
  ...some,
});

let logged: LogPiece[];
const liveBuild = (request: Partial<SolveRequest> = {}): LiveBuild => {
  logged = [];
  const start = { request: solveRequest(request), group: "g", builder: "b", identity: IDENTITY };
  return new LiveBuild(
    { ...start, startedAtMs: 1_000 },
    { changed: () => undefined, logged: (pieces) => logged.push(...pieces) },
  );
};

describe("assembleRecord", () => {
  const assemble = (build: LiveBuild, ...descriptions: StepDescription[]): ReturnType<typeof assembleRecord> =>
    assembleRecord(build, new Map(descriptions.map((one) => [one.digest, one])), []);

  it("takes a step that BuildKit made one with that of another build for the own one", () => {
    const build = liveBuild();
    const name = "[a 1/1] RUN make";
    const told = vertex("ours", { name, started: null, completed: null });
    build.progress(message({ vertexes: [told, vertex("theirs", { name }), vertex("after", { inputs: ["theirs"] })] }));
    const own = described({ digest: "ours", name, key: "k", parts: { command: "x" } });
    const { steps } = assemble(build, own, described({ digest: "after", name: "after", inputs: ["ours"] }));
    expect(steps.map(({ digest, inputs, key }) => [digest, key, inputs])).to.deep.equal([
      ["theirs", "k", []],
      ["after", "", [0]],
    ]);
  });

  it("takes a step that was done before the build began for one that is reused", () => {
    const build = liveBuild();
    const began = vertex("i", { name: "[internal] load build definition from Dockerfile", started: time });
    const earlier = { seconds: 1, nanos: 0 };
    build.progress(message({ vertexes: [began, vertex("a", { started: earlier, completed: earlier }), vertex("b")] }));
    expect(assemble(build).steps.map(({ result }) => result)).to.deep.equal(["ran", "cached", "ran"]);
  });

  it("takes a step that is at work again at the end for one that was complete", () => {
    const build = liveBuild();
    build.progress(
      message({ vertexes: [vertex("a"), vertex("a", { started: { seconds: 3, nanos: 0 }, completed: null })] }),
    );
    expect(assemble(build).steps[0]).to.include({ result: "running", completedAtMs: undefined });
    build.ended("OK", "", 9_000);
    expect(assemble(build).steps[0]).to.include({ result: "ran", completedAtMs: 2_000 });
  });

  it("gives each step its result", () => {
    const build = liveBuild();
    build.progress(
      message({
        vertexes: [
          vertex("ran"),
          vertex("cached", { cached: true }),
          vertex("failed", { error: "exit code: 1" }),
          vertex("canceled", { error: "context canceled" }),
          vertex("at work", { completed: null }),
          vertex("waiting", { started: null, completed: null }),
        ],
      }),
    );
    const results = (): string[] => assemble(build, described({ digest: "defined" })).steps.map(({ result }) => result);
    expect(results()).to.deep.equal(["ran", "cached", "failed", "canceled", "running", "waiting", "waiting"]);
    build.ended("UNKNOWN", "exit code: 1", 5);
    expect(results()).to.deep.equal(["ran", "cached", "failed", "canceled", "canceled", "skipped", "skipped"]);
  });

  it("names inputs by their place, without those that are unknown", () => {
    const build = liveBuild();
    build.progress(message({ vertexes: [vertex("a"), vertex("b", { inputs: ["a", "gone", "a"] })] }));
    const selection = { path: "/", includePatterns: [], excludePatterns: [] };
    const more = described({
      digest: "c",
      inputs: ["b"],
      contentInputs: ["a", "gone"],
      selections: [
        { ...selection, source: "a" },
        { ...selection, source: "gone" },
      ],
    });
    const { steps } = assemble(build, more);
    expect(steps.map(({ inputs }) => inputs)).to.deep.equal([[], [0], [1]]);
    expect(steps[2]?.contentInputs).to.deep.equal([0]);
    expect(steps[2]?.selections).to.deep.equal([{ ...selection, source: 0 }]);
  });

  it("has no value of an argument, no credentials and no address of the cache anywhere", () => {
    const build = liveBuild({
      frontendAttrs: { "build-arg:TOKEN": SECRET, "build-arg:N": "7", "vcs:revision": "abc" },
      cache: { imports: [{ type: "s3", attrs: { secret_access_key: "cache-key" } }], exports: [] },
      exporters: [{ type: "image" }],
    });
    const cache = `10.0.0.1:80/${"0a".repeat(16)}@sha256:${"1".repeat(64)}`;
    const text = `echo ${SECRET} from ${cache} https://user:${SECRET}@host/`;
    const told = vertex("a", { name: `[build 2/9] RUN ${text} 7`, error: text, completed: null });
    build.progress(
      message({
        vertexes: [told],
        statuses: [{ id: text, vertex: "a", name: text, current: 1, total: 1, completed: null }],
        warnings: [{ vertex: "a", short: Buffer.from(text) }],
      }),
    );
    build.progress(log("a", text));
    build.ended("UNKNOWN", text, 5);
    const record = assemble(build, described({ digest: "b", name: `[build 3/9] COPY ${SECRET}/7 /` }));
    const all = JSON.stringify([record, logged]);
    for (const secret of [SECRET.slice(0, 9), "10.0.0.1", "0a0a", "cache-key"]) expect(all).not.to.include(secret);
    expect(JSON.stringify(record)).not.to.include("user:");
    expect(record.steps.map(({ name }) => name)).to.deep.equal([
      "[build 2/9] RUN echo ${TOKEN} from the shared cache https://host/ ${N}",
      "[build 3/9] COPY ${TOKEN}/${N} /",
    ]);
    expect(record.argumentNames).to.deep.equal(["N", "TOKEN"]);
  });

  it("tells what the client asked for", () => {
    const record = assemble(liveBuild({ exporterDeprecated: "image", frontendAttrs: { "vcs:revision": "abc" } }));
    expect([record.outputs, record.revision, record.outcome]).to.deep.equal([["image"], "abc", "running"]);
    expect(record.endedAtMs).to.equal(undefined);
    const exporters = [{ type: "local" }, { type: "oci" }];
    expect(assemble(liveBuild({ exporters })).outputs).to.deep.equal(["local", "oci"]);
  });
});

describe("countSteps", () => {
  it("counts as buildctl does: no internal steps, and base images only as steps", () => {
    const counts = countSteps([
      sampleStep({ name: "[internal] load build context", isUser: false }),
      sampleStep({ name: "[build 1/4] FROM alpine", result: "cached", cachedFrom: "shared" }),
      sampleStep({ name: "[build 2/4] RUN a", result: "cached", cachedFrom: "shared" }),
      sampleStep({ name: "[build 3/4] RUN b", result: "cached", cachedFrom: "unknown", warnings: ["w", "v"] }),
      sampleStep({ name: "[build 4/4] RUN c", result: "failed" }),
      sampleStep({ name: "RUN d", result: "skipped", completedAtMs: undefined }),
    ]);
    expect(counts).to.deep.equal({
      ...{ total: 6, completed: 5, user: 5, cacheable: 4 },
      ...{ cached: 2, cachedBuilder: 0, cachedShared: 1, ran: 1, warnings: 2 },
    });
  });
});
