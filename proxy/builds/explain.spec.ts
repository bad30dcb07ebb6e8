import { expect } from "chai";
import fc from "fast-check";
import { sampleStep } from "../test/support/build-samples.js";
import {
  EARLIER_MS,
  file,
  RUN,
  TEST,
  STEPS,
  recordOf,
  imported,
  edited,
  context,
  changedFrom,
  withFiles,
  onBuilder,
  elsewhere,
  exported,
} from "../test/support/explained-builds.js";
import type { BuildRecord, CauseKind, StepRecord } from "./build-record.js";
import { explain, type ExplainContext } from "./explain.js";
import { explanationOf } from "./explanation-of.js";

interface Case {
  readonly what: string;
  readonly steps: readonly StepRecord[];
  readonly record?: Partial<BuildRecord>;
  readonly context?: Partial<ExplainContext>;
  /** Of the first miss. */
  readonly kind: CauseKind;
  readonly text: RegExp;
  readonly hint?: RegExp;
  /** Names that begin so: the step of the first miss. */
  readonly step?: string;
  /** Steps that ran because of it. */
  readonly cascade?: number;
}

const ALL_RAN = edited({});
const removed = { atMs: EARLIER_MS + 60_000, rule: "size" } as const;
const CASES: readonly Case[] = [
  {
    ...{ what: "nothing to compare with", steps: ALL_RAN, context: { baseline: undefined } },
    ...{ kind: "first_build", text: /no earlier build/, cascade: 2 },
  },
  {
    what: "an instruction that changed",
    steps: edited(changedFrom(3, { instruction: "RUN make all", parts: { ...RUN.parts, command: "c2" } })),
    ...{ kind: "instruction_changed", text: /instruction changed/, step: "[app 3/4]", cascade: 1 },
  },
  {
    what: "an instruction that is new",
    steps: [
      ...edited({ 2: { result: "cached" } }).slice(0, 3),
      { ...RUN, key: "new", instruction: "RUN new", name: "[app 3/5] RUN new" },
      { ...RUN, key: "make2", inputs: [3], name: "[app 4/5] RUN make" },
      { ...TEST, key: "test2", inputs: [4], name: "[app 5/5] RUN test" },
    ],
    ...{ kind: "instruction_added", text: /is new/, step: "[app 3/5]", cascade: 2 },
  },
  {
    what: "an instruction that is gone",
    steps: [
      ...edited({ 2: { result: "cached" } }).slice(0, 3),
      { ...TEST, key: "test2", inputs: [2], name: "[app 3/3] RUN test" },
    ],
    ...{ kind: "instruction_changed", text: /removed: RUN make/, step: "[app 3/3]" },
  },
  {
    what: "a build argument with another value",
    steps: edited({
      ...changedFrom(3, { parts: { ...RUN.parts, "arg:VERSION": "v2" } }),
      4: { key: "test2", parts: { ...TEST.parts, "arg:VERSION": "v2" } },
    }),
    ...{ kind: "argument_changed", text: /the value of ARG VERSION changed/, step: "[app 3/4]", cascade: 1 },
    hint: /as late as possible/,
  },
  {
    what: "a variable with another value",
    steps: edited(changedFrom(3, { parts: { ...RUN.parts, "env:PATH": "p2" } })),
    ...{ kind: "environment_changed", text: /environment variable PATH changed/, cascade: 1 },
  },
  {
    what: "another folder to run in",
    steps: edited(changedFrom(3, { parts: { ...RUN.parts, folder: "f2" } })),
    ...{ kind: "environment_changed", text: /WORKDIR/ },
  },
  {
    what: "another platform",
    steps: edited(changedFrom(3, { platform: "linux/arm64", parts: { ...RUN.parts, platform: "p2" } })),
    ...{ kind: "platform_changed", text: /from linux\/amd64 to linux\/arm64/ },
  },
  {
    what: "a base image with another digest",
    steps: edited({
      ...changedFrom(2, {}),
      0: { ...{ key: "from2", parts: { image: "i", digest: "d2" } }, shown: { image: "alpine:3", digest: "sha256:2" } },
    }),
    ...{ kind: "base_image_changed", text: /^\[app 1\/4\] FROM alpine:3: .*alpine:3 was published anew/ },
    ...{ step: "[app 2/4]", cascade: 2 },
  },
  {
    what: "a build context that is an image now",
    steps: edited({
      ...changedFrom(2, { selections: [] }),
      1: { kind: "image", shown: { image: "tools:1", digest: "sha256:3" }, key: "tools" },
    }),
    ...{ kind: "context_changed", text: /is the image tools:1 now, and was a folder of the client/ },
  },
  {
    ...{ what: "files that changed", steps: edited(changedFrom(2, {})) },
    context: withFiles(file("app.js", { contentHash: "2" }), file("lib/x.js", { sizeBytes: 2 })),
    ...{ kind: "files_changed", text: /the files app.js and lib\/x.js in the build context changed/ },
    ...{ step: "[app 2/4]", cascade: 2 },
  },
  {
    ...{ what: "files for .dockerignore", steps: edited(changedFrom(2, {})) },
    context: withFiles(file("node_modules/y/z.js", { contentHash: "2" }), file("debug.log")),
    ...{
      kind: "files_changed",
      text: /debug.log is new and node_modules\/y\/z.js changed/,
      hint: /\*\.log and node_modules\/ to .dockerignore/,
    },
  },
  {
    ...{
      what: "modes that changed",
      steps: edited(changedFrom(2, {})),
      context: withFiles(file("app.js", { mode: 0o664 })),
    },
    ...{
      kind: "file_modes_changed",
      text: /app.js .* has another mode: 0644 became 0664/,
      hint: /umask.*COPY --chmod/,
    },
  },
  {
    ...{ what: "times without content", steps: edited(changedFrom(2, {})) },
    context: withFiles(file("app.js", { modifiedAtMs: 2, contentHash: "" })),
    ...{ kind: "unknown", text: /app.js .* another modification time; whether the content changed was not seen/ },
  },
  {
    ...{
      what: "files that were not seen",
      steps: edited(changedFrom(2, { key: "" })),
      context: { currentFiles: new Map() },
    },
    ...{ kind: "unknown", text: /list of them was not seen/, step: "[app 2/4]" },
  },
  {
    ...{
      what: "--no-cache",
      steps: edited({ 2: { ignoresCache: true }, 3: { ignoresCache: true }, 4: { ignoresCache: true } }),
    },
    ...{ record: { noCache: ["*"] }, kind: "no_cache", text: /--no-cache asks/, cascade: 2 },
  },
  {
    ...{ what: "--no-cache-filter", steps: edited({ 2: { result: "cached" }, 3: { ignoresCache: true } }) },
    ...{ record: { noCache: ["app"] }, context: { stepHistory: onBuilder("make", "test") } },
    ...{ kind: "no_cache", text: /--no-cache-filter asks to run the stage app/, cascade: 1 },
  },
  {
    ...{
      what: "a result that the builder removed",
      steps: ALL_RAN,
      context: { stepHistory: onBuilder("copy", "make", "test") },
    },
    ...{
      kind: "evicted",
      text: /had this step .*2027-01-15 07:00 UTC.* no longer has it/,
      hint: /gc settings/,
      cascade: 2,
    },
  },
  {
    ...{ what: "a result that the shared cache removed", steps: ALL_RAN },
    context: { stepHistory: elsewhere("copy", "make", "test"), exports: exported({ removed }) },
    ...{ kind: "evicted", text: /removed it at 2027-01-15 07:01 UTC: it had grown larger/, cascade: 2 },
  },
  {
    ...{ what: "a result that was never exported", steps: ALL_RAN },
    context: { stepHistory: elsewhere("copy"), exports: exported({ result: "build_failed" }) },
    ...{ kind: "not_exported", text: /never had this step.*because its build failed/ },
  },
  {
    ...{ what: "an import that failed", steps: ALL_RAN, record: { import: imported("unreachable") } },
    ...{ context: { stepHistory: elsewhere("copy", "make", "test") } },
    ...{ kind: "import_failed", text: /does not reach the shared cache/, cascade: 2 },
  },
  {
    ...{ what: "a step that the import had", steps: ALL_RAN },
    context: { stepHistory: elsewhere("copy"), importedKeys: new Set(["copy"]) },
    ...{ kind: "unknown", text: /why it was not used was not seen/ },
  },
  {
    what: "a step that differs in nothing that was seen",
    steps: edited(changedFrom(2, { key: "" })),
    ...{ kind: "unknown", text: /nothing that was seen differs.*not seen/ },
  },
];

