/** Changes that are typed but not saved. */
import { expect } from "chai";
import { asConfigured, canUndo, changesOf, refusalOf, shownText, withText } from "./draft.js";
import type { Setting } from "./setting-groups.js";

const age: Setting = {
  name: "cache-max-age",
  flag: "--cache-max-age",
  env: "MEMOBUILD_CACHE_MAX_AGE",
  help: "how long",
  value: "duration",
  isRepeatable: false,
  choices: [],
  texts: ["30d"],
  source: "default",
  origin: "",
  configured: ["30d"],
  isChangeable: true,
};
const changedAge: Setting = { ...age, texts: ["7d"], source: "runtime" };
const unset: Setting = { ...age, name: "cache-max-bytes", flag: "--cache-max-bytes", texts: [], configured: [] };
const inFile: Setting = {
  ...age,
  name: "cache-hard-max-bytes",
  flag: "--cache-hard-max-bytes",
  env: "MEMOBUILD_CACHE_HARD_MAX_BYTES",
  source: "file",
  origin: "memobuild.yaml:3: cache-hard-max-bytes",
};

describe("withText", () => {
  it("keeps what differs and forgets what does not", () => {
    const draft = withText({}, age, "7d");
    expect(draft).to.deep.equal({ "cache-max-age": "7d" });
    expect(shownText(age, draft)).to.equal("7d");
    expect(withText(draft, age, "30d")).to.deep.equal({});
  });

  it("takes an emptied field for undone where nothing is configured", () => {
    expect(withText({}, { ...unset, texts: ["5GiB"], source: "runtime" }, "")).to.deep.equal({
      "cache-max-bytes": null,
    });
    expect(withText({ "cache-max-bytes": "5" }, unset, "")).to.deep.equal({});
  });

  it("leaves an emptied field to the server where something is configured", () => {
    expect(withText({}, age, "")).to.deep.equal({ "cache-max-age": "" });
  });
});

describe("asConfigured", () => {
  it("undoes what is changed at run time", () => {
    const draft = asConfigured({ "cache-max-age": "8d" }, changedAge);
    expect(draft).to.deep.equal({ "cache-max-age": null });
    expect(shownText(changedAge, draft)).to.equal("30d");
    expect([canUndo(changedAge, {}), canUndo(changedAge, draft)]).to.deep.equal([true, false]);
  });

  it("forgets what was only typed", () => {
    expect(asConfigured({ "cache-max-age": "8d" }, age)).to.deep.equal({});
    expect([canUndo(age, {}), canUndo(age, { "cache-max-age": "8d" })]).to.deep.equal([false, true]);
  });
});

describe("changesOf", () => {
  it("leaves out what is so by now, and what cannot be changed", () => {
    const draft = { "cache-max-age": "7d" };
    expect(changesOf([age], draft)).to.deep.equal(draft);
    expect(changesOf([changedAge], draft)).to.deep.equal({});
    expect(changesOf([{ ...age, isChangeable: false }], draft)).to.deep.equal({});
    expect(changesOf([age], { "cache-max-age": null })).to.deep.equal({});
    expect(changesOf([changedAge], { "cache-max-age": null })).to.deep.equal({ "cache-max-age": null });
  });
});

describe("refusalOf", () => {
  it("finds the option of each line, however it is named", () => {
    const message = [
      '--cache-max-age: "x" is not a duration',
      "memobuild.yaml:3: cache-hard-max-bytes: 1GB is less than 2GB",
      "--cache-max-bytes (default): too much",
      "--nosuch: there is no such option",
    ].join("\n");
    expect(refusalOf(message, [age, unset, inFile])).to.deep.equal({
      byName: {
        "cache-max-age": '"x" is not a duration',
        "cache-hard-max-bytes": "1GB is less than 2GB",
        "cache-max-bytes": "too much",
      },
      others: ["--nosuch: there is no such option"],
    });
  });
});
