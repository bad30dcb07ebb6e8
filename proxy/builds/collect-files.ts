/** The files that the client sent for a build, folder by folder, with what is known of their content from before. */
import type { FileTransfer, TransferredFile } from "../buildkit/tunnel/file-transfer.js";
import type { FileList, ListedFile } from "./build-record.js";

export interface CollectedFiles {
  readonly files: FileList;
  readonly isComplete: boolean;
  readonly requestedFiles: number;
  readonly sentBytes: number;
}

/** By name of the folder. One that was sent in parts, as for several stages, is put together. */
export function collectFiles(transfers: readonly FileTransfer[]): Map<string, CollectedFiles> {
  const folders = new Map<string, FileTransfer[]>();
  for (const transfer of transfers) folders.set(transfer.name, [...(folders.get(transfer.name) ?? []), transfer]);
  return new Map([...folders].map(([name, parts]) => [name, together(parts)]));
}

function together(parts: readonly FileTransfer[]): CollectedFiles {
  const byPath = new Map<string, ListedFile>();
  for (const { files } of parts)
    for (const file of files) byPath.set(file.path, better(byPath.get(file.path), listed(file)));
  return {
    files: [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    isComplete: parts.every(({ isComplete }) => isComplete),
    requestedFiles: [...byPath.values()].filter(({ wasRequested }) => wasRequested).length,
    sentBytes: parts.reduce((sum, part) => sum + part.sentBytes, 0),
  };
}

/** A file may come twice, and its bytes with one of both. */
function better(known: ListedFile | undefined, file: ListedFile): ListedFile {
  if (known === undefined || !isSame(known, file)) return file;
  const contentHash = file.contentHash === "" ? known.contentHash : file.contentHash;
  return { ...file, contentHash, wasRequested: known.wasRequested || file.wasRequested };
}

function listed({ contentHash = "", ...file }: TransferredFile): ListedFile {
  return { ...file, contentHash };
}

/** What the builder does not ask for, it has from an earlier build: then we may know its content from there, too. */
export function withKnownContent(files: FileList, earlier: FileList): FileList {
  const byPath = new Map(earlier.map((file) => [file.path, file]));
  return files.map((file) => {
    const known = byPath.get(file.path);
    const isKnown = file.contentHash === "" && !file.wasRequested && known !== undefined && isSame(known, file);
    return isKnown ? { ...file, contentHash: known.contentHash } : file;
  });
}

/** As far as a client and a builder compare files before they send any. */
const isSame = (a: ListedFile, b: ListedFile): boolean =>
  a.sizeBytes === b.sizeBytes && a.modifiedAtMs === b.modifiedAtMs && a.mode === b.mode && a.linkname === b.linkname;
