/** Promises of what is remembered of builds. */
import { expect } from "chai";
import { OTHER_SCOPE_SHARE, Warmth, WARMTH_HALF_LIFE_MS, type WarmthKey } from "./warmth.js";

describe("Warmth", () => {
  const NOW = 1_800_000_000_000;
  const KEY = { tenant: "t", project: "git.example/a", scope: "Dockerfile" };
  let warmth: Warmth;

  beforeEach(() => {
    warmth = new Warmth();
  });

  const built = (
    address: string,
    workMs: number,
    endedAtMs = NOW,
    key: Partial<WarmthKey> = {},
    worker?: string,
  ): void => {
    warmth.built({ ...KEY, ...key, address, worker, workMs, endedAtMs });
  };
  const scores = (key: Partial<WarmthKey> = {}, nowMs = NOW): Record<string, number> =>
    Object.fromEntries(warmth.of({ ...KEY, ...key }, nowMs));

  it("is the work seen there, and keeps it when a build finds all of it", () => {
    built("a", 60_000);
    built("b", 10_000);
    built("a", 0);
    expect(scores()).to.deep.equal({ a: 60_000, b: 10_000 });
  });

  it("is of a project of a tenant", () => {
    built("a", 60_000);
    expect(scores({ project: "git.example/b" })).to.deep.equal({});
    expect(scores({ tenant: "u" })).to.deep.equal({});
  });

  it("halves with age, from the last build on, and never grows with it", () => {
    built("a", 60_000, NOW - 2 * WARMTH_HALF_LIFE_MS);
    expect(scores()).to.deep.equal({ a: 15_000 });
    built("a", 0, NOW - WARMTH_HALF_LIFE_MS);
    expect(scores()).to.deep.equal({ a: 30_000 });
    expect(scores({}, NOW - 9 * WARMTH_HALF_LIFE_MS)).to.deep.equal({ a: 60_000 });
  });

  it("counts another scope of the project less, and only the best of them", () => {
    for (const scope of ["x", "y", "z"]) built("a", 60_000, NOW, { scope });
    built("b", 50_000);
    expect(scores()).to.deep.equal({ a: 60_000 * OTHER_SCOPE_SHARE, b: 50_000 });
  });

  it("sends the second of two builds after the first, and real work before that", () => {
    warmth.placed(KEY, "a", NOW);
    expect(scores()).to.have.all.keys("a");
    built("b", 100);
    expect(scores()["b"]).to.be.greaterThan(scores()["a"] ?? Infinity);
  });

  it("forgets a builder", () => {
    built("a", 60_000);
    built("b", 10_000);
    warmth.forget("a");
    expect(scores()).to.deep.equal({ b: 10_000 });
    expect(warmth.projectsOf("a", 10)).to.be.empty;
    built("a", 5_000);
    expect(scores()).to.deep.equal({ a: 5_000, b: 10_000 });
  });

  it("forgets a builder that comes up with another worker, and keeps one that comes back", () => {
    warmth.workerIs("a", "w1");
    built("a", 60_000);
    warmth.workerIs("a", "w1");
    warmth.workerIs("a", "");
    expect(scores()).to.deep.equal({ a: 60_000 });
    warmth.workerIs("a", "w2");
    expect(scores()).to.deep.equal({});
    built("a", 60_000, NOW, {}, "w1");
    expect(scores(), "a build of the worker before").to.deep.equal({});
    built("a", 10_000, NOW, {}, "w2");
    expect(scores()).to.deep.equal({ a: 10_000 });
  });

  it("takes what was recorded before a restart for the worker that comes up, if it is the same", () => {
    for (const address of ["a", "b"]) {
      built(address, 60_000, NOW, {}, "w2");
      built(address, 90_000, NOW - 1_000, {}, "w1");
    }
    warmth.workerIs("a", "w2");
    warmth.workerIs("b", "w3");
    expect(scores()).to.deep.equal({ a: 60_000 });
  });

  it("lists the projects of a builder, latest first", () => {
    built("a", 60_000, NOW - 3_000);
    built("a", 10_000, NOW - 2_000, { scope: "other" });
    built("a", 10_000, NOW - 1_000, { project: "git.example/b" });
    built("b", 10_000, NOW, { project: "git.example/c" });
    warmth.placed({ ...KEY, project: "git.example/d" }, "a", NOW);
    const [b, a] = [
      { project: "git.example/b", lastBuiltAtMs: NOW - 1_000, builds: 1 },
      { project: "git.example/a", lastBuiltAtMs: NOW - 2_000, builds: 2 },
    ];
    expect(warmth.projectsOf("a", 10)).to.deep.equal([b, a]);
    expect(warmth.projectsOf("a", 1)).to.deep.equal([b]);
  });

  it("keeps a few traces of a project, the latest", () => {
    for (let n = 0; n < 100; n++) built(`builder-${n}`, 60_000, NOW + n);
    const kept = Object.keys(scores({}, NOW));
    expect(kept).to.have.length(16);
    expect(kept).to.include("builder-99").and.not.to.include("builder-0");
  });

  it("keeps traces of builders that live before those of builders that do not", () => {
    for (let n = 0; n < 10; n++) built(`builder-${n}`, 60_000, NOW + n);
    for (let n = 1; n < 10; n++) warmth.forget(`builder-${n}`);
    for (let n = 10; n < 25; n++) built(`builder-${n}`, 60_000, NOW + n);
    expect(scores()).to.include.keys("builder-0");
  });
});
