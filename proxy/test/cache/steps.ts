/** What plain progress says of a build's steps. */

export interface Steps {
  /** Taken from a cache: `lib 1/2` and the like, sorted. */
  readonly cached: readonly string[];
  /** Made, or fetched from a cache together with its files. */
  readonly done: readonly string[];
}

export function stepsOf(stderr: string): Steps {
  const names = new Map<string, string>();
  const ends = new Map<string, string>();
  for (const line of stderr.split("\n")) {
    const [, number = "", text = ""] = /^#(\d+) (.*)$/.exec(line) ?? [];
    const [, name] = /^\[(.*\d+\/\d+)\] [A-Z]+ /.exec(text) ?? [];
    if (name !== undefined) names.set(number, name);
    else if (/^(CACHED|DONE)\b/.test(text)) ends.set(number, text);
  }
  const ended = (how: string): string[] =>
    [...names].flatMap(([number, name]) => (ends.get(number)?.startsWith(how) === true ? [name] : [])).sort();
  return { cached: ended("CACHED"), done: ended("DONE") };
}

/** The words that follow "ran" in the output of RUN steps: those that were run, rather than taken from a cache. */
export function ranOf(stderr: string): string[] {
  return Array.from(stderr.matchAll(/^#\d+ [\d.]+ ran (\w+)$/gm), ([, name = ""]) => name).sort();
}
