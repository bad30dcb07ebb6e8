/** Keys of steps: equal for steps that do the same to the same inputs, whatever build they belong to. */
import { createHash, type Hash } from "node:crypto";
import type { LlbStep } from "../buildkit/llb-graph.js";
import type { FileList } from "./build-record.js";
import { fileIdentity } from "./compare-files.js";
import { FileTree, type Selection } from "./file-tree.js";
import { localName, sourceIdentity } from "./source-step.js";

/** What a step takes from a local source. */
export interface SourceSelection extends Selection {
  /** Digest of the local source. */
  readonly source: string;
}

export interface KeyDeps {
  /** Keyed, as values of arguments are easy to guess; 64 characters, hexadecimal. */
  readonly hash: (text: string) => string;
  /** Whole lists only, by name of the local source: "context" and the like. */
  readonly fileLists: ReadonlyMap<string, FileList>;
}

export class StepKeys {
  readonly #deps: KeyDeps;
  readonly #keys = new Map<string, string>();
  /** Names of local sources, by digest. */
  readonly #locals = new Map<string, string>();
  readonly #trees = new Map<string, FileTree>();
  /** By local source and selection: the same one comes in many steps. */
  readonly #selected = new Map<string, string>();

  constructor(deps: KeyDeps) {
    this.#deps = deps;
  }

  /** "" where it is not known. */
  keyOf(digest: string): string {
    return this.#keys.get(digest) ?? "";
  }

  /** After its inputs. @param selections what it takes from local sources. */
  add(step: LlbStep, selections: readonly SourceSelection[]): string {
    const key = this.#compute(step, selections);
    this.#keys.set(step.digest, key);
    return key;
  }

  #compute(step: LlbStep, selections: readonly SourceSelection[]): string {
    const hash = createHash("sha256");
    const add = adder(hash);
    if (step.does.type === "source") {
      const local = localName(step.does);
      if (local !== undefined) this.#locals.set(step.digest, local);
      const identity = local === undefined ? sourceIdentity(step.does) : this.#fingerprint(local, ALL_FILES);
      if (identity === undefined) return "";
      add(identity);
    } else {
      addOperation(step, add);
    }
    for (const { digest, index } of step.inputs) {
      const local = this.#locals.get(digest);
      const input = local === undefined ? this.keyOf(digest) : this.#takenFrom(digest, local, selections);
      if (input === undefined || input === "") return "";
      add(`${input}#${index}`);
    }
    // Values of build arguments are in it, which are easy to guess.
    return this.#deps.hash(hash.digest("hex"));
  }

  #takenFrom(digest: string, local: string, selections: readonly SourceSelection[]): string | undefined {
    const taken = selections.filter(({ source }) => source === digest);
    const prints = taken.map((selection) => this.#fingerprint(local, selection));
    return prints.includes(undefined) ? undefined : prints.join(",");
  }

  #fingerprint(local: string, selection: Selection): string | undefined {
    const { path, includePatterns, excludePatterns } = selection;
    const name = JSON.stringify([local, path, includePatterns, excludePatterns]);
    const known = this.#selected.get(name);
    if (known !== undefined) return known;
    const tree = this.#treeOf(local);
    if (tree === undefined) return undefined;
    const print = fingerprintOf(tree.select(selection));
    this.#selected.set(name, print);
    return print;
  }

  #treeOf(local: string): FileTree | undefined {
    const files = this.#deps.fileLists.get(local);
    const tree = this.#trees.get(local) ?? (files === undefined ? undefined : new FileTree(files));
    if (tree !== undefined) this.#trees.set(local, tree);
    return tree;
  }
}

const ALL_FILES: Selection = { path: "/", includePatterns: [], excludePatterns: [] };

type Add = (piece: string | Buffer) => void;

/** With lengths, so that no two lists of pieces are the same bytes. */
function adder(hash: Hash): Add {
  return (piece) => {
    hash.update(`${Buffer.byteLength(piece)}:`).update(piece);
  };
}

function addOperation({ does, platform }: LlbStep, add: Add): void {
  add(does.type);
  switch (does.type) {
    case "exec":
      add(platform);
      add(JSON.stringify([does.args, does.env, does.cwd, does.user]));
      for (const { stable } of does.mounts) add(stable);
      for (const piece of does.rest) add(piece);
      break;
    case "source":
      break;
    case "file":
    case "merge":
    case "diff":
    case "build":
    case "other":
      add(does.stable);
  }
}

function fingerprintOf(files: FileList): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(fileIdentity(file));
  return hash.digest("hex");
}
