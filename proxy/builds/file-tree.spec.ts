import { expect } from "chai";
import fc from "fast-check";
import type { ListedFile } from "./build-record.js";
import { FileTree, type Selection } from "./file-tree.js";

const FOLDER = 0x80000000 + 0o755;
const LINK = (1 << 27) + 0o777;

const file = (path: string, more: Partial<ListedFile> = {}): ListedFile => ({
  ...{
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 1,
    modifiedAtMs: 1,
    linkname: "",
    contentHash: "",
    wasRequested: true,
  },
  ...more,
});

const TREE = new FileTree([
  file("a.txt"),
  file("b.md"),
  file("lib", { mode: FOLDER }),
  file("lib-x"),
  file("lib/deep", { mode: FOLDER }),
  file("lib/deep/z.js"),
  file("lib/skip.md"),
  file("lib/x.js"),
  file("current", { mode: LINK, linkname: "lib/deep" }),
  file("loop", { mode: LINK, linkname: "loop" }),
  file("x[1].txt"),
]);

const select = (path: string, more: Partial<Selection> = {}): string[] =>
  TREE.select({ path, includePatterns: [], excludePatterns: [], ...more }).map((one) => one.path);

describe("FileTree", () => {
  const cases: readonly (readonly [path: string, taken: readonly string[]])[] = [
    ["/a.txt", ["a.txt"]],
    ["/lib", ["lib", "lib/deep", "lib/deep/z.js", "lib/skip.md", "lib/x.js"]],
    ["/lib/", ["lib", "lib/deep", "lib/deep/z.js", "lib/skip.md", "lib/x.js"]],
    ["/lib/../a.txt", ["a.txt"]],
    ["/nothing", []],
    ["/*.md", ["b.md"]],
    ["/lib/*.js", ["lib/x.js"]],
    ["/lib/*", ["lib/deep", "lib/deep/z.js", "lib/skip.md", "lib/x.js"]],
    ["/l?b/[w-y].js", ["lib/x.js"]],
    ["/l?b/[^w-y].js", []],
    ["/*/z.js", []],
    ["/*/*/z.js", ["lib/deep/z.js"]],
    ["/current", ["lib/deep", "lib/deep/z.js"]],
    ["/current/z.js", ["lib/deep/z.js"]],
    ["/c*t", ["lib/deep", "lib/deep/z.js"]],
    ["/loop", ["loop"]],
    [String.raw`/x\[1\].txt`, ["x[1].txt"]],
    ["/x[", []],
  ];
  for (const [path, taken] of cases) {
    it(`takes ${taken.length === 0 ? "nothing" : taken.join(", ")} for ${path}`, () => {
      expect(select(path)).to.deep.equal(taken);
    });
  }

  it("takes all for /", () => {
    expect(select("/")).to.have.length(11);
  });

  it("leaves out what is excluded, and what is below it", () => {
    expect(select("/lib", { excludePatterns: ["**/*.md", "deep"] })).to.deep.equal(["lib", "lib/x.js"]);
    expect(select("/lib", { excludePatterns: ["*", "!x.js"] })).to.deep.equal(["lib", "lib/x.js"]);
  });

  it("takes what is included, with the folders on the way to it", () => {
    expect(select("/", { includePatterns: ["lib/deep/*.js"] })).to.deep.equal(["lib", "lib/deep", "lib/deep/z.js"]);
    expect(select("/", { includePatterns: ["**/x.js"] })).to.deep.equal(["lib", "lib/x.js"]);
  });

  it("knows the links that lead to what it takes", () => {
    expect(TREE.linksTo({ path: "/current/z.js" })).to.deep.equal(["current"]);
    expect(TREE.linksTo({ path: "/c*t" })).to.deep.equal(["current"]);
    expect(TREE.linksTo({ path: "/lib" })).to.deep.equal([]);
    expect(TREE.at(["current", "nothing"]).map(({ linkname }) => linkname)).to.deep.equal(["lib/deep"]);
  });

  it("never throws, and takes only what there is, in order, whatever the patterns", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "lib", "/", "*", "?", "[", "]", "\\", "!", "^", "-", ".", "**/"),
    });
    fc.assert(
      fc.property(text, fc.array(text), fc.array(text), (path, includePatterns, excludePatterns) => {
        const taken = select(path, { includePatterns, excludePatterns });
        expect(select("/")).to.include.members(taken);
        expect(taken).to.deep.equal([...new Set(taken)].sort());
      }),
    );
  });
});
