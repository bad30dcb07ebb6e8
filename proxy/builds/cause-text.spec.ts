import { expect } from "chai";
import type { ChangedFile, FileChange } from "./build-record.js";
import { filesHint, filesText, nameList, timeText, touchedText } from "./cause-text.js";

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
    const changed = [...files("content", "a"), ...files("size", "b")];
    expect(filesText(changed, "x")).to.equal("the files a and b in x changed");
  });

  it("tells changes of several kinds apart", () => {
    const mixed = [
      ...files("added", "a"),
      ...files("size", "b"),
      ...files("removed", "c", "d"),
      ...files("content", "e"),
    ];
    expect(filesText(mixed, "x")).to.equal("in x, a is new, b and e changed and c and d are gone");
  });

  it("shows where a link led and leads", () => {
    const link: ChangedFile = { path: "l", change: "link", before: "a", after: "b" };
    expect(filesText([link], "x")).to.equal("the file l in x links to something else: a became b");
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
    ["the Dockerfile alone", files("content", "Dockerfile"), /^Add Dockerfile to \.dockerignore/],
    ["the Dockerfile and a source", files("content", "Dockerfile", "main.c"), /^$/],
    [
      "what .dockerignore left out",
      [...files("added", ".dockerignore"), ...files("removed", "b")],
      /what is gone may be/,
    ],
    ["what it leaves in", [...files("content", ".dockerignore"), ...files("added", "b")], /what is new may be/],
    [
      "many files",
      files("content", ...Array.from({ length: 50_000 }, (_, index) => `.git/${index}`)),
      /such as \.git\//,
    ],
    ["sources", files("content", "src/main.c", "gitlog"), /^$/],
    ["nothing", [], /^$/],
  ];
  for (const [what, changed, hint] of cases) {
    it(`has the right one for ${what}`, () => {
      expect(filesHint(changed)).to.match(hint);
    });
  }
});

describe("touchedText", () => {
  it("counts files whose time is no reason", () => {
    expect(touchedText(0)).to.equal("");
    expect(touchedText(1)).to.match(/^1 other file has only another modification time/);
    expect(touchedText(2)).to.match(/^2 other files have only another modification time/);
  });
});
