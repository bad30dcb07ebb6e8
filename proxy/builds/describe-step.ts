/** What an LLB graph says of each step: what it is made of, as hashes, and what of it may be shown. */
import type { LlbGraph, LlbStep } from "../buildkit/llb-graph.js";
import type { LlbCopy, LlbExec, LlbFile } from "../buildkit/llb-op.js";
import type { StepRecord } from "./build-record.js";
import type { Selection } from "./file-tree.js";
import { maskValues, type ArgumentValues } from "./mask-values.js";
import { describeSource, kindOfSource, localName } from "./source-step.js";
import { StepKeys, type KeyDeps, type SourceSelection } from "./step-keys.js";
import { parseStepName, variablesIn } from "./step-name.js";

export { displayName } from "./step-name.js";

type FromGraph = "digest" | "key" | "name" | "kind" | "stage" | "instruction" | "platform" | "ignoresCache" | "parts";

/** What a record has of a step without its progress. */
export interface StepDescription extends Pick<StepRecord, FromGraph | "shown" | "lines"> {
  /** Digests. */
  readonly inputs: readonly string[];
  readonly contentInputs: readonly string[];
  readonly selections: readonly SourceSelection[];
}

export interface DescribeDeps extends KeyDeps {
  /** Of build arguments that the client gave. */
  readonly argumentValues: ArgumentValues;
}

const INSTRUCTION_MAX_CHARS = 2_000;
/** Parts are many, and only compared with those of the same name. */
const PART_HASH_CHARS = 16;
const ARG_LINE = /^[ \t]*ARG[ \t]+(.+)$/gim;

/** By digest. */
export function describeSteps(graph: LlbGraph, deps: DescribeDeps): Map<string, StepDescription> {
  const describe = new Describer(graph, deps);
  return new Map(graph.steps.map((step) => [step.digest, describe.step(step)]));
}

class Describer {
  readonly #deps: DescribeDeps;
  readonly #keys: StepKeys;
  /** Values come again in many steps. */
  readonly #hashes = new Map<string, string>();
  readonly #byDigest: ReadonlyMap<string, LlbStep>;
  readonly #argumentNames: ReadonlySet<string>;

  constructor(graph: LlbGraph, deps: DescribeDeps) {
    this.#deps = deps;
    this.#keys = new StepKeys(deps);
    this.#byDigest = new Map(graph.steps.map((step) => [step.digest, step]));
    this.#argumentNames = new Set([...deps.argumentValues.keys(), ...graph.sources.flatMap(argumentsIn)]);
  }

