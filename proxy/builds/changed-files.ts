/** Compares what a step takes from folders of the client with what it took in an earlier build. */
import type { BuildRecord, ChangedFile, FileList, FileSelection, StepCause, StepRecord } from "./build-record.js";
import { filesHint, filesText, folderText, nameList, touchedText } from "./cause-text.js";
import { compareFiles, isOfMode, type FileComparison } from "./compare-files.js";
import { FileTree, type Selection } from "./file-tree.js";

/** A build and the lists of its files, by name of the folder. */
export interface BuildFiles {
  readonly record: BuildRecord;
  readonly files: ReadonlyMap<string, FileList>;
}

/** Files that a cause names. */
const FILES_NAMED_MAX = 20;

export class ChangedFiles {
  readonly #before: BuildFiles;
  readonly #after: BuildFiles;
  readonly #trees = new Map<FileList, FileTree>();
  /** By folder and selection, as many steps take the same. */
  readonly #compared = new Map<string, FileComparison | undefined>();

  constructor(before: BuildFiles, after: BuildFiles) {
    this.#before = before;
    this.#after = after;
  }

  /** Kind "unknown" where there may be a change that was not seen; undefined where there is none. */
  causeFor(step: StepRecord): StepCause | undefined {
    let maybe: StepCause | undefined;
    for (const [folder, selections] of this.#byFolder(step)) {
      const compared = selections.map((selection) => this.#compare(folder, selection));
      if (compared.includes(undefined)) {
        maybe ??= unseen(folderText(folder));
        continue;
      }
      const changed = together(compared.map((found) => found?.changed ?? []));
      const touched = new Set(compared.flatMap((found) => found?.touched ?? []));
      if (changed.length > 0) return changedCause(changed, folderText(folder), touched.size);
      const unclear = together(compared.map((found) => found?.unclear ?? []));
      if (unclear.length > 0) maybe ??= unclearCause(unclear, folderText(folder));
    }
    return maybe;
  }

  #byFolder({ selections }: StepRecord): Map<string, FileSelection[]> {
    const folders = new Map<string, FileSelection[]>();
    for (const selection of selections) {
      const folder = this.#after.record.steps[selection.source]?.shown["context"] ?? "";
      folders.set(folder, [...(folders.get(folder) ?? []), selection]);
    }
    return folders;
  }

  #compare(folder: string, { path, includePatterns, excludePatterns }: FileSelection): FileComparison | undefined {
    const key = JSON.stringify([folder, path, includePatterns, excludePatterns]);
    if (this.#compared.has(key)) return this.#compared.get(key);
    const [before, after] = [this.#treeOf(this.#before, folder), this.#treeOf(this.#after, folder)];
    const selection = { path, includePatterns, excludePatterns };
    const areKnown = before !== undefined && after !== undefined;
    const found = areKnown ? compareSelected(before, after, selection) : undefined;
    this.#compared.set(key, found);
    return found;
  }

  /** Undefined where the list was not seen whole. */
  #treeOf({ record, files }: BuildFiles, folder: string): FileTree | undefined {
    const list = files.get(folder);
    const isWhole = record.transfers.some(({ name, isComplete }) => name === folder && isComplete);
    if (list === undefined || !isWhole) return undefined;
    const tree = this.#trees.get(list) ?? new FileTree(list);
    this.#trees.set(list, tree);
    return tree;
  }
}

/** Where a link on the way leads elsewhere, that is the change, and not the files at its ends. */
function compareSelected(before: FileTree, after: FileTree, selection: Selection): FileComparison {
  const links = [...new Set([...before.linksTo(selection), ...after.linksTo(selection)])];
  const { changed } = compareFiles(before.at(links), after.at(links));
  const moved = changed.filter(({ change }) => change === "link" || change === "type");
  if (moved.length > 0) return { changed: moved, unclear: [], touched: [] };
  return compareFiles(before.select(selection), after.select(selection));
}

/** Selections may overlap. */
function together(lists: readonly (readonly ChangedFile[])[]): ChangedFile[] {
  return [...new Map(lists.flat().map((file) => [file.path, file])).values()];
}

const named = (files: readonly ChangedFile[]): Pick<StepCause, "files" | "fileCount"> => ({
  files: files.slice(0, FILES_NAMED_MAX),
  fileCount: files.length,
});

/** @param touched how many other files have only another time. */
function changedCause(files: readonly ChangedFile[], folder: string, touched: number): StepCause {
  const kind = files.every(isOfMode) ? "file_modes_changed" : "files_changed";
  const hint = [filesHint(files), touchedText(touched)].filter((text) => text !== "").join(" ");
  return { kind, text: filesText(files, folder), hint, ...named(files) };
}

/** Only times differ, which is no reason for a builder; what is in the files was not seen. */
function unclearCause(files: readonly ChangedFile[], folder: string): StepCause {
  const names = nameList(files.map(({ path }) => path));
  return {
    kind: "unknown",
    text: `${names} in ${folder} ${files.length === 1 ? "has" : "have"} another modification time; whether the content changed was not seen`,
    hint: "A time alone is never a reason to run a step. Content is compared of files of up to 8 MiB that were sent.",
    ...named(files),
  };
}

const unseen = (folder: string): StepCause => ({
  kind: "unknown",
  text: `whether files in ${folder} changed is not known, as the list of them was not seen in both builds`,
  hint: "",
});
