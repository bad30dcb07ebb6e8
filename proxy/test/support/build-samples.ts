/** Builds and steps to test with: complete, and as ordinary as they can be. */
import type { BuildRecord, BuildSummary, StepCause, StepCounts, StepRecord } from "../../builds/build-record.js";

export const SAMPLE_STARTED_AT_MS = 1_800_000_000_000;

export const sampleCounts = (counts: Partial<StepCounts> = {}): StepCounts => ({
  total: 6,
  completed: 6,
  user: 4,
  cacheable: 3,
  cached: 1,
  cachedBuilder: 0,
  cachedShared: 1,
  ran: 2,
  warnings: 0,
  ...counts,
});

export const sampleSummary = (build: Partial<BuildSummary> = {}): BuildSummary => ({
  tenant: "default",
  project: "github.com/acme/shop",
  dockerfile: "Dockerfile",
  target: "prod",
  platform: "linux/amd64",
  ref: "k3v9x0q8d1m2n4b6c7z5a1s2d",
  group: "session-1",
  revision: "0123456789abcdef0123456789abcdef01234567",
  builder: "unix:///run/buildkit/buildkitd.sock",
  outputs: ["image"],
  startedAtMs: SAMPLE_STARTED_AT_MS,
  endedAtMs: SAMPLE_STARTED_AT_MS + 64_000,
  outcome: "succeeded",
  error: "",
  counts: sampleCounts(),
  savedMs: 30_000,
  addedMs: 12,
  contextBytes: 1_234_567,
  import: { result: "hit", from: ["x1"], records: 12, fetchedLayers: 2, fetchedBytes: 5_000_000 },
  export: { result: "stored", bytes: 7_000_000, durationMs: 1500 },
  ...build,
});

export const sampleStep = (step: Partial<StepRecord> = {}): StepRecord => ({
  digest: "sha256:1",
  key: "key-1",
  name: "[build 1/3] RUN make",
  kind: "exec",
  inputs: [],
  isUser: true,
  stage: "build",
  instruction: "RUN make",
  platform: "linux/amd64",
  ignoresCache: false,
  parts: {},
  shown: {},
  selections: [],
  result: "ran",
  durationMs: 1200,
  startedAtMs: SAMPLE_STARTED_AT_MS,
  completedAtMs: SAMPLE_STARTED_AT_MS + 1200,
  error: "",
  progress: [],
  warnings: [],
  logBytes: 0,
  isLogCut: false,
  ...step,
});

export const FILES_CHANGED: StepCause = {
  kind: "files_changed",
  text: "1 file that COPY takes changed: src/main.c",
  hint: "Copy what changes often behind what changes rarely.",
  files: [{ path: "src/main.c", change: "content", before: "", after: "" }],
  fileCount: 1,
  cascade: { steps: 1, durationMs: 42_000 },
};

const lines = (first: number): StepRecord["lines"] => ({ file: "Dockerfile", first, last: first });

/** The context, a stage that is reused up to a COPY, and one that takes from it. */
export const SAMPLE_STEPS: readonly StepRecord[] = [
  sampleStep({
    digest: "sha256:0",
    name: "[internal] load build context",
    kind: "local",
    isUser: false,
    stage: "",
    platform: "",
    durationMs: 100,
  }),
  sampleStep({
    digest: "sha256:1",
    name: "[build 1/3] FROM docker.io/library/gcc:15",
    kind: "image",
    result: "cached",
    cachedFrom: "shared",
    durationMs: 0,
    lines: lines(1),
  }),
  sampleStep({
    digest: "sha256:2",
    name: "[build 2/3] COPY . .",
    kind: "file",
    inputs: [1, 0],
    durationMs: 300,
    lines: lines(3),
    cause: FILES_CHANGED,
  }),
  sampleStep({
    digest: "sha256:3",
    name: "[build 3/3] RUN make",
    inputs: [2],
    durationMs: 42_000,
    logBytes: 30,
    lines: lines(4),
    cause: { kind: "input_changed", text: "its input changed: [build 2/3] COPY . .", hint: "", root: 2 },
  }),
  sampleStep({
    digest: "sha256:4",
    name: "[prod 1/1] COPY --from=build /out /",
    kind: "file",
    stage: "prod",
    inputs: [3],
    result: "failed",
    durationMs: 50,
    lines: lines(7),
    error: "no such file: /out",
  }),
];

export const sampleBuild = (build: Partial<BuildRecord> = {}): BuildRecord => ({
  ...sampleSummary(),
  steps: SAMPLE_STEPS,
  transfers: [
    {
      name: "context",
      fileList: "list-1",
      fileCount: 12,
      isComplete: true,
      requestedFiles: 3,
      sentBytes: 1_234_567,
    },
  ],
  argumentNames: ["VERSION"],
  noCache: [],
  baseline: "x1",
  isCut: false,
  ...build,
});
