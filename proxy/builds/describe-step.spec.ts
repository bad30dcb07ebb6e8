import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { loadLlbReader, type LlbGraph } from "../buildkit/llb-graph.js";
import type { FileList, ListedFile } from "./build-record.js";
import { describeSteps, displayName, type StepDescription } from "./describe-step.js";

const REAL = new URL("../test/support/dockerfile-definition.bin", import.meta.url);
const VALUE = "1.2.3-value";

const hash = (text: string): string => createHmac("sha256", "key").update(text).digest("hex");
const file = (path: string, contentHash = path): ListedFile => ({
  ...{ path, mode: 0o644, uid: 0, gid: 0, sizeBytes: 1, modifiedAtMs: 1, linkname: "", contentHash },
  wasRequested: true,
});
const CONTEXT: FileList = ["a.txt", "lib/x.js", "lib/y.js", "lib/skip.md"].map((path) => file(path));

describe("describeSteps", () => {
  let graph: LlbGraph;
  before(async () => {
    graph = (await loadLlbReader())(await readFile(REAL));
  });
  const describeWith = (
    context: FileList | undefined,
    argumentValues = new Map([["VERSION", VALUE]]),
  ): StepDescription[] => {
    const fileLists = new Map([["tools", [file("busybox")]]]);
    if (context !== undefined) fileLists.set("context", [...context]);
    return [...describeSteps(graph, { argumentValues, hash, fileLists }).values()];
  };
  const named = (steps: readonly StepDescription[], name: string): StepDescription => {
    const found = steps.find((step) => step.name.startsWith(name));
    if (found === undefined) throw new Error(`no step ${name}`);
    return found;
  };
  /** Names of steps whose keys differ. */
  const differing = (a: readonly StepDescription[], b: readonly StepDescription[]): string[] =>
    a.flatMap(({ key, name }, index) => (key === b[index]?.key ? [] : [/^\[.*?\]/.exec(name)?.[0] ?? name]));

  it("gives each step its stage, instruction and lines", () => {
    expect(named(describeWith(CONTEXT), "[app 1/8]")).to.deep.include({
      ...{ stage: "app", kind: "file", instruction: "WORKDIR /srv/$VERSION", platform: "", ignoresCache: false },
      lines: { file: "Dockerfile", first: 11, last: 11 },
    });
  });

  it("names what steps are made of, arguments apart from other variables, and keeps no value", () => {
    const steps = describeWith(CONTEXT);
    const run = named(steps, "[app 4/8]");
    expect(Object.keys(run.parts)).to.include.members([
      "command",
      "arg:VERSION",
      "arg:FOO",
      "env:APP_VERSION",
      "mount:/mnt",
      "secrets",
    ]);
    expect(Object.keys(named(steps, "[app 1/8]").parts)).to.include("arg:VERSION");
    expect(Object.keys(named(steps, "[app 6/8]").parts)).to.include("document");
    const kept = steps.map((step) => ({ ...step, name: "" }));
    expect(JSON.stringify(kept)).not.to.contain(VALUE);
    expect(JSON.stringify(steps.map(({ parts }) => parts))).not.to.contain("tok");
  });

  it("says what COPY and mounts take from folders of the client", () => {
    const steps = describeWith(CONTEXT);
    const taken = (name: string): unknown =>
      named(steps, name).selections.map(({ path, excludePatterns }) => [path, excludePatterns]);
    expect(taken("[app 2/8]")).to.deep.equal([
      ["/a.txt", []],
      ["/lib/*.js", []],
    ]);
    expect(taken("[app 3/8]")).to.deep.equal([["/lib", ["*.md"]]]);
    expect(taken("[app 4/8]")).to.deep.equal([["/lib", []]]);
  });

  it("tells inputs that count by their files from those that count by how they were made", () => {
    const steps = describeWith(CONTEXT);
    const below = named(steps, "[app 8/8]").digest;
    expect(named(steps, "[stage-2 1/2]").contentInputs).to.deep.equal([below]);
    expect(named(steps, "[app 5/8]").contentInputs).to.deep.equal([]);
    expect(named(steps, "[app 4/8]").contentInputs).to.deep.equal([
      named(steps, "[internal] load build context").digest,
    ]);
  });

  it("changes the keys of steps that take a changed file, and of those that build on them", () => {
    const changed = CONTEXT.map((one) => (one.path === "lib/skip.md" ? file("lib/skip.md", "other") : one));
    const later = ["[app 4/8]", "[app 5/8]", "[app 6/8]", "[app 7/8]", "[app 8/8]", "[stage-2 1/2]", "[stage-2 2/2]"];
    // COPY --link does not build on what is below it: only its merge does.
    const steps = describeWith(CONTEXT);
    expect(differing(steps, describeWith(changed))).to.deep.equal(["[internal]", ...later]);
    expect(named(steps, "[app 7/8] COPY").key).to.equal(named(describeWith(changed), "[app 7/8] COPY").key);
  });

  it("has no key for what takes files that were not seen", () => {
    const steps = describeWith(undefined);
    expect(named(steps, "[app 1/8]").key).to.match(/^[0-9a-f]{64}$/);
    for (const name of ["[app 2/8]", "[app 3/8]", "[stage-2 2/2]"]) expect(named(steps, name).key).to.equal("");
  });
});

describe("displayName", () => {
  const values = new Map([
    ["VERSION", VALUE],
    ["SHORT", "1.2"],
    ["EMPTY", ""],
  ]);
  const cases: readonly (readonly [name: string, instruction: string, shown: string])[] = [
    [`[app 1/8] WORKDIR /srv/${VALUE}`, "WORKDIR /srv/$VERSION", "[app 1/8] WORKDIR /srv/$VERSION"],
    [`[app  1/12] RUN a     ${VALUE}`, "RUN a \\\n  # note\n    $VERSION", "[app  1/12] RUN a $VERSION"],
    ["[app 7/8] LINK COPY --link a /a", "COPY --link a /a", "[app 7/8] LINK COPY --link a /a"],
    ["[a 5/8] RUN <<EOT (echo one...)", "RUN <<EOT\necho one\nEOT", "[a 5/8] RUN <<EOT"],
    [`[linux/arm64 a 1/2] ADD https://x/${VALUE} /`, "", "[linux/arm64 a 1/2] ADD https://x/${VERSION} /"],
    ["[internal] load build context", "", "[internal] load build context"],
    ["exporting 1.2 to image", "", "exporting ${SHORT} to image"],
  ];
  for (const [name, instruction, shown] of cases) {
    it(`shows ${JSON.stringify(name)} without values`, () => {
      expect(displayName(name, instruction, values)).to.equal(shown);
    });
  }
});
