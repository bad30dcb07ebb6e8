/** Promises of one build while it runs. */
import { expect } from "chai";
import type { SolveRequest, StatusResponse, Vertex } from "../buildkit/build-messages.js";
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
let changes: number;
let logged: LogPiece[];
const liveBuild = (request: Partial<SolveRequest> = {}): LiveBuild => {
  [changes, logged] = [0, []];
  const start = { request: solveRequest(request), group: "g", builder: "b", identity: IDENTITY };
  return new LiveBuild(
    { ...start, startedAtMs: 1_000 },
    { changed: () => (changes += 1), logged: (pieces) => logged.push(...pieces) },
  );
};

describe("LiveBuild", () => {
  it("takes files from its session and from those that its options name", () => {
    const { sessions } = liveBuild({ session: "own", frontendAttrs: { "local-sessionid:context": "shared", x: "y" } });
    expect([...sessions]).to.deep.equal(["own", "shared"]);
  });

  it("knows names of arguments, what is not to be cached, and whether caches were named", () => {
    const build = liveBuild({ frontendAttrs: { "build-arg:B": "1", "no-cache": "" } });
    expect([build.noCache, build.hasOwnImports]).to.deep.equal([["*"], false]);
    build.solving(IDENTITY, { "build-arg:A": "2", "no-cache": "build,test", "cache-imports": '[{"type":"gha"}]' });
    expect(build.argumentNames).to.deep.equal(["A", "B"]);
    expect([build.noCache, build.hasOwnImports]).to.deep.equal([["build", "test"], true]);
    expect(liveBuild({ cache: { imports: [{ type: "gha", attrs: {} }], exports: [] } }).hasOwnImports).to.equal(true);
  });

  it("keeps logs of steps that it was told of, and of no others", () => {
    const build = liveBuild();
    build.progress(message({ vertexes: [vertex("a", { completed: null })] }));
    build.progress(log("a", "one\n"));
    build.progress(log("b", "of nobody\n"));
    expect(logged).to.deep.equal([{ step: "a", stream: 1, atMs: 2_000, text: "one\n" }]);
    expect(changes).to.equal(3);
  });

  it("leaves values of arguments out of logs, also where one comes in two pieces", () => {
    const build = liveBuild({ frontendAttrs: { "build-arg:TOKEN": SECRET } });
    build.progress(message({ vertexes: [vertex("a", { completed: null })] }));
    for (const text of ["login ", SECRET.slice(0, 5), SECRET.slice(5), " done\n", SECRET.slice(0, 4)])
      build.progress(log("a", text));
    expect(logged.map(({ text }) => text).join("")).to.equal("login ${TOKEN} done\n");
    build.progress(message({ vertexes: [vertex("a")] }));
    expect(logged.at(-1)?.text).to.equal(SECRET.slice(0, 4));
  });

  it("takes logs once when its progress comes from the beginning again", () => {
    const build = liveBuild();
    const begun = message({ vertexes: [vertex("a", { completed: null }), vertex("b", { completed: null })] });
    for (const each of [begun, log("a", "1"), log("b", "1"), log("a", "2")]) build.progress(each);
    build.progressRestarts();
    for (const each of [begun, log("a", "1"), log("a", "2"), log("b", "1"), log("b", "2"), log("a", "3")])
      build.progress(each);
    const said = (step: string): string =>
      logged
        .filter((piece) => piece.step === step)
        .map(({ text }) => text)
        .join("");
    expect([said("a"), said("b")]).to.deep.equal(["123", "12"]);
  });

  it("gives what it held back of logs when no more comes", () => {
    const build = liveBuild({ frontendAttrs: { "build-arg:TOKEN": SECRET } });
    build.progress(message({ vertexes: [vertex("a", { completed: null })] }));
    build.progress(log("a", SECRET.slice(0, 4)));
    expect(logged).to.deep.equal([]);
    build.progressEnded();
    expect(logged.map(({ text }) => text)).to.deep.equal([SECRET.slice(0, 4)]);
    build.progressEnded();
    expect(logged).to.have.length(1);
  });

  for (const [code, outcome, error] of [
    ["OK", "succeeded", ""],
    ["CANCELLED", "canceled", ""],
    ["UNAVAILABLE", "failed", "UNAVAILABLE"],
  ] as const) {
    it(`that ends with ${code} has ${outcome}`, () => {
      const build = liveBuild();
      build.ended(code, "", 5);
      expect([build.outcome, build.error, build.endedAtMs]).to.deep.equal([outcome, error, 5]);
    });
  }

  it("leaves out of its error what must not be kept", () => {
    const build = liveBuild({ frontendAttrs: { "build-arg:TOKEN": SECRET } });
    const cache = `127.0.0.1:5000/${"0a".repeat(16)}:latest`;
    build.ended("UNKNOWN", `push ${cache} to https://me:pw@host/x: bad ${SECRET}, see alpine@sha256:1`, 5);
    expect(build.error).to.equal("push the shared cache to https://host/x: bad ${TOKEN}, see alpine@sha256:1");
  });

  it("counts each layer once, and all of the bytes", () => {
    const build = liveBuild();
    build.imported({ result: "hit", from: ["x"], records: 3 });
    for (const [layer, bytes] of [
      ["l1", 5],
      ["l2", 6],
      ["l1", 7],
    ] as const)
      build.fetched(layer, bytes);
    const expected = { result: "hit", from: ["x"], records: 3, fetchedLayers: 2, fetchedBytes: 18 };
    expect(build.import).to.deep.equal(expected);
  });
});
