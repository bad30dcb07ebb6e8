/** The misses of a build, as they are shown. */
import type { Explanation, Miss } from "./build-desk.js";
import type { BuildRecord } from "./build-record.js";
import { rootCauses } from "./explain.js";

export function explanationOf(record: BuildRecord): Explanation {
  const misses = rootCauses(record.steps).map(([index, cause]): Miss => {
    const step = record.steps[index];
    const { file = "", first } = step?.lines ?? {};
    return { step: index, name: step?.name ?? "", file, ...(first !== undefined && { line: first }), cause };
  });
  return { ref: record.ref, baseline: record.baseline, isRunning: record.outcome === "running", misses };
}
