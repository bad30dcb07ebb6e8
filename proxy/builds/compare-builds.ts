/** Compares two builds step by step. */
import type { ComparedStep, StepComparison } from "./build-desk.js";
import type { BuildRecord, StepCause, StepRecord } from "./build-record.js";
import { findChanges } from "./find-changes.js";

/** Steps that people know of: those of the later build in its order, then those that only the earlier one has. */
export function compareBuilds(before: BuildRecord, after: BuildRecord): StepComparison[] {
  const noFiles = new Map<string, never>();
  const { causes, counterparts } = findChanges({ record: before, files: noFiles }, { record: after, files: noFiles });
  const later = after.steps.flatMap((step, index): StepComparison[] => {
    const earlier = before.steps[counterparts[index] ?? -1];
    const change = earlier === undefined ? undefined : causes[index];
    const changes = earlier === undefined || change === undefined ? [] : [textOf(earlier, step, change)];
    // What it was compared with when it ended names the files.
    const text = after.baseline === before.ref && step.cause?.files !== undefined ? [step.cause.text] : changes;
    return step.isUser ? [{ name: step.name, before: compared(earlier), after: compared(step), changes: text }] : [];
  });
  const kept = new Set(counterparts);
  const gone = before.steps.flatMap((step, index): StepComparison[] =>
    step.isUser && !kept.has(index) ? [{ name: step.name, before: compared(step), changes: [] }] : [],
  );
  return [...later, ...gone];
}

function textOf(earlier: StepRecord, step: StepRecord, { kind, root, text }: StepCause): string {
  const hasKeys = earlier.key !== "" && step.key !== "";
  if (kind === "unknown" && root !== undefined && hasKeys) return "what it builds on changed";
  const isFiles = kind === "unknown" && step.selections.length > 0 && hasKeys;
  return isFiles ? "files that it takes changed, or at least their times" : text;
}

function compared(step: StepRecord): ComparedStep;
function compared(step: StepRecord | undefined): ComparedStep | undefined;
function compared(step: StepRecord | undefined): ComparedStep | undefined {
  return step === undefined ? undefined : { result: step.result, durationMs: step.durationMs };
}
