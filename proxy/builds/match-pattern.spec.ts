import { expect } from "chai";
import fc from "fast-check";
import { cleanPath, hasWildcards, matchPath, matchPatterns } from "./match-pattern.js";

/** As slow as can be: tries everything. `**` only where it is told. */
function slowMatch(pattern: string, path: string, hasDeep: boolean): boolean {
  if (pattern === "") return path === "";
  const later = (rest: string, ends: (end: number) => boolean): boolean =>
    Array.from(path + "x", (_, end) => end).some((end) => ends(end) && slowMatch(rest, path.slice(end), hasDeep));
  if (hasDeep && pattern.startsWith("**/")) return later(pattern.slice(3), (end) => end === 0 || path[end - 1] === "/");
  if (hasDeep && pattern.startsWith("**")) return later(pattern.slice(2), () => true);
  if (pattern.startsWith("*")) return later(pattern.slice(1), (end) => !path.slice(0, end).includes("/"));
  if (path === "") return false;
  const isTaken = pattern.startsWith("?") ? path[0] !== "/" : path[0] === pattern[0];
  return isTaken && slowMatch(pattern.slice(1), path.slice(1), hasDeep);
}

const isCoveredSlowly = (pattern: string, path: string): boolean =>
  Array.from(path.split("/"), (_, index) => path.split("/").slice(0, index + 1)).some((parts) =>
    slowMatch(pattern, parts.join("/"), true),
  );

const text = (maxLength: number, ...units: string[]): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...units), maxLength });
const PATHS = text(7, "a", "b", "/").map(cleanPath);

describe("matchPath", () => {
  const cases: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
    ["*.js", "a.js", true],
    ["*.js", "a/b.js", false],
    ["**", "a/b", false],
    ["[a-c]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["[^a-c]", "/", false],
    [String.raw`[\]\-]`, "-", true],
    [String.raw`\*`, "*", true],
    [String.raw`\*`, "a", false],
    ["[z-a]", "m", false],
    ["a[", "a[", true],
    ["[]", "[]", true],
    ["a\\", "a\\", true],
    ["a.c", "abc", false],
    ["?", "💾", true],
  ];
  for (const [pattern, path, matches] of cases) {
    it(`${matches ? "takes" : "does not take"} ${path} for ${pattern}`, () => {
      expect(matchPath(pattern)(path)).to.equal(matches);
    });
  }

  it("agrees with a slow model", () => {
    fc.assert(
      fc.property(text(7, "a", "b", "/", "*", "?"), PATHS, (pattern, path) => {
        expect(matchPath(pattern)(path)).to.equal(slowMatch(pattern, path, false));
      }),
      { numRuns: 500 },
    );
  });

  it("takes no time that grows with the number of stars", () => {
    const startedAtMs = performance.now();
    for (const unit of ["*a", "*?", "*", "[", "[a-b]*", "\\"]) {
      const pattern = `x${unit.repeat(200 / unit.length)}*b`;
      expect(matchPath(pattern)(`x${"a".repeat(1000)}`)).to.equal(false);
      expect(matchPatterns([pattern, `**/${pattern}`])("a/".repeat(500))).to.equal(false);
    }
    for (const unit of ["[", "[a", String.raw`[\]`]) expect(matchPath(unit.repeat(100_000))("a")).to.equal(false);
    expect(performance.now() - startedAtMs).to.be.lessThan(1000);
  });
});

describe("matchPatterns", () => {
  const cases: readonly (readonly [patterns: string, path: string, isCovered: boolean])[] = [
    ["lib", "lib/deep/x", true],
    ["lib", "library", false],
    ["/lib/", "lib/x", true],
    ["**/*.md", "a/b/c.md", true],
    ["**/*.md", "c.md", true],
    ["**.md", "a/c.md", true],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**", "a", false],
    ["a/**", "a/x", true],
    ["* !keep", "keep", false],
    ["* !keep keep/not", "keep/not", true],
    ["! .", "a", false],
  ];
  for (const [patterns, path, isCovered] of cases) {
    it(`${isCovered ? "covers" : "does not cover"} ${path} by ${patterns}`, () => {
      expect(matchPatterns(patterns.split(" "))(path)).to.equal(isCovered);
    });
  }

  it("agrees with a slow model, also when it is asked again", () => {
    const patterns = text(8, "a", "b", "/", "*", "**/", "?").map(cleanPath);
    fc.assert(
      fc.property(patterns, PATHS, PATHS, (pattern, path, other) => {
        const covers = matchPatterns([pattern]);
        for (const asked of [path, other])
          expect(covers(asked), asked).to.equal(pattern !== "" && isCoveredSlowly(pattern, asked));
      }),
      { numRuns: 500 },
    );
  });
});

describe("hasWildcards", () => {
  it("sees wildcards that are not escaped", () => {
    for (const pattern of ["*", "a?", "[", String.raw`\\*`]) expect(hasWildcards(pattern), pattern).to.equal(true);
    for (const path of ["", "a]", String.raw`\*`, String.raw`\\`, "\\"])
      expect(hasWildcards(path), path).to.equal(false);
  });

  it("looks at each character once", () => {
    expect(hasWildcards(`${"\\".repeat(1_000_000)}x`)).to.equal(false);
  });
});
