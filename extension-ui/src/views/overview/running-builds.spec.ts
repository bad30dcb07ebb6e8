/** Running builds, by list and events; and the first ones ever. */
import { expect } from "chai";
import type { BuildEvent, BuildSummary } from "../../api/openapi.js";
import { firstStepsOf, isFirstUse } from "./first-steps.js";
import { runningOf, withEvents } from "./running-builds.js";

const COUNTS = { total: 0, completed: 0, user: 0, cacheable: 0, cached: 0, cachedBuilder: 0, cachedShared: 0, ran: 0 };

const build = (ref: string, change: Partial<BuildSummary> = {}): BuildSummary => ({
  ...{ ref, tenant: "default", project: "app", dockerfile: "Dockerfile", target: "", platform: "", group: "" },
  ...{ revision: "", builder: "", outputs: [], startedAtMs: 0, outcome: "running", error: "" },
  ...{ savedMs: 0, addedMs: 0, contextBytes: 0, export: { result: "none", bytes: 0, durationMs: 0 } },
  counts: { ...COUNTS, warnings: 0 },
  import: { result: "none", from: [], records: 0, fetchedLayers: 0, fetchedBytes: 0 },
  ...change,
});

const event = (type: BuildEvent["type"], of: BuildSummary, ...steps: string[]): BuildEvent => ({
  ...{ seq: 1, type, build: of },
  running: steps.map((name) => ({ name, startedAtMs: 0 })),
});

describe("runningOf", () => {
  const refs = (listed: readonly BuildSummary[], ...events: BuildEvent[]): readonly string[] =>
    runningOf(listed, withEvents(new Map(), events)).map((each) => each.build.ref);

  it("lists what started, latest first, and leaves out what ended", () => {
    const started = event("started", build("new", { startedAtMs: 5 }));
    expect(refs([build("old")], started)).to.deep.equal(["new", "old"]);
    expect(refs([build("old")], started, event("ended", build("old", { outcome: "failed" })))).to.deep.equal(["new"]);
  });

  it("tells the steps that the latest event tells", () => {
    const latest = withEvents(new Map(), [event("changed", build("a"), "one"), event("changed", build("a"), "two")]);
    expect(runningOf([], latest).map(({ steps }) => steps)).to.deep.equal([["two"]]);
  });

  it("forgets the oldest of very many events", () => {
    const many = Array.from({ length: 300 }, (_, index) => event("started", build(`ref${index}`)));
    const latest = withEvents(new Map(), many);
    expect([latest.size, latest.has("ref0"), latest.has("ref299")]).to.deep.equal([200, false, true]);
  });
});

describe("firstStepsOf", () => {
  const shared = build("b", { outcome: "succeeded", counts: { ...COUNTS, warnings: 0, cachedShared: 1 } });

  it("ticks one step after the other", () => {
    const steps = (builds: readonly BuildSummary[], hadClient: boolean): readonly boolean[] =>
      Object.values(firstStepsOf(builds, hadClient)) as readonly boolean[];
    expect(steps([], false)).to.deep.equal([false, false, false]);
    expect(steps([], true)).to.deep.equal([true, false, false]);
    expect(steps([build("a")], false)).to.deep.equal([true, false, false]);
    expect(steps([build("a", { outcome: "succeeded" })], false)).to.deep.equal([true, true, false]);
    expect(steps([shared], false)).to.deep.equal([true, true, true]);
  });

  it("ends with what was shared, or with many builds", () => {
    expect([[], [build("a")], [shared], Array.from({ length: 5 }, () => build("a"))].map(isFirstUse)).to.deep.equal([
      ...[true, true, false, false],
    ]);
  });
});
