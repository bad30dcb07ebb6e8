/** Words for why steps ran: lists of names and files, times, and hints. */
import type { ChangedFile, StepRecord } from "./build-record.js";
import { cleanPath, matchPatterns } from "./match-pattern.js";

const NAMES_SHOWN = 3;
/** So many changed files are looked at for a hint. */
const FILES_MATCHED_MAX = 1_000;
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
  return andList(shown);
}

function andList(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** Of the wall clock, in UTC. */
export function timeText(atMs: number): string {
  const time = new Date(atMs);
  return Number.isNaN(time.getTime()) ? "an unknown time" : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

type Words = readonly [one: string, several: string];
const CHANGED: Words = ["changed", "changed"];
const WHAT_CHANGED: Readonly<Record<ChangedFile["change"], Words>> = {
  added: ["is new", "are new"],
  removed: ["is gone", "are gone"],
  type: ["is of another type", "are of another type"],
  link: ["links to something else", "link to something else"],
  size: CHANGED,
  content: CHANGED,
  mode: ["has another mode", "have another mode"],
  owner: ["has another owner", "have another owner"],
  time: ["has another modification time", "have another modification time"],
};
const WITH_DETAIL: ReadonlySet<ChangedFile["change"]> = new Set(["mode", "owner", "link"]);

/** As in `the files a.js and lib/b.js in the build context changed`, or `in the build context, a.js is new and b.js is gone`. */
export function filesText(files: readonly ChangedFile[], folder: string): string {
  const byWords = new Map<Words, string[]>();
  for (const { change, path } of files) {
    const words = WHAT_CHANGED[change];
    const paths = byWords.get(words);
    if (paths === undefined) byWords.set(words, [path]);
    else paths.push(path);
  }
  const [first] = files;
  if (first === undefined || byWords.size > 1) return `in ${folder}, ${andList([...byWords].map(clause))}`;
  const { after, before, change, path } = first;
  const [one, several] = WHAT_CHANGED[change];
  if (files.length > 1) return `the files ${nameList(files.map((file) => file.path))} in ${folder} ${several}`;
  const detail = WITH_DETAIL.has(change) && before !== "" ? `: ${before} became ${after}` : "";
  return `the file ${path} in ${folder} ${one}${detail}`;
}

const clause = ([[one, several], paths]: [Words, string[]]): string =>
  `${nameList(paths)} ${paths.length === 1 ? one : several}`;

/** "" where there are none. */
export function touchedText(count: number): string {
  if (count === 0) return "";
  return count === 1
    ? "1 other file has only another modification time: it was sent again, but is no reason to run a step."
    : `${count} other files have only another modification time: they were sent again, but are no reason to run a step.`;
}

export function folderText(context: string): string {
  if (context === "context") return "the build context";
  return context === "dockerfile" ? "the folder of the Dockerfile" : `the build context "${context}"`;
}

const IGNORE_FILE = ".dockerignore";
/** What images hardly ever need; entries that end in a slash are folders. */
const NOT_FOR_IMAGES: readonly string[] = [
  ...[".git/", ".svn/", ".hg/", ".idea/", ".vscode/", ".DS_Store", "*.swp", "*~", "Thumbs.db", ".env.local"],
  ...["node_modules/", "__pycache__/", "*.pyc", ".venv/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".tox/"],
  ...["*.log", ".cache/", ".gradle/", ".terraform/", ".nyc_output/", "coverage/", ".next/", ".turbo/"],
  ...["Dockerfile", IGNORE_FILE, "docker-compose.yml", "compose.yaml"],
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
  const others = files.filter(({ path }) => !OF_THE_BUILD.has(path));
  const ignored = ignoredText(files, others);
  if (ignored !== "") return ignored;
  // They change with what they say; that is a hint only where nothing else changed.
  const asked = others.length === 0 ? files : others;
  const matches = asked
    .slice(0, FILES_MATCHED_MAX)
    .map(({ path }) => IGNORABLE.find(({ test }) => test(cleanPath(path)))?.entry);
  const found = [...new Set(matches)].filter((entry) => entry !== undefined);
  if (found.length > 0) {
    const which = nameList(found);
    return !matches.includes(undefined) && asked.length <= FILES_MATCHED_MAX
      ? `Add ${which} to .dockerignore: images seldom need it, and then its changes do not matter.`
      : `Some of it belongs into .dockerignore, such as ${which}.`;
  }
  const output = OUTPUT.find(({ test }) => files.every(({ path }) => test(cleanPath(path))));
  if (output !== undefined) return `If ${output.entry} is made by a build, add it to .dockerignore.`;
  return "";
}

const OF_THE_BUILD: ReadonlySet<string> = new Set(["Dockerfile", IGNORE_FILE]);

/** What comes and goes with a `.dockerignore` that changed. */
function ignoredText(files: readonly ChangedFile[], others: readonly ChangedFile[]): string {
  if (others.length === 0 || !files.some(({ path }) => path === IGNORE_FILE)) return "";
  const all = (change: ChangedFile["change"]): boolean => others.every((file) => file.change === change);
  if (all("removed")) return `${IGNORE_FILE} changed, too: what is gone may be what it leaves out now.`;
  return all("added") ? `${IGNORE_FILE} changed, too: what is new may be what it left out before.` : "";
}
