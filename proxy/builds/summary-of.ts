/** The part of a record that lists show. */
import type { BuildRecord, BuildSummary } from "./build-record.js";

export function summaryOf({
  steps: _steps,
  transfers: _transfers,
  argumentNames: _argumentNames,
  noCache: _noCache,
  baseline: _baseline,
  isCut: _isCut,
  ...summary
}: BuildRecord): BuildSummary {
  return summary;
}
