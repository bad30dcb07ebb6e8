/** A list of files, to find those that a COPY, an ADD or a mount takes. */
import type { FileList, FileSelection, ListedFile } from "./build-record.js";
import { cleanPath, hasWildcards, matchPath, matchPatterns, type PathTest } from "./match-pattern.js";

export type Selection = Pick<FileSelection, "path" | "includePatterns" | "excludePatterns">;

/** As many links as BuildKit follows for one path. */
const LINKS_MAX = 255;
/** Bits of Go's `os.FileMode`. */
const SYMLINK = 1 << 27;
export const isSymlink = ({ mode }: ListedFile): boolean => (mode & SYMLINK) !== 0;

type OnLink = (path: string) => void;

export class FileTree {
  /** By path. */
  readonly #files: readonly ListedFile[];
  readonly #byPath: ReadonlyMap<string, ListedFile>;

  constructor(files: FileList) {
    this.#files = [...files].sort((a, b) => compareText(a.path, b.path));
    this.#byPath = new Map(this.#files.map((file) => [file.path, file]));
  }

  /** What BuildKit takes into account for the selection: in order of paths, links to it followed. */
  select({ path, includePatterns, excludePatterns }: Selection): FileList {
    const roots = hasWildcards(path) ? this.#matches(path) : [this.#resolve(unescape(cleanPath(path)))];
    const all = roots.flatMap((root) => this.#below(root, includePatterns, excludePatterns));
    return roots.length > 1 ? [...new Set(all)].sort((a, b) => compareText(a.path, b.path)) : all;
  }

  /** Paths of the symbolic links that lead to what is selected, in it not counted. */
  linksTo({ path }: Pick<Selection, "path">): string[] {
    const links: string[] = [];
    const note = (link: string): void => void links.push(link);
    if (hasWildcards(path)) this.#matches(path, note);
    else this.#resolve(unescape(cleanPath(path)), note);
    return links;
  }

  /** Those of these paths that there are. */
  at(paths: readonly string[]): FileList {
    return paths.flatMap((path) => this.#byPath.get(path) ?? []);
  }

  /** Paths that a pattern matches; nothing below one of them is matched again. */
  #matches(pattern: string, onLink?: OnLink): string[] {
    const parts = cleanPath(pattern).split("/");
    const fixed = parts.findIndex(hasWildcards);
    const given = unescape(parts.slice(0, fixed).join("/"));
    const folder = this.#resolve(given, onLink);
    const matches = matchPath(parts.slice(fixed).join("/"));
    const found: string[] = [];
    for (const file of this.#children(folder)) {
      const below = folder === "" ? file.path : file.path.slice(folder.length + 1);
      if (matches(below)) found.push(isSymlink(file) ? this.#resolve(file.path, onLink) : file.path);
    }
    return [...new Set(found)];
  }

  /** A file, or a folder with what is in it; "" is all. */
  #below(root: string, includePatterns: readonly string[], excludePatterns: readonly string[]): ListedFile[] {
    const self = this.#byPath.get(root);
    const all = self === undefined ? this.#children(root) : [self, ...this.#children(root)];
    if (includePatterns.length === 0 && excludePatterns.length === 0) return all;
    const isIncluded: PathTest = includePatterns.length === 0 ? () => true : matchPatterns(includePatterns);
    const isExcluded = matchPatterns(excludePatterns);
    const relative = (path: string): string => path.slice(root === "" ? 0 : root.length + 1);
    const taken = all.filter(({ path }) => isIncluded(relative(path)) && !isExcluded(relative(path)));
    // The folders on the way to a file come with it.
    const needed = foldersOf(taken);
    const isTaken = new Set(taken);
    return all.filter((file) => isTaken.has(file) || needed.has(file.path));
  }

  #children(folder: string): ListedFile[] {
    if (folder === "") return [...this.#files];
    // "0" comes next to "/".
    return this.#files.slice(this.#firstFrom(`${folder}/`), this.#firstFrom(`${folder}0`));
  }

  #firstFrom(path: string): number {
    let low = 0;
    let high = this.#files.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareText(this.#files[middle]?.path ?? "", path) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Follows symbolic links in each part of the path, the last one included. */
  #resolve(path: string, onLink?: OnLink): string {
    const ahead = path.split("/").reverse();
    let at = "";
    let links = 0;
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      const next = cleanPath(`${at}/${part}`);
      const file = this.#byPath.get(next);
      if (file === undefined || !isSymlink(file) || links >= LINKS_MAX) {
        at = next;
        continue;
      }
      links += 1;
      onLink?.(next);
      if (file.linkname.startsWith("/")) at = "";
      ahead.push(...file.linkname.split("/").reverse());
    }
    return at;
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const unescape = (path: string): string => path.replaceAll(/\\(.)/gs, "$1");

function foldersOf(files: FileList): Set<string> {
  const folders = new Set<string>();
  for (const { path } of files)
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at);
      // Then those above it are there, too.
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  return folders;
}
