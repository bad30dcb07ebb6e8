/** Reduces what buildx prints to what must be equal in two runs of the same build: no times, no numbering, no random ids. */

/** Parts of a line that differ from run to run. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  // eslint-disable-next-line no-control-regex -- colours, which one message has always, start with an escape character
  [/\u001b\[\d+m/g, ""],
  [/^#\d+ /, ""],
  // The time of a log line in its step, and the time that a step took.
  [/^\d+\.\d+ /, ""],
  [/ \d+\.\d+s\b/g, ""],
  [/\b\d+(\.\d+)?(ns|µs|ms|s)\b/g, "TIME"],
  [/\b\d{4}-\d{2}-\d{2}[T ][\d:.]+( ?(Z|UTC|[+-]\d{2}:?\d{2}))*/g, "DATE"],
  [/\b((Less than|About) an? |\d+ )(second|minute)s? ago\b/g, "AGO"],
  [/\b[a-z0-9]{25}\b/g, "ID"],
  [/\blocal:\d+\b/g, "local:ID"],
  [/\b127\.0\.0\.1:\d+/g, "REGISTRY"],
];

/** Shown only when there is time for it: how far something has come, what was fetched ahead, a warning among the steps. */
const OCCASIONAL: readonly RegExp[] = [
  /^(\.\.\.)?$/,
  / \/ \d/,
  /^(transferring|sending|preparing|exporting|rewriting|resolve|writing|copying|pushing) (?!.*done$)/,
  /^extracting /,
  /^WARN: /,
];

export function withoutVarying(line: string): string {
  return VARYING.reduce((text, [pattern, by]) => text.replace(pattern, by), line.trimEnd());
}

/** The step in which a build imports the shared cache: the one line that MemoBuild adds to what users see. */
const OUR_IMPORT = /importing cache manifest from 127\.0\.0\.1:\d+\/[0-9a-f]{32}\/cache@sha256:[0-9a-f]{64}$/;

export const isOurImport = (name: string): boolean => OUR_IMPORT.test(name);

/** Plain progress without the step in which the shared cache is imported; that it failed would still be seen. */
export function withoutOurImport(progress: string): string {
  const lines = progress.split("\n");
  const ours = new Set(lines.filter(isOurImport).map((line) => /^#\d+ /.exec(line)?.[0]));
  const isOurs = (line: string): boolean => ours.has(/^#\d+ /.exec(line)?.[0]) && !line.includes("ERROR");
  return lines.filter((line) => !isOurs(line)).join("\n");
}

/** The lines of plain progress as a sorted set, since independent steps print in any order. */
export function progressOf(stderr: string): string[] {
  const lines = withoutOurImport(stderr)
    .split("\n")
    .map((line) => withoutVarying(line).replace(/^ +- /, "- "));
  return [...new Set(lines.filter((line) => !OCCASIONAL.some((pattern) => pattern.test(line))))].sort();
}

/** What stands below the progress: the error of a failed build with its excerpt of the Dockerfile, in order. */
export function errorOf(stderr: string): string[] {
  // buildx prints its warnings at any time.
  const lines = stderr
    .split("\n")
    .map(withoutVarying)
    .filter((line) => line !== "" && !line.startsWith("WARNING: "));
  const end = lines.lastIndexOf("------");
  const from = end === -1 ? lines.findIndex((line) => /^(ERROR|Dockerfile:\d)/.test(line)) : end + 1;
  return from === -1 ? [] : lines.slice(from);
}

/** The rows of a table. Columns are as wide as their widest value; sizes on disk hold metadata of varying length. */
export function rowsOf(text: string): string[] {
  const rows = text.split("\n").map((line) => withoutVarying(line.replaceAll(/\s+/g, " ")).trim());
  return rows.map((row) => row.replaceAll(/\b[1-9][\d.]*[kMG]?i?B\b/g, "SIZE")).filter((row) => row !== "");
}
