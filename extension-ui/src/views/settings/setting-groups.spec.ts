/** Topics and search of settings. */
import { expect } from "chai";
import { OPTIONS } from "../../../../proxy/config/options.js";
import { groupSettings, type Setting } from "./setting-groups.js";

const settings: readonly Setting[] = OPTIONS.map(({ defaults, help, isChangeable, name, value }) => ({
  name,
  flag: `--${name}`,
  env: `MEMOBUILD_${name.toUpperCase().replaceAll("-", "_")}`,
  help,
  value: value ?? "",
  isRepeatable: false,
  choices: [],
  texts: [...defaults],
  source: "default",
  origin: "",
  configured: [...defaults],
  isChangeable: isChangeable === true,
}));

const namesOf = (search: string): readonly string[] =>
  groupSettings(settings, search).flatMap((group) => group.settings.map(({ name }) => name));

describe("groupSettings", () => {
  it("has a topic for every option that there is", () => {
    expect(groupSettings(settings, "").map(({ title }) => title)).not.to.include("Other");
    expect(namesOf("")).to.have.members(settings.map(({ name }) => name));
  });

  it("keeps options that it does not know", () => {
    const [known] = settings;
    if (known === undefined) throw new Error("no options");
    expect(groupSettings([{ ...known, name: "novel" }], "").map(({ title }) => title)).to.deep.equal(["Other"]);
  });

  it("puts what can be changed first", () => {
    const [cache] = groupSettings(settings, "").filter(({ title }) => title === "Shared cache");
    const changeable = cache?.settings.map(({ isChangeable }) => isChangeable) ?? [];
    expect(changeable.lastIndexOf(true)).to.be.lessThan(changeable.indexOf(false));
  });

  it("finds by name, help, variable and value, every word of it", () => {
    expect(namesOf("max-age")).to.have.members(["cache-max-age", "history-max-age"]);
    expect(namesOf("MEMOBUILD_HTTP")).to.deep.equal(["http"]);
    expect(namesOf("30d unused")).to.deep.equal([]);
    expect(namesOf("  30D  keeps ")).to.deep.equal([]);
    expect(namesOf("30d kept")).to.include("cache-max-age");
  });
});