  step(step: LlbStep): StepDescription {
    const { prefix, stage, platform, mark } = parseStepName(step.name);
    // The lines of a trigger are those of another Dockerfile.
    const lines = prefix === "" || mark === "ONBUILD " ? undefined : step.lines;
    const instruction = (lines?.text ?? "").slice(0, INSTRUCTION_MAX_CHARS);
    const selections = this.#selectionsOf(step);
    return {
      ...{ digest: step.digest, name: step.name, stage, instruction, ignoresCache: step.ignoresCache },
      key: this.#keys.add(step, selections),
      kind: step.does.type === "source" ? kindOfSource(step.does) : step.does.type,
      platform: platform === "" ? step.platform : platform,
      inputs: step.inputs.map(({ digest }) => digest),
      contentInputs: contentInputsOf(step),
      ...(lines !== undefined && { lines: { file: lines.file, first: lines.first, last: lines.last } }),
      parts: this.#partsOf(step, instruction),
      shown: step.does.type === "source" ? describeSource(step.does, this.#masked).shown : {},
      selections,
    };
  }

  readonly #masked = (text: string): string => maskValues(text, this.#deps.argumentValues);

  #partsOf(step: LlbStep, instruction: string): Record<string, string> {
    const parts = new Map<string, string>();
    const add = (name: string, value: string): void => void parts.set(name, value);
    switch (step.does.type) {
      case "exec":
        this.#addExec(step.does, add);
        break;
      case "file":
        addFile(step.does, add);
        break;
      case "source":
        for (const [name, value] of describeSource(step.does, (text) => text).parts) add(name, value);
        break;
      case "merge":
      case "diff":
      case "build":
      case "other":
        add("operation", step.does.stable.toString("latin1"));
    }
    if (step.platform !== "") add("platform", step.platform);
    for (const name of variablesIn(instruction)) {
      const value = this.#deps.argumentValues.get(name);
      if (value !== undefined) add(`arg:${name}`, value);
    }
    const documents = step.inputs.flatMap(({ digest }) => this.#documentAt(digest));
    if (documents.length > 0) add("document", documents.join("\n"));
    return Object.fromEntries([...parts].map(([name, value]) => [name, this.#hash(value)]));
  }

  #addExec({ args, env, cwd, user, mounts, rest }: LlbExec, add: (name: string, value: string) => void): void {
    add("command", JSON.stringify(args));
    for (const variable of env) {
      const at = variable.indexOf("=");
      const name = at < 0 ? variable : variable.slice(0, at);
      add(`${this.#argumentNames.has(name) ? "arg" : "env"}:${name}`, at < 0 ? "" : variable.slice(at + 1));
    }
    add("folder", cwd);
    add("user", user);
    const secrets: string[] = [];
    for (const { dest, type, stable } of mounts) {
      const text = stable.toString("latin1");
      // Where a secret is mounted tells its id.
      if (type === "secret" || type === "ssh") secrets.push(text);
      else if (dest !== "/") add(`mount:${this.#masked(dest)}`, text);
    }
    if (secrets.length > 0) add("secrets", JSON.stringify(secrets));
    add("settings", Buffer.concat(rest).toString("latin1"));
  }

  /** The text that a heredoc stands for comes from a step of its own, which people do not know of. */
  #documentAt(digest: string): string[] {
    const step = this.#byDigest.get(digest);
    const isOwn = step?.does.type === "file" && step.inputs.length === 0 && parseStepName(step.name).prefix === "";
    return isOwn ? [this.#keys.keyOf(digest)] : [];
  }

  #selectionsOf({ inputs, does }: LlbStep): SourceSelection[] {
    const found: SourceSelection[] = [];
    inputs.forEach(({ digest }, index) => {
      const source = this.#byDigest.get(digest)?.does;
      if (source?.type !== "source" || localName(source) === undefined) return;
      const select = selectionsFrom(index, does);
      for (const selection of select.length > 0 ? select : [ALL]) found.push({ source: digest, ...selection });
    });
    return found;
  }

  #hash(text: string): string {
    let hash = this.#hashes.get(text);
    if (hash === undefined) {
      hash = this.#deps.hash(text).slice(0, PART_HASH_CHARS);
      this.#hashes.set(text, hash);
    }
    return hash;
  }
}

const ALL: Selection = { path: "/", includePatterns: [], excludePatterns: [] };

function selectionsFrom(index: number, does: LlbStep["does"]): Selection[] {
  if (does.type === "exec") {
    const mounts = does.mounts.filter(({ input, type }) => input === index && type === "bind");
    return mounts.map(({ selector }) => ({ ...ALL, path: literally(selector === "" ? "/" : selector) }));
  }
  if (does.type !== "file") return [];
  const copies = does.copies.filter(({ input }) => input === index);
  return copies.map(({ src, allowWildcard, includePatterns, excludePatterns }) => ({
    path: allowWildcard ? src : literally(src),
    ...{ includePatterns, excludePatterns },
  }));
}

/** BuildKit looks for cached results by the files of these inputs, and not only by what they were made from. */
function contentInputsOf({ inputs, does }: LlbStep): string[] {
  const isContent = (index: number): boolean => {
    if (does.type === "file") return !does.changes.includes(index) && does.copies.some(({ input }) => input === index);
    if (does.type !== "exec") return false;
    const mounts = does.mounts.filter(({ input }) => input === index);
    return mounts.every(({ dest, isReadOnly, selector }) => dest !== "/" && (isReadOnly || selector === ""));
  };
  return inputs.flatMap(({ digest }, index) => (isContent(index) ? [digest] : []));
}

const literally = (path: string): string => path.replaceAll(/[*?[\\]/g, String.raw`\$&`);

/** What is not named apart, such as a folder that is made, is in "operation". */
function addFile({ copies, stable }: LlbFile, add: (name: string, value: string) => void): void {
  const each = (value: (copy: LlbCopy) => unknown): string => JSON.stringify(copies.map(value));
  if (copies.length > 0) {
    add(
      "source paths",
      each(({ src, includePatterns, excludePatterns }) => [src, includePatterns, excludePatterns]),
    );
    add(
      "destination",
      each(({ dest }) => dest),
    );
    add(
      "owner",
      each(({ owner }) => owner.toString("base64")),
    );
    add(
      "mode",
      each(({ mode }) => mode),
    );
  }
  add("operation", stable.toString("latin1"));
}

/** Names that `ARG` lines of a Dockerfile declare. */
function argumentsIn(dockerfile: string): string[] {
  return Array.from(dockerfile.matchAll(ARG_LINE), ([, declared = ""]) => declared).flatMap((declared) =>
    Array.from(declared.matchAll(/(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)(?==|\s|$)/g), ([, name = ""]) => name),
  );
}
