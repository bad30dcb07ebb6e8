/** What differs between two lists of files, as far as a builder goes by it. */
import type { ChangedFile, FileChange, FileList, ListedFile } from "./build-record.js";
import { isSymlink } from "./file-tree.js";

export interface FileComparison {
  /** In order of paths: what certainly differs, times not counted, as builders do not count them. */
  readonly changed: readonly ChangedFile[];
  /** Files with another time whose bytes were not seen on both sides: their content may differ. */
  readonly unclear: readonly ChangedFile[];
  /** Paths of files with another time and the same content. */
  readonly touched: readonly string[];
}

/** Bits of Go's `os.FileMode`. */
const TYPE = 0x8f280000;
const FOLDER = 0x80000000;
const isFolder = ({ mode }: ListedFile): boolean => (mode & FOLDER) !== 0;
const isRegular = ({ mode }: ListedFile): boolean => (mode & TYPE) === 0;
/** Permissions with setuid, setgid and the sticky bit, which Go keeps elsewhere than Unix does. */
const permissions = ({ mode }: ListedFile): number =>
  (mode & 0o777) | (mode & (1 << 23) ? 0o4000 : 0) | (mode & (1 << 22) ? 0o2000 : 0) | (mode & (1 << 20) ? 0o1000 : 0);

export function compareFiles(before: FileList, after: FileList): FileComparison {
  const earlier = new Map(before.map((file) => [file.path, file]));
  const changed: ChangedFile[] = [];
  const unclear: ChangedFile[] = [];
  const touched: string[] = [];
  const isAnew = after.some((file) => isSentAnew(earlier.get(file.path), file));
  for (const file of after) {
    const old = earlier.get(file.path);
    earlier.delete(file.path);
    const found = old === undefined ? differs(file.path, "added") : compareFile(old, file);
    if (found === undefined || (isFolder(file) && isOfMode(found) && !isAnew)) continue;
    if (found.change !== "time") changed.push(found);
    else if (old?.contentHash !== "" && file.contentHash !== "") touched.push(file.path);
    else unclear.push(found);
  }
  for (const path of earlier.keys()) changed.push(differs(path, "removed"));
  changed.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { changed, unclear, touched };
}

/**
 * The builder asked for a file that it had from the earlier build: so it has no copy of the folder from then. One that it
 * has it brings up to date, and then takes no notice of folders that were there with another mode or owner.
 */
function isSentAnew(old: ListedFile | undefined, file: ListedFile): boolean {
  return file.wasRequested && isRegular(file) && old !== undefined && compareFile(old, file) === undefined;
}

export const isOfMode = ({ change }: ChangedFile): boolean => change === "mode" || change === "owner";

function compareFile(old: ListedFile, file: ListedFile): ChangedFile | undefined {
  const { path } = file;
  if ((old.mode & TYPE) !== (file.mode & TYPE)) return differs(path, "type", typeOf(old), typeOf(file));
  if (old.linkname !== file.linkname) return differs(path, "link", old.linkname, file.linkname);
  if (isRegular(file)) {
    if (old.sizeBytes !== file.sizeBytes) return differs(path, "size", `${old.sizeBytes} B`, `${file.sizeBytes} B`);
    const areKnown = old.contentHash !== "" && file.contentHash !== "";
    if (areKnown && old.contentHash !== file.contentHash) return differs(path, "content");
  }
  if (!isSymlink(file) && permissions(old) !== permissions(file)) return differs(path, "mode", octal(old), octal(file));
  if (old.uid !== file.uid || old.gid !== file.gid)
    return differs(path, "owner", `${old.uid}:${old.gid}`, `${file.uid}:${file.gid}`);
  if (isRegular(file) && old.modifiedAtMs !== file.modifiedAtMs)
    return differs(path, "time", timeOf(old), timeOf(file));
  return undefined;
}

const differs = (path: string, change: FileChange, before = "", after = ""): ChangedFile => ({
  ...{ path, change, before, after },
});

const octal = (file: ListedFile): string => permissions(file).toString(8).padStart(4, "0");

/** Times come from the client: any number. */
function timeOf({ modifiedAtMs }: ListedFile): string {
  const time = new Date(modifiedAtMs);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

function typeOf(file: ListedFile): string {
  if (isSymlink(file)) return "link";
  if (isRegular(file)) return "file";
  return isFolder(file) ? "folder" : "special file";
}

/** What of a file decides whether a cached result fits: equal texts for equal files. */
export function fileIdentity(file: ListedFile): string {
  const { path, uid, gid, sizeBytes, linkname, contentHash, modifiedAtMs } = file;
  const kind = `${(file.mode & TYPE) >>> 0} ${isSymlink(file) ? 0 : permissions(file)} ${uid} ${gid}`;
  // Without the bytes, the time is the best that there is: it tells at least some changes.
  const content = isRegular(file) ? `${sizeBytes} ${contentHash === "" ? modifiedAtMs : contentHash}` : "";
  return [path, kind, linkname, content].map((part) => `${part.length}:${part}`).join("");
}