describe("explain", () => {
  for (const { cascade, hint, kind, step, text, what, ...test } of CASES) {
    it(`explains ${what}`, () => {
      const explained = explain(recordOf(test.steps, test.record), context(test.context));
      expect(explained.firstMiss?.kind).to.equal(kind);
      expect(explained.firstMiss?.text).to.match(text);
      if (step !== undefined) expect(explained.firstMiss?.step.startsWith(step)).to.equal(true);
      const [first] = explanationOf(explained).misses;
      if (hint !== undefined) expect(first?.cause.hint).to.match(hint);
      if (cascade !== undefined) expect(first?.cause.cascade?.steps).to.equal(cascade);
    });
  }

  it("follows what a change cascaded to, with the time that this took", () => {
    const record = recordOf(edited(changedFrom(2, {})));
    const explained = explain(record, context(withFiles(file("app.js", { contentHash: "2" }))));
    expect(explained.steps.map(({ cause }) => [cause?.kind, cause?.root])).to.deep.equal([
      ...[
        [undefined, undefined],
        [undefined, undefined],
        ["files_changed", undefined],
      ],
      ...[
        ["input_changed", 2],
        ["input_changed", 2],
      ],
    ]);
    expect(explained.steps[2]?.cause?.cascade).to.deep.equal({ steps: 2, durationMs: 12_000 });
    expect(explanationOf(explained)).to.deep.include({ ref: "later", baseline: "earlier", isRunning: false });
  });

  it("shows both instructions and both digests", () => {
    const instruction = edited(changedFrom(3, { instruction: "RUN make all", parts: { command: "c2" } }));
    const changed = explain(recordOf(instruction), context()).steps[3]?.cause;
    expect(changed).to.include({ before: "RUN make", after: "RUN make all" });
    const image = edited({
      0: { result: "ran", key: "f2", parts: { digest: "2" }, shown: { image: "alpine:3", digest: "sha256:2" } },
    });
    const base = explain(recordOf(image), context()).steps[0]?.cause;
    expect(base).to.include({ kind: "base_image_changed", before: "alpine:3@sha256:1", after: "alpine:3@sha256:2" });
  });

  it("takes a comment that changed for no cause", () => {
    const record = recordOf(edited({ 3: { instruction: "RUN # other\n make" } }));
    const explained = explain(record, context({ stepHistory: onBuilder("copy", "make", "test") }));
    expect(explained.steps[3]?.cause?.kind).to.equal("evicted");
  });

  it("does not blame a step that was found in a cache by its files for what builds on it", () => {
    const taken = sampleStep({
      ...{ name: "[out 1/2] COPY --from=app /x /x", kind: "file", stage: "out", instruction: "COPY --from=app /x /x" },
      ...{ key: "taken", inputs: [4], contentInputs: [4], parts: { destination: "x" } },
    });
    const last = sampleStep({
      ...TEST,
      name: "[out 2/2] RUN last",
      stage: "out",
      instruction: "RUN last",
      key: "last",
      inputs: [5],
    });
    const before = recordOf([...STEPS, taken, last], { ref: "earlier" });
    const steps = edited(changedFrom(3, { instruction: "RUN make all", parts: { command: "c2" } }));
    const after = [...steps, { ...taken, key: "taken2", result: "cached" as const }, { ...last, key: "last2" }];
    const explained = explain(recordOf(after), context({ baseline: before }));
    expect(explained.steps[6]?.cause?.kind).to.equal("unknown");
  });

  it("has no cause for what was cached, and for what is no user's step", () => {
    const cached = STEPS.map((step) => ({ ...step, result: "cached" as const }));
    const explained = explain(recordOf(cached), context());
    expect(explained.firstMiss).to.equal(undefined);
    expect(explained.steps.every(({ cause }) => cause === undefined)).to.equal(true);
  });

  it("never throws, and every cascade has a root, whatever the records", () => {
    const step = fc.record({
      name: fc.constantFrom("[a 1/3] RUN x", "[a 2/3] COPY y", "[b 1/1] FROM z", "[internal] w"),
      kind: fc.constantFrom("exec" as const, "file" as const, "image" as const, "local" as const),
      key: fc.constantFrom("", "k1", "k2"),
      stage: fc.constantFrom("", "a", "b"),
      instruction: fc.constantFrom("", "RUN x", "RUN $Y"),
      inputs: fc.array(fc.nat(9), { maxLength: 3 }),
      contentInputs: fc.array(fc.nat(9), { maxLength: 3 }),
      ignoresCache: fc.boolean(),
      isUser: fc.boolean(),
      parts: fc.dictionary(fc.constantFrom("command", "arg:A", "env:B", "digest"), fc.constantFrom("1", "2")),
      result: fc.constantFrom("ran" as const, "cached" as const, "failed" as const, "skipped" as const),
      selections: fc.array(
        fc.record({
          source: fc.nat(9),
          path: fc.string(),
          includePatterns: fc.constant([]),
          excludePatterns: fc.constant([]),
        }),
        { maxLength: 2 },
      ),
    });
    const steps = fc.array(
      step.map((some) => sampleStep(some)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(steps, steps, fc.boolean(), (before, after, isKnown) => {
        const known = isKnown ? onBuilder("k1") : elsewhere("k2");
        const explained = explain(recordOf(after), context({ baseline: recordOf(before), stepHistory: known }));
        for (const { cause } of explained.steps) {
          if (cause?.root === undefined) continue;
          const root = explained.steps[cause.root]?.cause;
          expect(root?.root).to.equal(undefined);
          expect(root?.cascade?.steps).to.be.greaterThan(0);
        }
      }),
    );
  });
});
