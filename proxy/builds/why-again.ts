/** Why a step ran although the same step was made before: nothing of it changed, so its result was not at hand. */
import type { BuildRecord, StepCause, StepRecord } from "./build-record.js";
import { label, timeText } from "./cause-text.js";
import type { ExplainContext } from "./explain-context.js";
import { didRun } from "./find-changes.js";
import type { ExportHistory, RemovalRule } from "./history.js";
import { cause } from "./own-change.js";

/** A cause, and what makes it the same as that of another step. */
export interface GroupedCause {
  readonly cause: StepCause;
  readonly group: string;
}

/** What is known of the last time that the step was made. */
interface MadeBefore {
  readonly ref: string;
  readonly atMs: number;
}

const REF_SHOWN_CHARS = 12;
const build = (ref: string): string => `build ${ref.slice(0, REF_SHOWN_CHARS)}`;

/** A cause, and the index of the step where it began. */
export interface RootedCause {
  readonly cause: StepCause;
  readonly root: number;
}

export class WhyAgain {
  readonly #record: BuildRecord;
  readonly #context: ExplainContext;
  /** Keys of steps that the baseline had results of. */
  readonly #inBaseline: ReadonlySet<string>;
  /** Indexes of steps that an earlier result must have been there for, as others that lie on it were reused. */
  readonly #wereThere: ReadonlySet<number>;

  constructor(record: BuildRecord, context: ExplainContext) {
    this.#record = record;
    this.#context = context;
    const made = (context.baseline?.steps ?? []).filter(({ result }) => result === "ran" || result === "cached");
    this.#inBaseline = new Set(made.map(({ key }) => key));
    this.#wereThere = belowReused(record, context);
  }

