/** Patterns of paths: those of COPY sources as Go's `path.Match` has them, and those of .dockerignore. */

export type PathTest = (path: string) => boolean;

/** As BuildKit asks whether a source of COPY is a pattern. */
export function hasWildcards(text: string): boolean {
  return /^(?:[^*?[\\]|\\.?)*[*?[]/s.test(text);
}

/** No part of a pattern matches a slash. A pattern that is malformed matches only itself. */
export function matchPath(pattern: string): PathTest {
  return test(pattern, (rest) => (rest.startsWith("*") ? ["[^/]*", 1] : undefined), "$");
}

/**
 * As in .dockerignore: a pattern covers what lies below a folder that it matches, `**` stands for any number of folders,
 * and one with `!` takes back what those before it covered.
 */
export function matchPatterns(patterns: readonly string[]): PathTest {
  const tests = patterns.flatMap((text) => {
    const trimmed = text.trim();
    const isException = trimmed.startsWith("!");
    const pattern = cleanPath(isException ? trimmed.slice(1) : trimmed);
    return pattern === "" ? [] : [{ isException, matches: test(pattern, stars, "(?:/|$)") }];
  });
  return (path) => {
    let isCovered = false;
    for (const { isException, matches } of tests)
      if (isException === isCovered && matches(path)) isCovered = !isCovered;
    return isCovered;
  };
}

/** Without empty parts, "." and "..", as far as these lead nowhere. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** The regular expression for what a text begins with, and how much of it that was. */
type Wildcard = (rest: string) => readonly [expression: string, chars: number] | undefined;

const stars: Wildcard = (rest) => {
  if (rest.startsWith("**/")) return ["(?:.*/)?", 3];
  if (rest.startsWith("**")) return [".*", 2];
  return rest.startsWith("*") ? ["[^/]*", 1] : undefined;
};

function test(pattern: string, wildcard: Wildcard, end: string): PathTest {
  let expression = "^";
  for (let at = 0; at < pattern.length;) {
    const rest = pattern.slice(at);
    const [piece, chars] = wildcard(rest) ?? question(rest) ?? charClass(rest) ?? literal(rest);
    expression += piece;
    at += chars;
  }
  try {
    const compiled = new RegExp(expression + end, "s");
    return (path) => compiled.test(path);
  } catch {
    return (path) => path === pattern;
  }
}

const question: Wildcard = (rest) => (rest.startsWith("?") ? ["[^/]", 1] : undefined);

const charClass: Wildcard = (rest) => {
  const found = /^\[(\^?)((?:\\.|[^\]\\])+)\]/s.exec(rest);
  if (found === null) return undefined;
  const [whole, negation = "", ranges = ""] = found;
  return [
    `(?!/)[${negation}${ranges.replaceAll(/\[|\\(.)/gs, (piece, escaped?: string) => `\\${escaped ?? piece}`)}]`,
    whole.length,
  ];
};

function literal(rest: string): readonly [string, number] {
  const [whole, escaped] = /^\\(.)/s.exec(rest) ?? [rest.charAt(0), undefined];
  return [(escaped ?? whole).replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`), whole.length];
}
