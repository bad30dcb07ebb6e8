/** Words for why steps ran: lists of names and files, times, and hints. */
import type { ChangedFile, StepRecord } from "./build-record.js";
import { cleanPath, matchPatterns } from "./match-pattern.js";

const NAMES_SHOWN = 3;
const LABEL_MAX_CHARS = 120;

/** A step's name, short enough for the middle of a sentence. */
export function label({ name }: Pick<StepRecord, "name">): string {
  return name.length > LABEL_MAX_CHARS ? `${name.slice(0, LABEL_MAX_CHARS - 1)}…` : name;
}

/** "a", "a and b", "a, b, c and 4 more". */
export function nameList(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN);
  const more = names.length - shown.length;
  if (more > 0) shown.push(`${more} more`);
  const last = shown.pop() ?? "";
  return shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
}

/** Of the wall clock, in UTC. */
export function timeText(atMs: number): string {
  const time = new Date(atMs);
  return Number.isNaN(time.getTime()) ? "an unknown time" : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const WHAT_CHANGED: Readonly<Record<ChangedFile["change"], string>> = {
  added: "is new",
  removed: "is gone",
  type: "is of another type",
  link: "links to something else",
  size: "changed",
  content: "changed",
  mode: "has another mode",
  owner: "has another owner",
  time: "has another modification time",
};

/** As in `the files a.js and lib/b.js in the build context changed`. */
export function filesText(files: readonly ChangedFile[], folder: string): string {
  const names = nameList(files.map(({ path }) => path));
  const [first] = files;
  const isOne = files.length === 1;
  if (first !== undefined && isOne) {
    const { after, before, change } = first;
    const detail = (change === "mode" || change === "owner") && before !== "" ? `: ${before} became ${after}` : "";
    return `the file ${names} in ${folder} ${WHAT_CHANGED[change]}${detail}`;
  }
  const changes = new Set(files.map(({ change }) => change));
  const has = (change: ChangedFile["change"]): boolean => changes.size === 1 && changes.has(change);
  const how = has("added") ? "are new" : has("removed") ? "are gone" : has("mode") ? "have another mode" : "changed";
  return `the files ${names} in ${folder} ${how}`;
}

export function folderText(context: string): string {
  if (context === "context") return "the build context";
  return context === "dockerfile" ? "the folder of the Dockerfile" : `the build context "${context}"`;
}

/** What images hardly ever need; entries that end in a slash are folders. */
const NOT_FOR_IMAGES: readonly string[] = [
  ...[".git/", ".svn/", ".hg/", ".idea/", ".vscode/", ".DS_Store", "*.swp", "*~", "Thumbs.db", ".env.local"],
  ...["node_modules/", "__pycache__/", "*.pyc", ".venv/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".tox/"],
  ...["*.log", ".cache/", ".gradle/", ".terraform/", ".nyc_output/", "coverage/", ".next/", ".turbo/"],
  ...["Dockerfile", ".dockerignore", "docker-compose.yml", "compose.yaml"],
];
/** What a build makes itself, more often than not. */
const BUILD_OUTPUT: readonly string[] = ["dist/", "build/", "out/", "target/", "bin/", "obj/"];

const entriesFor = (
  entries: readonly string[],
): { readonly entry: string; readonly test: (path: string) => boolean }[] =>
  entries.map((entry) => ({ entry, test: matchPatterns([`**/${entry}`]) }));
const IGNORABLE = entriesFor(NOT_FOR_IMAGES);
const OUTPUT = entriesFor(BUILD_OUTPUT);

/** What to do about changed files; "" where they seem to be what the image is made of. */
export function filesHint(files: readonly ChangedFile[]): string {
  if (files.length === 0) return "";
  if (files.every(({ change }) => change === "mode"))
    return "Files have other modes where another umask made them (0022 or 0002), as in CI: set them with COPY --chmod, or keep them in git.";
  if (files.every(({ change }) => change === "owner"))
    return "Files have other owners on another machine: set them with COPY --chown.";
  if (files.every(({ change }) => change === "mode" || change === "owner"))
    return "Modes and owners differ between machines: set them with COPY --chmod and --chown.";
  const found = new Set<string>();
  let others = 0;
  for (const { path } of files) {
    const match = IGNORABLE.find(({ test }) => test(cleanPath(path)));
    if (match === undefined) others += 1;
    else found.add(match.entry);
  }
  if (found.size > 0) {
    const which = nameList([...found]);
    return others === 0
      ? `Add ${which} to .dockerignore: images seldom need it, and then its changes do not matter.`
      : `Some of it belongs into .dockerignore, such as ${which}.`;
  }
  const output = OUTPUT.find(({ test }) => files.every(({ path }) => test(cleanPath(path))));
  if (output !== undefined) return `If ${output.entry} is made by a build, add it to .dockerignore.`;
  return "";
}