  /** Undefined where the step was never made before, as far as is known. */
  causeOf(step: StepRecord): GroupedCause | undefined {
    const { baseline, stepHistory } = this.#context;
    const { startedAtMs } = this.#record;
    const { onBuilder, run } = stepHistory.get(step.key) ?? {};
    if (onBuilder !== undefined && onBuilder.atMs < startedAtMs) return this.#goneFromBuilder(onBuilder, run, step);
    if (onBuilder !== undefined) {
      const text = `${build(onBuilder.ref)} made the same step on this builder at the same time, too late to be reused`;
      return grouped(cause("unknown", text, ""), onBuilder.ref);
    }
    const isSame = baseline !== undefined && this.#inBaseline.has(step.key);
    const elsewhere = run ?? (isSame ? { ref: baseline.ref, atMs: baseline.startedAtMs } : undefined);
    if (elsewhere === undefined) return undefined;
    const where = `this builder never had this step, which ${build(elsewhere.ref)} made on another one`;
    return notShared(where, elsewhere, step, this.#record, this.#context);
  }

  #goneFromBuilder(made: MadeBefore, run: MadeBefore | undefined, step: StepRecord): GroupedCause {
    const where = `the builder had this step (${build(made.ref)}, ${timeText(made.atMs)}) and no longer has it`;
    const { cause: shared } = notShared(where, run ?? made, step, this.#record, this.#context);
    const room =
      "Builders remove what was not used for long when space gets short: see the gc settings in buildkitd.toml.";
    return grouped(cause("evicted", shared.text, shared.kind === "unknown" ? room : shared.hint), made.ref);
  }

  /**
   * A step ran although nothing of it changed, and one that it needs was made to run by `--no-cache`. BuildKit cannot
   * find cached results by what such a step was made from, but only by the files that it gave.
   */
  causeAfterForced(index: number, step: StepRecord): RootedCause | undefined {
    const { steps } = this.#record;
    const forced = step.inputs.filter((input) => isForced(steps[input]));
    const built = forced.find((input) => step.contentInputs?.includes(input) !== true);
    const below = steps[built ?? -1];
    if (built !== undefined && below !== undefined) {
      const text = `it builds on ${label(below)}, which the client asked to run anew`;
      return { cause: cause("input_changed", text, ""), root: built };
    }
    const [taken] = forced;
    const from = steps[taken ?? -1];
    if (taken === undefined || from === undefined) return undefined;
    if (this.#context.stepHistory.get(step.key)?.onBuilder === undefined) return undefined;
    if (!this.#wereThere.has(index)) {
      const text = `either ${label(from)}, which the client asked to run anew, gave other files than before, or the builder had removed this step: what was seen does not tell which`;
      return { cause: cause("unknown", text, ""), root: taken };
    }
    const isAlone = !from.inputs.some((input) => isForced(steps[input]));
    const text = `${label(from)}${isAlone ? "" : ", or a step before it,"} gave other files than before from the same inputs`;
    const hint = "Make it give the same each time: no times, random values or downloads without a fixed version.";
    return { cause: cause("nondeterministic", text, hint), root: taken };
  }
}

const grouped = (found: StepCause, ref: string): GroupedCause => ({ cause: found, group: `${found.kind} ${ref}` });

const IMPORT_FAILURES: ReadonlyMap<string, readonly [why: string, hint: string]> = new Map([
  [
    "unreachable",
    ["the builder does not reach the shared cache", "Check the address that builders reach MemoBuild's registry at."],
  ],
  ["failed", ["the shared cache could not be read", "The log of MemoBuild says why."]],
  ["broken", ["a layer of the shared cache was lost", "The next export mends that."]],
  ["none", ["the shared cache was not used for this build", ""]],
]);

/** Why the shared cache did not help. */
function notShared(
  where: string,
  made: MadeBefore,
  { key }: StepRecord,
  { import: { result } }: BuildRecord,
  { exports, importedKeys }: ExplainContext,
): GroupedCause {
  const answer = (kind: StepCause["kind"], why: string, hint = ""): GroupedCause =>
    grouped(cause(kind, `${where}; ${why}`, hint), made.ref);
  const failure = IMPORT_FAILURES.get(result);
  if (failure !== undefined) return answer("import_failed", ...failure);
  if (importedKeys.has(key)) return answer("unknown", "the shared cache had it, and why it was not used was not seen");
  const exported = exports.find(({ ref }) => ref === made.ref);
  if (exported === undefined) return answer("unknown", "whether it was exported to the shared cache is not known");
  if (exported.removed !== undefined) {
    const { atMs, rule } = exported.removed;
    const [why, hint] = RULES[rule];
    return answer("evicted", `the shared cache removed it at ${timeText(atMs)}: ${why}`, hint);
  }
  const reason = exportReason(exported);
  if (reason !== undefined) return answer("not_exported", reason);
  return answer("unknown", "its build was exported to the shared cache, but the import did not have this step");
}

const MORE_ROOM = "Allow the shared cache more room.";
const RULES: Readonly<Record<RemovalRule, readonly [why: string, hint: string]>> = {
  size: ["it had grown larger than allowed", MORE_ROOM],
  free_space: ["free space had run short", MORE_ROOM],
  age: ["it was not used for too long", "Keep what is not used for longer."],
  prune: ["someone pruned it", ""],
};

const NOT_EXPORTED: ReadonlyMap<string, string> = new Map([
  ["none", "it was not exported to the shared cache"],
  ["pending", "its export to the shared cache had not ended"],
  ["build_failed", "it was not exported to the shared cache, because its build failed"],
  ["refused", "it was not exported to the shared cache, because the builder had too many exports to do"],
  ["not_pinned", "it was not exported to the shared cache, because its build ended before the export was ready"],
]);

/** Undefined where it was exported. */
function exportReason({ result }: ExportHistory): string | undefined {
  // "duplicate": another job exported the same.
  if (result === "published" || result === "unchanged" || result === "duplicate") return undefined;
  return NOT_EXPORTED.get(result) ?? `its export to the shared cache did not succeed (${result})`;
}

const isForced = (step: StepRecord | undefined): boolean => step?.ignoresCache === true && didRun(step);

/**
 * A result that lies on another keeps that on the builder. So where a step that builds on one was reused from the builder
 * itself, an earlier result of that one was there too.
 */
function belowReused({ steps }: BuildRecord, context: ExplainContext): Set<number> {
  const { hasOwnImports, importedKeys, stepHistory } = context;
  if (hasOwnImports) return new Set();
  return new Set(
    steps.flatMap(({ contentInputs, inputs, key, kind, result }) => {
      const isReused = result === "cached" && kind === "exec" && stepHistory.get(key)?.onBuilder !== undefined;
      if (!isReused || importedKeys.has(key)) return [];
      return inputs.filter((input) => contentInputs?.includes(input) !== true);
    }),
  );
}
