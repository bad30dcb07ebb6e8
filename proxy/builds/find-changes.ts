/** What differs between a build and an earlier one, step by step, whether a step ran or not. */
import { dependenciesFirst } from "../cache/dependency-order.js";
import { alignSteps } from "./align-steps.js";
import type { StepCause, StepRecord } from "./build-record.js";
import { label } from "./cause-text.js";
import { ChangedFiles, type BuildFiles } from "./changed-files.js";
import { cause, isSource, ownChange } from "./own-change.js";
import { onOneLine } from "./step-name.js";

export interface Changes {
  /** By index of the step. What began in another step has `root`; "unknown" is what may have changed, unseen. */
  readonly causes: readonly (StepCause | undefined)[];
  /** Index of the step of the earlier build. */
  readonly counterparts: readonly (number | undefined)[];
}

export function findChanges(before: BuildFiles, after: BuildFiles): Changes {
  const counterparts = alignSteps(before.record.steps, after.record.steps);
  const finder = new ChangeFinder(before, after, counterparts);
  for (const index of inDependencyOrder(after.record.steps)) finder.find(index);
  return { causes: finder.causes, counterparts };
}

/** Indexes of the steps, each after its inputs. */
export function inDependencyOrder(steps: readonly StepRecord[]): readonly number[] {
  const order = dependenciesFirst(steps.length, (index, see) => {
    for (const input of steps[index]?.inputs ?? []) if (input < steps.length) see(input);
  });
  // What is told of inputs comes from the builder and is a graph, or else worth nothing.
  return order ?? steps.map((_, index) => index);
}

export const didRun = ({ result }: StepRecord): boolean =>
  result === "ran" || result === "failed" || result === "canceled";

const WORKDIR = /^\s*WORKDIR\s/i;

class ChangeFinder {
  readonly causes: (StepCause | undefined)[] = [];
  readonly #before: readonly StepRecord[];
  readonly #after: readonly StepRecord[];
  readonly #counterparts: readonly (number | undefined)[];
  readonly #files: ChangedFiles;
  /** Steps of the earlier build that the later one has. */
  readonly #kept: ReadonlySet<number | undefined>;

  constructor(before: BuildFiles, after: BuildFiles, counterparts: readonly (number | undefined)[]) {
    this.#before = before.record.steps;
    this.#after = after.record.steps;
    this.#counterparts = counterparts;
    this.#kept = new Set(counterparts);
    this.#files = new ChangedFiles(before, after);
    this.causes.length = this.#after.length;
  }

  find(index: number): void {
    const step = this.#after[index];
    if (step !== undefined) this.causes[index] = this.#changeOf(index, step);
  }

  #changeOf(index: number, step: StepRecord): StepCause | undefined {
    const earlier = this.#before[this.#counterparts[index] ?? -1];
    // Which folders the client sent says nothing; which files of them a step takes does.
    if (step.kind === "local") return undefined;
    if (earlier === undefined) {
      const source = step.kind === "image" ? "this base image is new" : "this source is new";
      return cause("instruction_added", isSource(step) ? source : "this instruction is new", "");
    }
    if (step.key !== "" && step.key === earlier.key) return undefined;
    const own = this.#contextChange(earlier, step) ?? ownChange(earlier, step, () => this.#workdirChange(step));
    if (own !== undefined) return own;
    const files = step.selections.length > 0 ? this.#files.causeFor(step) : undefined;
    if (files !== undefined && files.kind !== "unknown") return files;
    return this.#inputChange(step) ?? this.#orderChange(earlier, step) ?? files;
  }

  /** A folder of the client in one build, an image or a repository in the other. */
  #contextChange(earlier: StepRecord, step: StepRecord): StepCause | undefined {
    if (earlier.instruction !== step.instruction || isSource(step)) return undefined;
    const gone = earlier.inputs.find((input) => !this.#kept.has(input) && isSourceAt(this.#before, input));
    const come = step.inputs.find((input) => this.#counterparts[input] === undefined && isSourceAt(this.#after, input));
    const [was, is] = [this.#before[gone ?? -1], this.#after[come ?? -1]];
    if (was === undefined || is === undefined || was.kind === is.kind) return undefined;
    const text = `the build context that it takes files from is ${sourceText(is)} now, and was ${sourceText(was)}`;
    return cause("context_changed", text, "", { before: sourceText(was), after: sourceText(is) });
  }

  #inputChange(step: StepRecord): StepCause | undefined {
    let maybe: StepCause | undefined;
    for (const input of step.inputs) {
      const [found, below] = [this.causes[input], this.#after[input]];
      if (found === undefined || below === undefined) continue;
      // It was found in a cache by the files that a changed step gave: these are as they were.
      const isAsBefore = below.result === "cached" && found.kind === "input_changed" && this.#ranAnew(below);
      if (isAsBefore) continue;
      const root = found.root ?? input;
      const name = label(this.#after[root] ?? below);
      if (found.kind !== "unknown") return cause("input_changed", `it builds on ${name}, which changed`, "", { root });
      maybe ??= cause("unknown", `it builds on ${name}, of which ${found.text}`, found.hint, { root });
    }
    return maybe;
  }

  #workdirChange(step: StepRecord): StepCause | undefined {
    const found = this.#inputChange(step);
    const root = this.#after[found?.root ?? -1];
    return root !== undefined && WORKDIR.test(root.instruction) ? found : undefined;
  }

  #ranAnew({ inputs }: StepRecord): boolean {
    return inputs.some((input) => {
      const below = this.#after[input];
      return this.causes[input] !== undefined && below !== undefined && didRun(below);
    });
  }

  /** Every input is as it was, but they are other ones: an instruction between was removed, or moved. */
  #orderChange(earlier: StepRecord, step: StepRecord): StepCause | undefined {
    const are = new Set(step.inputs.map((input) => this.#counterparts[input]));
    const other = earlier.inputs.find((input) => !are.has(input) && this.#before[input]?.kind !== "local");
    const were = other === undefined ? undefined : this.#before[other];
    if (were === undefined) return undefined;
    const text = onOneLine(were.instruction) || label(were);
    if (this.#kept.has(other))
      return cause("instruction_changed", `the order of the instructions changed: it came after ${text}`, "");
    return cause("instruction_changed", `the instruction before it was removed: ${text}`, "", {
      before: were.instruction,
    });
  }
}

function isSourceAt(steps: readonly StepRecord[], index: number): boolean {
  const step = steps[index];
  return step !== undefined && isSource(step);
}

function sourceText({ kind, shown }: StepRecord): string {
  const url = shown["image"] ?? shown["url"] ?? "";
  if (kind === "local") return "a folder of the client";
  if (kind === "git") return `the repository ${url}`;
  return kind === "image" ? `the image ${url}` : `the download ${url}`;
}
