/** Says for each step of a build that has ended why it ran, or which cache it came from. */
import type { BuildRecord, CauseKind, StepCause, StepRecord } from "./build-record.js";
import { cacheSourceOf } from "./cache-source.js";
import { label } from "./cause-text.js";
import type { ExplainContext } from "./explain-context.js";
import { didRun, findChanges, inDependencyOrder } from "./find-changes.js";
import { cause, isSource } from "./own-change.js";
import { WhyAgain } from "./why-again.js";

export type { ExplainContext };

/** The record with its baseline, causes, sources of what was cached, and its first miss. */
export function explain(record: BuildRecord, context: ExplainContext): BuildRecord {
  const causes = withCascades(record.steps, new Explainer(record, context).causes());
  const steps = record.steps.map((step, index): StepRecord => {
    const why = causes[index];
    if (why !== undefined) return { ...step, cause: why };
    return step.result === "cached" ? { ...step, cachedFrom: cacheSourceOf(step, record, context) } : step;
  });
  const firstMiss = firstMissOf(steps);
  return { ...record, steps, baseline: context.baseline?.ref ?? "", ...(firstMiss !== undefined && { firstMiss }) };
}

/** Root causes in the order in which their steps began: index and cause. */
export function rootCauses(steps: readonly StepRecord[]): readonly (readonly [number, StepCause])[] {
  const roots = steps.flatMap(({ cause: why }, index) =>
    why !== undefined && why.root === undefined ? [[index, why] as const] : [],
  );
  const beganAt = (index: number): number => steps[index]?.startedAtMs ?? Infinity;
  return roots.sort(([a], [b]) => (beganAt(a) < beganAt(b) ? -1 : beganAt(a) > beganAt(b) ? 1 : a - b));
}

const isOperation = ({ parts }: StepRecord): boolean => Object.keys(parts).length > 0;

function firstMissOf(steps: readonly StepRecord[]): BuildRecord["firstMiss"] {
  const [first] = rootCauses(steps);
  const step = steps[first?.[0] ?? -1];
  if (first === undefined || step === undefined) return undefined;
  return { step: step.name, kind: first[1].kind, text: first[1].text };
}

type Causes = readonly (StepCause | undefined)[];

function withCascades(steps: readonly StepRecord[], causes: Causes): Causes {
  const cascades = new Map<number, { steps: number; durationMs: number }>();
  causes.forEach((why, index) => {
    if (why?.root === undefined) return;
    const cascade = cascades.get(why.root) ?? { steps: 0, durationMs: 0 };
    cascade.steps += 1;
    cascade.durationMs += steps[index]?.durationMs ?? 0;
    cascades.set(why.root, cascade);
  });
  return causes.map((why, index) => {
    const cascade = cascades.get(index);
    return why === undefined || cascade === undefined ? why : { ...why, cascade };
  });
}

const FIRST_BUILD = "no earlier build of this project, Dockerfile, target and platform is known";
/** Each of these has its own text in the Dockerfile, though the words for them are the same. */
const NEVER_SHARED: ReadonlySet<CauseKind> = new Set(["instruction_added", "instruction_changed", "unknown"]);

const SOURCE_CHANGES: ReadonlySet<CauseKind> = new Set(["base_image_changed", "source_changed"]);

class Explainer {
  readonly #record: BuildRecord;
  readonly #context: ExplainContext;
  readonly #whyAgain: WhyAgain;
  /** What differs from the baseline. */
  readonly #changes: Causes;
  readonly #causes: (StepCause | undefined)[] = [];
  /** The first step of each group of equal causes, and for a change in a step that did not run itself. */
  readonly #roots = new Map<string, number>();

  constructor(record: BuildRecord, context: ExplainContext) {
    this.#record = record;
    this.#context = context;
    this.#whyAgain = new WhyAgain(record, context);
    const { baseline, baselineFiles, currentFiles } = context;
    this.#changes =
      baseline === undefined
        ? []
        : findChanges({ record: baseline, files: baselineFiles }, { record, files: currentFiles }).causes;
    this.#causes.length = record.steps.length;
  }

