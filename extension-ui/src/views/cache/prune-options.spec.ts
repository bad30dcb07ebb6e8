/** What is typed about a prune. */
import { expect } from "chai";
import { asPreviewed, bytesFrom, durationMsFrom, NO_FIELDS, readFields } from "./prune-options.js";

describe("durationMsFrom", () => {
  it("reads a whole number with a unit", () => {
    expect(durationMsFrom("7d")).to.equal(604_800_000);
    expect(durationMsFrom("12h")).to.equal(43_200_000);
  });

  it("takes nothing else", () => {
    for (const text of ["", "7", "d", "-1d", "1.5h", "7 d", "7dd", "7x", "999999999999w"]) {
      expect(durationMsFrom(text), text).to.equal(undefined);
    }
  });
});

describe("bytesFrom", () => {
  it("reads the units of BuildKit in any spelling", () => {
    for (const text of ["20g", "20GB", "20GiB"]) expect(bytesFrom(text), text).to.equal(20 * 1024 ** 3);
    expect(bytesFrom("1.5k")).to.equal(1536);
    expect(bytesFrom("0b")).to.equal(0);
  });

  it("takes no number without a unit", () => {
    for (const text of ["", "20", "gb", "-1gb", "1bb", "20 GB"]) expect(bytesFrom(text), text).to.equal(undefined);
  });
});

describe("readFields", () => {
  it("sets no limit for what is empty", () => {
    expect(readFields(NO_FIELDS)).to.deep.equal({ options: {}, problems: {} });
  });

  it("gives what is typed as the API takes it", () => {
    const { options, problems } = readFields({ unusedFor: " 1d ", project: " app ", keep: "1k", minFree: "2k" });
    expect(options).to.deep.equal({ unusedForMs: 86_400_000, project: "app", keepBytes: 1024, minFreeBytes: 2048 });
    expect(problems).to.deep.equal({});
  });

  it("tells which field is wrong", () => {
    const { problems } = readFields({ unusedFor: "soon", project: "", keep: "20", minFree: "all" });
    expect(Object.keys(problems)).to.deep.equal(["unusedFor", "keep", "minFree"]);
  });
});

describe("asPreviewed", () => {
  it("asks for a longer time by what has passed since the preview", () => {
    expect(asPreviewed({ unusedForMs: 1000, project: "app" }, 50, 80)).to.deep.equal({
      unusedForMs: 1030,
      project: "app",
    });
  });

  it("leaves options without a time as they are, and a clock that went back alone", () => {
    expect(asPreviewed({ keepBytes: 1 }, 50, 80)).to.deep.equal({ keepBytes: 1 });
    expect(asPreviewed({ unusedForMs: 1000 }, 80, 50)).to.deep.equal({ unusedForMs: 1000 });
  });
});
