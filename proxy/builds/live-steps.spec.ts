/** Promises of the steps of a build while their progress comes. */
import { expect } from "chai";
import fc from "fast-check";
import type { StatusResponse, Vertex } from "../buildkit/build-messages.js";
import { LiveSteps, STEPS_MAX, workOf, type LiveStep } from "./live-steps.js";

const at = (ms: number): { seconds: number; nanos: number } => ({ seconds: 0, nanos: ms * 1_000_000 });

const vertex = (digest: string, some: Partial<Vertex> = {}): Vertex => ({
  ...{ digest, name: "", inputs: [], cached: false, error: "", started: null, completed: null },
  ...some,
});

const message = (some: Partial<StatusResponse>): StatusResponse => ({
  ...{ vertexes: [], statuses: [], logs: [], warnings: [] },
  ...some,
});

describe("LiveSteps", () => {
  let steps: LiveSteps;
  beforeEach(() => {
    steps = new LiveSteps((text) => text);
  });

  const add = (...vertexes: Vertex[]): string[] => steps.add(message({ vertexes }));
  const step = (digest: string): LiveStep => {
    const found = steps.all.get(digest);
    if (found === undefined) throw new Error(`there is no step ${digest}`);
    return found;
  };
  const progress = (id: string, current: number, vertexDigest = "a"): void => {
    steps.add(message({ statuses: [{ id, vertex: vertexDigest, name: "", current, total: 9, completed: null }] }));
  };

  it("says of each message which steps it completes, once for each time that they were at work", () => {
    expect(add(vertex("a"), vertex("b", { started: at(1) }))).to.deep.equal([]);
    const done = vertex("b", { started: at(1), completed: at(5) });
    expect(add(done)).to.deep.equal(["b"]);
    expect(add(done)).to.deep.equal([]);
    expect(add(vertex("b", { started: at(8) }))).to.deep.equal([]);
    expect(step("b").completedAtMs).to.equal(undefined);
    expect(add(vertex("b", { started: at(8), completed: at(9) }))).to.deep.equal(["b"]);
    expect([step("b").startedAtMs, step("b").completedAtMs, workOf(step("b"))]).to.deep.equal([1, 9, 5]);
  });

  it("keeps name and inputs when a later message has none", () => {
    add(vertex("a", { name: "RUN make", inputs: ["b"] }));
    add(vertex("a", { started: at(1) }));
    expect([step("a").name, step("a").inputs]).to.deep.equal(["RUN make", ["b"]]);
  });

  it("forgets the error of a step that went well when it was tried again", () => {
    add(vertex("a", { started: at(1), completed: at(2), error: "connection reset" }));
    expect(step("a").error).to.equal("connection reset");
    add(vertex("a", { started: at(3) }));
    add(vertex("a", { started: at(3), completed: at(4) }));
    expect(step("a").error).to.equal("");
  });

  it("takes the same progress from its beginning again", () => {
    const all = message({
      vertexes: [vertex("a", { started: at(1), completed: at(4), name: "RUN make" })],
      warnings: [{ vertex: "a", short: Buffer.from("old syntax") }],
      statuses: [{ id: "layer", vertex: "a", name: "", current: 3, total: 3, completed: at(3) }],
    });
    steps.add(all);
    const before = structuredClone(step("a"));
    steps.add(all);
    expect(step("a")).to.deep.equal(before);
  });

  it("keeps the latest of a step's progress", () => {
    add(vertex("a"));
    for (let id = 0; id < 100; id++) progress(`layer ${id}`, 1);
    progress("layer 99", 2);
    const kept = [...step("a").progress.values()];
    expect(kept).to.have.length(64);
    expect(kept.at(-1)).to.include({ id: "layer 99", current: 2 });
    expect(step("a").progress.has("layer 0")).to.equal(false);
  });

  it("ignores what belongs to a step that it was not told of", () => {
    progress("layer", 1, "unknown");
    steps.add(message({ warnings: [{ vertex: "unknown", short: Buffer.from("w") }] }));
    expect(steps.all.size).to.equal(0);
  });

  it("keeps no more steps than it may, and says so", () => {
    for (let n = 0; n < STEPS_MAX; n++) add(vertex(`step ${n}`));
    expect(steps.isCut).to.equal(false);
    expect(add(vertex("one more", { started: at(1), completed: at(2) }))).to.deep.equal([]);
    expect([steps.all.size, steps.isCut, steps.all.has("one more")]).to.deep.equal([STEPS_MAX, true, false]);
    add(vertex("step 7", { name: "still heard" }));
    expect(step("step 7").name).to.equal("still heard");
  });

  it("leaves secrets out before it cuts texts, so that no part of one is kept", () => {
    const secret = "s3cret".repeat(500);
    steps = new LiveSteps((text) => text.replaceAll(secret, "${TOKEN}"));
    const text = `${"x".repeat(1_990)}${secret}`;
    add(vertex("a", { name: text, error: text }));
    steps.add(message({ warnings: [{ vertex: "a", short: Buffer.from(text) }] }));
    steps.add(message({ statuses: [{ id: text, vertex: "a", name: text, current: 0, total: 0, completed: null }] }));
    const { error, name, progress: kept, warnings } = step("a");
    const texts = [error, name, ...warnings, ...[...kept.values()].flatMap((one) => [one.id, one.name])];
    expect(texts).to.have.length(5);
    for (const each of texts) {
      expect(each).to.have.length.at.most(2_000);
      expect(each).not.to.include("s3");
    }
  });
});

describe("workOf", () => {
  it("counts each moment once, however the times at work overlap", () => {
    const interval = fc.tuple(fc.nat(60), fc.nat(20)).map(([start, length]) => [start, start + length] as const);
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12 }), (all) => {
        const intervals = new Map(all);
        const moments = new Set<number>();
        for (const [start, end] of intervals) for (let moment = start; moment < end; moment++) moments.add(moment);
        expect(workOf({ intervals })).to.equal(moments.size);
      }),
    );
  });
});