  causes(): Causes {
    const { steps } = this.#record;
    const isDefined = steps.some(isOperation);
    for (const index of inDependencyOrder(steps)) {
      const step = steps[index];
      // What is no operation of the build is work of the frontend's own, such as reading the metadata of an image.
      const counts = step?.isUser === true && (isOperation(step) || !isDefined);
      if (counts && didRun(step)) this.#causes[index] = this.#causeOf(index, step);
    }
    return this.#causes;
  }

  #causeOf(index: number, step: StepRecord): StepCause | undefined {
    const change = this.#changes[index];
    // Base images are looked up each time; that says nothing unless they changed.
    if (isSource(step)) return SOURCE_CHANGES.has(change?.kind ?? "unknown") ? change : undefined;
    if (step.ignoresCache) return this.#inGroup(index, this.#noCache(step), "no_cache");
    return this.#again(index, step) ?? this.#changed(index, change) ?? this.#withoutReason(index);
  }

  #noCache({ stage }: StepRecord): StepCause {
    const { noCache } = this.#record;
    const hint = "Leave it out where the result of an earlier run will do.";
    if (noCache.includes("*")) return cause("no_cache", "--no-cache asks to run every step", hint);
    if (noCache.includes(stage)) return cause("no_cache", `--no-cache-filter asks to run the stage ${stage}`, hint);
    return cause("no_cache", "the client asked to run it whatever caches have", hint);
  }

  /** The same step was made before. */
  #again(index: number, step: StepRecord): StepCause | undefined {
    if (step.key === "") return undefined;
    const again = this.#whyAgain.causeOf(step);
    if (again === undefined) return undefined;
    const forced = this.#whyAgain.causeAfterForced(index, step);
    if (forced?.cause.kind === "nondeterministic") return forced.cause;
    if (forced !== undefined) return { ...forced.cause, root: this.#rootOf(forced.root) };
    return this.#inGroup(index, again.cause, again.group);
  }

  #changed(index: number, change: StepCause | undefined): StepCause | undefined {
    if (change === undefined) return undefined;
    if (change.root === undefined) {
      const { after, before, files, kind, names, text } = change;
      const group = NEVER_SHARED.has(kind)
        ? `${kind} ${index}`
        : JSON.stringify([kind, text, before, after, names, files]);
      return this.#inGroup(index, change, group);
    }
    if (this.#causes[change.root] !== undefined) return { ...change, root: this.#rootOf(change.root) };
    // The step that changed did not run itself, as a base image that was there already: this is the first that did.
    const [changed, origin] = [this.#record.steps[change.root], this.#changes[change.root]];
    if (changed === undefined || origin === undefined) return { ...change, root: undefined };
    const first = { ...origin, text: `${label(changed)}: ${origin.text}` };
    const group = `change in ${change.root}`;
    return this.#roots.has(group) ? { ...change, root: this.#roots.get(group) } : this.#inGroup(index, first, group);
  }

  #withoutReason(index: number): StepCause {
    const { baseline } = this.#context;
    if (baseline === undefined) return this.#inGroup(index, cause("first_build", FIRST_BUILD, ""), "first_build");
    const isKnown = this.#record.steps[index]?.key !== "";
    const missing = isKnown ? "" : "; some of what it is made of was not seen";
    return cause("unknown", `nothing that was seen differs from the earlier build${missing}`, "");
  }

  /** Undefined where that step has no cause, as people do not know of it. */
  #rootOf(index: number): number | undefined {
    const why = this.#causes[index];
    return why === undefined ? undefined : (why.root ?? index);
  }

  #inGroup(index: number, why: StepCause, group: string): StepCause {
    const root = this.#roots.get(group);
    if (root !== undefined) return { ...why, root };
    this.#roots.set(group, index);
    return why;
  }
}
