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

type CharTest = (code: number) => boolean;
/** One character by its code point, or one of several; or any number: `*` in one part of a path, `**` in many, and parts. */
type Token = number | CharTest | Wildcard;
type Wildcard = "*" | "**" | "**/";

const SLASH = 0x2f;
const BACKSLASH = 0x5c;

const codesOf = (text: string): number[] => Array.from(text, (char) => char.codePointAt(0) ?? 0);

/** @param hasDeep whether `**` is more than `*`. */
function parse(pattern: string, hasDeep: boolean): readonly Token[] {
  const codes = codesOf(pattern);
  const is = (at: number, char: string): boolean => codes[at] === char.charCodeAt(0);
  const tokens: Token[] = [];
  let openUntil = 0;
  for (let at = 0; at < codes.length;) {
    if (is(at, "*")) {
      const isDeep = hasDeep && is(at + 1, "*");
      const wildcard = isDeep ? (is(at + 2, "/") ? "**/" : "**") : "*";
      addWildcard(tokens, wildcard);
      at += wildcard.length;
      continue;
    }
    // What is open from here on is so from each bracket after it, too.
    const found = is(at, "[") && at >= openUntil ? charClass(codes, at) : undefined;
    if (found?.test !== undefined) {
      tokens.push(found.test);
      at = found.end;
      continue;
    }
    openUntil = found?.end ?? openUntil;
    const isEscape = codes[at] === BACKSLASH && at + 1 < codes.length;
    tokens.push(is(at, "?") ? notSlash : (codes[isEscape ? at + 1 : at] ?? 0));
    at += isEscape ? 2 : 1;
  }
  return tokens;
}

/** Leaves out what adds nothing to the one before it, so that wildcards never follow each other without end. */
function addWildcard(tokens: Token[], wildcard: Wildcard): void {
  const last = tokens.at(-1);
  if (last === wildcard || last === "**") return;
  if (last === "**/" && wildcard === "**") tokens.pop();
  tokens.push(wildcard);
}

const notSlash: CharTest = (code) => code !== SLASH;

interface CharClass {
  /** Undefined where nothing closes it. */
  readonly test?: CharTest;
  readonly end: number;
}

/** As in `[a-z]` and `[^\]]`. */
function charClass(codes: readonly number[], start: number): CharClass {
  const [negation, dash, closing] = codesOf("^-]");
  const isNegated = codes[start + 1] === negation;
  const ranges: (readonly [low: number, high: number])[] = [];
  let at = start + (isNegated ? 2 : 1);
  const next = (): number => {
    if (codes[at] === BACKSLASH) at += 1;
    at += 1;
    return codes[at - 1] ?? 0;
  };
  while (at < codes.length && codes[at] !== closing && codes[at] !== SLASH) {
    const low = next();
    const isRange = codes[at] === dash && codes[at + 1] !== closing;
    if (isRange) at += 1;
    ranges.push([low, isRange ? next() : low]);
  }
  if (codes[at] !== closing || ranges.length === 0) return { end: at };
  const isIn: CharTest = (code) => ranges.some(([low, high]) => low <= code && code <= high);
  return { test: (code) => code !== SLASH && isIn(code) !== isNegated, end: at + 1 };
}

function matcher(tokens: readonly Token[], coversBelow: boolean): PathTest {
  const places = new Places(tokens);
  return (path) => {
    places.start();
    for (let at = 0; at < path.length;) {
      const code = path.codePointAt(at) ?? 0;
      if (coversBelow && code === SLASH && places.hasEnd) return true;
      if (!places.take(code)) return false;
      at += code > 0xffff ? 2 : 1;
    }
    return places.hasEnd;
  };
}

/**
 * All places of a pattern that a path may have come to: the work is at most the length of the one times that of the
 * other, whatever the pattern.
 */
class Places {
  readonly #tokens: readonly Token[];
  #now: Int32Array;
  #next: Int32Array;
  #count = 0;
  #nextCount = 0;
  /** For each place, the last round that had it. */
  readonly #seenIn: Float64Array;
  #round = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#now = new Int32Array(tokens.length + 1);
    this.#next = new Int32Array(tokens.length + 1);
    this.#seenIn = new Float64Array(tokens.length + 1);
  }

  get hasEnd(): boolean {
    return this.#seenIn[this.#tokens.length] === this.#round;
  }

  start(): void {
    this.#round += 1;
    this.#enter(0);
    this.#turn();
  }

  /** @returns whether any place is left. */
  take(code: number): boolean {
    this.#round += 1;
    for (let index = 0; index < this.#count; index += 1) {
      const place = this.#now[index] ?? 0;
      const token = this.#tokens[place];
      if (typeof token === "number") {
        if (token === code) this.#enter(place + 1);
      } else if (typeof token === "function") {
        if (token(code)) this.#enter(place + 1);
      } else if (token !== undefined) {
        if (token !== "*" || code !== SLASH) this.#add(place);
        // Behind whole parts, or any number of characters.
        if (token === "**/" ? code === SLASH : token === "**" || code !== SLASH) this.#enter(place + 1);
      }
    }
    this.#turn();
    return this.#count > 0;
  }

  /** A wildcard may stand for nothing. */
  #enter(place: number): void {
    this.#add(place);
    for (let at = place; typeof this.#tokens[at] === "string"; at += 1) this.#add(at + 1);
  }

  #add(place: number): void {
    if (this.#seenIn[place] === this.#round) return;
    this.#seenIn[place] = this.#round;
    this.#next[this.#nextCount] = place;
    this.#nextCount += 1;
  }

  #turn(): void {
    [this.#now, this.#next] = [this.#next, this.#now];
    this.#count = this.#nextCount;
    this.#nextCount = 0;
  }
}
