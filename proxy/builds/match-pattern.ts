/** Patterns of paths: those of COPY sources as Go's `path.Match` has them, and those of .dockerignore. */

export type PathTest = (path: string) => boolean;

/** As BuildKit asks whether a source of COPY is a pattern. */
export function hasWildcards(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "*" || char === "?" || char === "[") return true;
    if (char === "\\") at += 1;
  }
  return false;
}

/** No part of a pattern matches a slash. A bracket or a backslash that is left open stands for itself. */
export function matchPath(pattern: string): PathTest {
  return matcher(parse(pattern, false), false);
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
    return pattern === "" ? [] : [{ isException, matches: matcher(parse(pattern, true), true) }];
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

type CharTest = (char: string) => boolean;
/** One character; or any number of them: `*` in one part of a path, `**` in many, and of whole parts. */
type Token = CharTest | "*" | "**" | "**/";

/** @param hasDeep whether `**` is more than `*`. */
function parse(pattern: string, hasDeep: boolean): readonly Token[] {
  const chars = [...pattern];
  const tokens: Token[] = [];
  let openUntil = 0;
  for (let at = 0; at < chars.length;) {
    const char = chars[at] ?? "";
    if (char === "*") {
      const isDeep = hasDeep && chars[at + 1] === "*";
      const isWhole = isDeep && chars[at + 2] === "/";
      addWildcard(tokens, isWhole ? "**/" : isDeep ? "**" : "*");
      at += isWhole ? 3 : isDeep ? 2 : 1;
      continue;
    }
    // What is open from here on is so from each bracket after it, too.
    const found = char === "[" && at >= openUntil ? charClass(chars, at) : undefined;
    if (found?.test !== undefined) {
      tokens.push(found.test);
      at = found.end;
      continue;
    }
    openUntil = found?.end ?? openUntil;
    const isEscape = char === "\\" && at + 1 < chars.length;
    tokens.push(char === "?" ? notSlash : literal(chars[isEscape ? at + 1 : at] ?? ""));
    at += isEscape ? 2 : 1;
  }
  return tokens;
}

/** Leaves out what adds nothing to the one before it, so that wildcards never follow each other without end. */
function addWildcard(tokens: Token[], wildcard: "*" | "**" | "**/"): void {
  const last = tokens.at(-1);
  if (last === wildcard || last === "**") return;
  if (last === "**/" && wildcard === "**") tokens.pop();
  tokens.push(wildcard);
}

const notSlash: CharTest = (char) => char !== "/";
const literal =
  (wanted: string): CharTest =>
  (char) =>
    char === wanted;

interface CharClass {
  /** Undefined where nothing closes it. */
  readonly test?: CharTest;
  readonly end: number;
}

/** As in `[a-z]` and `[^\]]`. */
function charClass(chars: readonly string[], start: number): CharClass {
  const isNegated = chars[start + 1] === "^";
  const first = start + (isNegated ? 2 : 1);
  const ranges: (readonly [low: string, high: string])[] = [];
  let at = first;
  const next = (): string => {
    if (chars[at] === "\\") at += 1;
    at += 1;
    return chars[at - 1] ?? "";
  };
  while (at < chars.length && chars[at] !== "]" && chars[at] !== "/") {
    const low = next();
    const isRange = chars[at] === "-" && chars[at + 1] !== "]";
    if (isRange) at += 1;
    ranges.push([low, isRange ? next() : low]);
  }
  if (chars[at] !== "]" || ranges.length === 0) return { end: at };
  const isIn: CharTest = (char) => ranges.some(([low, high]) => isBetween(low, char, high));
  return { test: (char) => char !== "/" && isIn(char) !== isNegated, end: at + 1 };
}

function isBetween(low: string, char: string, high: string): boolean {
  const point = char.codePointAt(0) ?? 0;
  return point >= (low.codePointAt(0) ?? 0) && point <= (high.codePointAt(0) ?? 0);
}

/**
 * Keeps all places of the pattern that the path may have come to: the work is at most the length of the one times that of
 * the other, whatever the pattern.
 */
function matcher(tokens: readonly Token[], coversBelow: boolean): PathTest {
  const seenIn = new Float64Array(tokens.length + 1);
  let round = 0;
  let [places, ahead]: [number[], number[]] = [[], []];
  const add = (place: number): void => {
    if (seenIn[place] === round) return;
    seenIn[place] = round;
    ahead.push(place);
  };
  // A wildcard may stand for nothing.
  const enter = (place: number): void => {
    add(place);
    for (let at = place; typeof tokens[at] === "string"; at += 1) add(at + 1);
  };
  const turn = (): void => {
    [places, ahead] = [ahead, places];
    ahead.length = 0;
    round += 1;
  };
  const take = (place: number, char: string): void => {
    const token = tokens[place];
    if (token === "**/") {
      add(place);
      if (char === "/") enter(place + 1);
    } else if (token === "**" || (token === "*" && char !== "/")) enter(place);
    else if (typeof token === "function" && token(char)) enter(place + 1);
  };
  return (path) => {
    round += 1;
    ahead.length = 0;
    enter(0);
    turn();
    for (const char of path) {
      if (coversBelow && char === "/" && places.includes(tokens.length)) return true;
      for (const place of places) take(place, char);
      turn();
      if (places.length === 0) return false;
    }
    return places.includes(tokens.length);
  };
}
