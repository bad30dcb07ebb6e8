/** Which cache a reused step came from. */
import type { BuildRecord, CacheSource, StepRecord } from "./build-record.js";
import type { ExplainContext } from "./explain-context.js";

const DIGEST = /sha256:[0-9a-f]{64}/;

/** "unknown" where more than one may have had it. */
export function cacheSourceOf(step: StepRecord, record: BuildRecord, context: ExplainContext): CacheSource {
  const { fetchedLayers, hasOwnImports, importedKeys, stepHistory } = context;
  const isFetched = step.progress.some(({ id }) => fetchedLayers.has(DIGEST.exec(id)?.[0] ?? ""));
  if (isFetched) return "shared";
  if (stepHistory.get(step.key)?.onBuilder !== undefined) return "builder";
  if (hasOwnImports) return "unknown";
  if (step.key !== "" && importedKeys.has(step.key)) return "shared";
  return record.import.result === "injected" ? "unknown" : "builder";
}
