import { expect } from "chai";
import type { ChangedFile, FileChange } from "./build-record.js";
import { filesHint, filesText, nameList, timeText } from "./cause-text.js";

const files = (change: FileChange, ...paths: string[]): ChangedFile[] =>
  paths.map((path) => ({ path, change, before: "", after: "" }));

describe("nameList", () => {
  const cases: readonly (readonly [names: string, text: string])[] = [
    ["a", "a"],
    ["a b", "a and b"],
    ["a b c", "a, b and c"],
    ["a b c d e", "a, b, c and 2 more"],
  ];
  for (const [names, text] of cases) {
    it(`says "${text}"`, () => {
      expect(nameList(names.split(" "))).to.equal(text);
    });
  }
});

describe("timeText", () => {
  it("says when, in UTC, and takes any number", () => {
    expect(timeText(1_800_000_000_000)).to.equal("2027-01-15 08:00 UTC");
    expect(timeText(Infinity)).to.equal("an unknown time");
  });
});

describe("filesText", () => {
  it("says what happened to one file, and to several", () => {
    expect(filesText(files("added", "a"), "x")).to.equal("the file a in x is new");
    expect(filesText(files("removed", "a", "b"), "x")).to.equal("the files a and b in x are gone");
    expect(filesText([...files("added", "a"), ...files("size", "b")], "x")).to.equal("the files a and b in x changed");
  });
});

describe("filesHint", () => {
  const cases: readonly (readonly [what: string, files: readonly ChangedFile[], hint: RegExp])[] = [
    ["modes", files("mode", "a", "b"), /umask.*--chmod/],
    ["owners", files("owner", "a"), /--chown/],
    ["both", [...files("owner", "a"), ...files("mode", "b")], /--chmod and --chown/],
    [
      "what no image needs",
      files("content", ".git/HEAD", "src/.DS_Store"),
      /^Add \.git\/ and \.DS_Store to \.dockerignore/,
    ],
    [
      "some of that",
      files("content", ".git/HEAD", "main.c"),
      /^Some of it belongs into \.dockerignore, such as \.git\//,
    ],
    ["a build's output", files("content", "web/dist/app.js"), /^If dist\/ is made by a build/],
    ["sources", files("content", "src/main.c", "gitlog"), /^$/],
    ["nothing", [], /^$/],
  ];
  for (const [what, changed, hint] of cases) {
    it(`has the right one for ${what}`, () => {
      expect(filesHint(changed)).to.match(hint);
    });
  }
});
