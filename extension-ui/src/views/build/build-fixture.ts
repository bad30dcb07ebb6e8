/** Summaries of builds for specs. */
import type { BuildSummary } from "../../api/openapi.js";

export const buildSummary = (changes: Partial<BuildSummary> = {}): BuildSummary => ({
  ...{ tenant: "default", project: "shop", dockerfile: "Dockerfile", target: "", platform: "", ref: "r", group: "" },
  ...{ revision: "", builder: "b", outputs: [], startedAtMs: 0, endedAtMs: 1000, outcome: "succeeded", error: "" },
  counts: {
    ...{ total: 2, completed: 2, user: 2, cacheable: 2, cached: 2, cachedBuilder: 2, cachedShared: 0 },
    ...{ ran: 0, warnings: 0 },
  },
  ...{ savedMs: 0, addedMs: 0, contextBytes: 0 },
  import: { result: "none", from: [], records: 0, fetchedLayers: 0, fetchedBytes: 0 },
  export: { result: "none", bytes: 0, durationMs: 0 },
  ...changes,
});
