/** The part of a record that lists show. */
import type { BuildRecord, BuildSummary } from "./build-record.js";

const OF_THE_RECORD_ONLY: readonly Exclude<keyof BuildRecord, keyof BuildSummary>[] = [
  "steps",
  "transfers",
  "argumentNames",
  "noCache",
  "baseline",
  "isCut",
];

export function summaryOf(record: BuildRecord): BuildSummary {
  const summary: BuildSummary = { ...record };
  for (const field of OF_THE_RECORD_ONLY) Reflect.deleteProperty(summary, field);
  return summary;
}
