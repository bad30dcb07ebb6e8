/** Pairs of builds to explain: one Dockerfile's steps, and what to change of them. */
import type { BuildRecord, ImportNote, ListedFile, StepRecord } from "../../builds/build-record.js";
import type { ExplainContext } from "../../builds/explain.js";
import type { ExportHistory, StepHistory } from "../../builds/history.js";
import { SAMPLE_STARTED_AT_MS, sampleBuild, sampleStep } from "./build-samples.js";

export const EARLIER_MS: number = SAMPLE_STARTED_AT_MS - 3_600_000;

export const file = (path: string, more: Partial<ListedFile> = {}): ListedFile => ({
  ...{ path, mode: 0o644, uid: 0, gid: 0, sizeBytes: 1, modifiedAtMs: 1, linkname: "", contentHash: path },
  ...{ wasRequested: true, ...more },
});
export const FILES: readonly ListedFile[] = [file("app.js"), file("lib/x.js"), file("node_modules/y/z.js")];

export const FROM: StepRecord = sampleStep({
  ...{ name: "[app 1/4] FROM alpine:3", kind: "image", stage: "app", instruction: "FROM alpine:3 AS app", key: "from" },
  ...{ parts: { image: "i", digest: "d1" }, shown: { image: "alpine:3", digest: "sha256:1" }, result: "cached" },
});
export const CONTEXT: StepRecord = sampleStep({
  ...{ name: "[internal] load build context", kind: "local", stage: "", instruction: "", key: "files", isUser: false },
  ...{ parts: { folder: "c" }, shown: { context: "context" } },
});
export const COPY: StepRecord = sampleStep({
  ...{ name: "[app 2/4] COPY . /src", kind: "file", stage: "app", instruction: "COPY . /src", key: "copy" },
  ...{ inputs: [0, 1], contentInputs: [1], parts: { "source paths": "s", destination: "d" } },
  selections: [{ source: 1, path: "/", includePatterns: [], excludePatterns: [] }],
});
export const RUN: StepRecord = sampleStep({
  ...{ name: "[app 3/4] RUN make", stage: "app", instruction: "RUN make", key: "make", inputs: [2], durationMs: 5000 },
  parts: { command: "c", "arg:VERSION": "v", "env:PATH": "p", folder: "f", platform: "p" },
});
export const TEST: StepRecord = sampleStep({
  ...{ name: "[app 4/4] RUN test", stage: "app", instruction: "RUN test", key: "test", inputs: [3], durationMs: 7000 },
  parts: { command: "t", "arg:VERSION": "v", "env:PATH": "p", folder: "f", platform: "p" },
});
export const STEPS: readonly StepRecord[] = [FROM, CONTEXT, COPY, RUN, TEST];
const at = (index: number): number => SAMPLE_STARTED_AT_MS + index * 1000;

export type Edit = Partial<Record<number, Partial<StepRecord>>>;

export const recordOf = (steps: readonly StepRecord[], more: Partial<BuildRecord> = {}): BuildRecord =>
  sampleBuild({
    ...{ ref: "later", steps: steps.map((step, index) => ({ ...step, startedAtMs: at(index) })), noCache: [] },
    transfers: [{ name: "context", fileList: "l", fileCount: 3, isComplete: true, requestedFiles: 3, sentBytes: 3 }],
    ...{ import: imported("injected"), firstMiss: undefined, baseline: "", ...more },
  });

export const imported = (result: string): ImportNote => ({
  result,
  from: [],
  records: 0,
  fetchedLayers: 0,
  fetchedBytes: 0,
});
export const edited = (edit: Edit): StepRecord[] => STEPS.map((step, index) => ({ ...step, ...edit[index] }));
export const baseline: BuildRecord = recordOf(STEPS, { ref: "earlier", startedAtMs: EARLIER_MS });

export const context = (more: Partial<ExplainContext> = {}): ExplainContext => ({
  ...{ baseline, baselineFiles: new Map([["context", FILES]]), currentFiles: new Map([["context", FILES]]) },
  ...{ stepHistory: new Map<string, StepHistory>(), exports: [] },
  ...{ importedKeys: new Set<string>(), fetchedLayers: new Set<string>(), hasOwnImports: false },
  ...more,
});

export const NEW_KEYS: Edit = { 2: { key: "copy2" }, 3: { key: "make2" }, 4: { key: "test2" } };
export const changedFrom = (index: number, change: Partial<StepRecord>): Edit => {
  const edit: Edit = {};
  for (let later = 0; later < STEPS.length; later += 1) {
    if (later < index) edit[later] = { result: "cached" };
    else edit[later] = { ...NEW_KEYS[later], ...(later === index ? change : {}) };
  }
  return edit;
};
export const withFiles = (...changed: ListedFile[]): Partial<ExplainContext> => {
  const files = FILES.map((one) => changed.find(({ path }) => path === one.path) ?? one);
  const added = changed.filter(({ path }) => !FILES.some((one) => one.path === path));
  return { currentFiles: new Map([["context", [...files, ...added]]]) };
};
export const onBuilder = (...keys: string[]): Map<string, StepHistory> =>
  new Map(keys.map((key) => [key, { onBuilder: { ref: "earlier", atMs: EARLIER_MS } }]));
export const elsewhere = (...keys: string[]): Map<string, StepHistory> =>
  new Map(keys.map((key) => [key, { run: { ref: "earlier", atMs: EARLIER_MS, builder: "other", durationMs: 1 } }]));
export const exported = (more: Partial<ExportHistory>): readonly ExportHistory[] => [
  { ref: "earlier", result: "published", bytes: 1, durationMs: 1, ...more },
];
