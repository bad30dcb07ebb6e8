/** What differs between two builds: in words, and step by step. */
import type { BuildSummary, Comparison } from "../../api/openapi.js";
import { formatDuration } from "../../parts/format.js";
import { describeResult, hitRateText } from "./build-words.js";

export type ComparedRow = Comparison["steps"][number];

/** One did another thing than the other, or only one of them has it. */
export const isDifferent = ({ after, before, changes }: ComparedRow): boolean =>
  before === undefined || after === undefined || before.result !== after.result || changes.length > 0;

/** Those that differ first, else in their order. */
export const differentFirst = (rows: readonly ComparedRow[]): readonly ComparedRow[] => [
  ...rows.filter(isDifferent),
  ...rows.filter((row) => !isDifferent(row)),
];

export const comparedText = (step: ComparedRow["before"]): string =>
  step === undefined ? "not there" : describeResult(step);

/** As in "1.2s slower"; "" where they took about the same. */
export function changeText({ after, before }: ComparedRow): string {
  const byMs = (after?.durationMs ?? 0) - (before?.durationMs ?? 0);
  if (Math.abs(byMs) < 1 || after === undefined || before === undefined) return "";
  return `${formatDuration(Math.abs(byMs))} ${byMs > 0 ? "slower" : "faster"}`;
}

const FIELDS = ["project", "dockerfile", "target", "platform", "builder", "revision", "outcome"] as const;

const orNone = (text: string): string => (text === "" ? "none" : text);

/** Of the builds as a whole: one sentence for each that differs. */
export function differences({ after, before, steps }: Comparison): readonly string[] {
  const differing = steps.filter(isDifferent).length;
  const lastedMs = ({ endedAtMs, startedAtMs }: BuildSummary): number | undefined =>
    endedAtMs === undefined ? undefined : endedAtMs - startedAtMs;
  const [first, second] = [lastedMs(before), lastedMs(after)];
  return [
    ...FIELDS.filter((field) => before[field] !== after[field]).map(
      (field) => `The ${field} was ${orNone(before[field])} and is ${orNone(after[field])}.`,
    ),
    ...(first === undefined || second === undefined || Math.round(first) === Math.round(second)
      ? []
      : [`It took ${formatDuration(Math.abs(second - first))} ${second > first ? "longer" : "less"}.`]),
    ...(hitRateText(before) === hitRateText(after)
      ? []
      : [`From a cache came ${orNone(hitRateText(before))} of the steps, then ${orNone(hitRateText(after))}.`]),
    differing === 0
      ? "Every step did the same."
      : `${differing.toString()} of ${steps.length.toString()} steps ${differing === 1 ? "differs" : "differ"}.`,
  ];
}
