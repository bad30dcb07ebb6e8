/** The record of a build equals what its client was shown, and what BuildKit's own history has of it. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import type { BuildRecord } from "../../builds/build-record.js";
import { loadBuildMessages } from "../../buildkit/build-messages.js";
import { CONTROL } from "../../buildkit/methods.js";
import { GrpcClient } from "../../grpc/grpc-client.js";
import { encodeLlb, filesLlb } from "../support/files-llb.js";
import { readSeries } from "../support/series.js";
import { SHELL } from "../system/world.js";
import { useBuildsWorld } from "./builds-world.js";
import {
  cacheMetricsOf,
  expectCounts,
  expectInspected,
  expectSteps,
  reportedSteps,
  type Inspected,
} from "./reports.js";

/** Two stages, one of them with what the client sends. */
const STAGES = `${SHELL}FROM shell AS one
COPY file /
RUN echo said by one && cat /file > /one
FROM shell AS two
RUN echo two > /two
FROM scratch AS both
COPY --from=one /one /
COPY --from=two /two /
`;

interface Scenario {
  readonly title: string;
  readonly dockerfile: string;
  readonly args?: readonly string[];
  /** Of buildx, default 0. */
  readonly code?: number;
  /** Of steps by name, in the order of their names. */
  readonly results?: Readonly<Record<string, string>>;
  readonly error?: RegExp;
}

const SCENARIOS: readonly Scenario[] = [
  { title: "that runs all of its steps", dockerfile: STAGES },
  { title: "that finds all of its steps", dockerfile: STAGES },
  {
    title: "that finds some of its steps",
    dockerfile: STAGES.replace("echo two", "echo other"),
    results: {
      "[both 1/2] COPY --from=one /one /": "cached",
      "[both 2/2] COPY --from=two /two /": "ran",
      "[one 1/2] COPY file /": "cached",
      "[one 2/2] RUN echo said by one && cat /file > /one": "cached",
      "[shell 1/2] COPY --from=tools busybox /bin/busybox": "cached",
      '[shell 2/2] RUN ["/bin/busybox", "--install", "-s", "/bin"]': "cached",
      "[two 1/1] RUN echo other > /two": "ran",
    },
  },
  { title: "without a cache", dockerfile: STAGES, args: ["--no-cache"] },
  { title: "with a stage without a cache", dockerfile: STAGES, args: ["--no-cache-filter", "one"] },
  { title: "of one target", dockerfile: STAGES, args: ["--target", "two"] },
  {
    title: "for two platforms",
    dockerfile: "FROM scratch\nCOPY file /\n",
    args: ["--platform", "linux/amd64,linux/arm64"],
  },
  {
    title: "with another folder as a context",
    dockerfile: "FROM scratch\nCOPY --from=more file /\n",
    args: ["--build-context", "more=../../contexts/scenario"],
  },
  {
    title: "with a step that fails",
    dockerfile: `${SHELL}RUN echo failing; exit 9\n`,
    code: 1,
    error: /exit code: 9/,
  },
  {
    title: "with a step that fails while another is at work",
    dockerfile: `${SHELL}FROM shell AS slow
RUN sleep 30; echo slow > /slow
FROM shell
RUN sleep 1; exit 9
COPY --from=slow /slow /
`,
    code: 1,
    error: /exit code: 9/,
  },
  { title: "of a Dockerfile that is none", dockerfile: "FROM scratch\nNOTHING of it\n", code: 1, error: /NOTHING/ },
  {
    title: "of a file that is not there",
    dockerfile: "FROM scratch\nCOPY nothing /\n",
    code: 1,
    error: /"\/nothing": not found/,
  },
];

describe("the record of a build", () => {
  const world = useBuildsWorld();
  let builds = 0;

  const inspect = async ({ ref }: BuildRecord): Promise<Inspected> => {
    const { code, stderr, stdout } = await world().buildx.run(["history", "inspect", "--format", "json", ref]);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout.toString()) as Inspected;
  };

  const recorded = async (action: () => Promise<unknown>, count = 1): Promise<readonly BuildRecord[]> => {
    builds += count;
    // BuildKit merges equal steps into those that an export still holds, and tells of both.
    await world().exported();
    return world().recorded(action, count);
  };

  for (const { args = [], code = 0, dockerfile, error, results, title } of SCENARIOS) {
    it(`equals what buildx shows and BuildKit keeps of one ${title}`, async () => {
      const context = await world().context("scenario", { Dockerfile: dockerfile, file: "file\n" });
      let shown = "";
      const [record] = await recorded(async () => {
        const outcome = await world().build(context, "--progress", "rawjson", ...args);
        expect(outcome.code, outcome.stderr).to.equal(code);
        shown = outcome.stderr;
      });
      if (record === undefined) throw new Error("there was a build");
      expectSteps(record, reportedSteps(shown));
      expectInspected(record, await inspect(record));
      expect(record.project).to.equal("scenario");
      if (error === undefined) expect(record.error).to.equal("");
      else expect(record.error).to.match(error);
      if (results === undefined) return;
      const ofUser = record.steps
        .filter(({ name }) => /^\[\w+ \d\/\d\]/.test(name))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(Object.fromEntries(ofUser.map(({ name, result }) => [name, result]))).to.deep.equal(results);
    });
  }

  it("has names of build arguments in place of their values", async () => {
    const context = await world().context("arguments", { Dockerfile: `${SHELL}ARG WORD\nRUN echo "$WORD" > /word\n` });
    let shown = "";
    const [record] = await recorded(async () => {
      shown = (await world().build(context, "--progress", "rawjson", "--build-arg", "WORD=unspeakable")).stderr;
    });
    if (record === undefined) throw new Error("there was a build");
    expect(record.argumentNames).to.deep.equal(["WORD"]);
    expect(record.steps.map(({ digest }) => digest)).to.have.members([...reportedSteps(shown).keys()]);
    expect(record.steps.map(({ name }) => name)).to.include('[shell 3/3] RUN echo "$WORD" > /word');
    expect(JSON.stringify(record)).to.not.include("unspeakable");
  });

  it("is one of a group where a bake builds more than one target", async () => {
    const bake = 'group default { targets = ["one", "two", "both"] }\n';
    const target = (name: string): string =>
      `target ${name} {\n  target = "${name}"\n  contexts = { tools = "${join(world().dir, "tools")}" }\n}\n`;
    const context = await world().context("baked", {
      ...{ Dockerfile: STAGES, file: "baked\n" },
      "docker-bake.hcl": bake + ["one", "two", "both"].map(target).join(""),
    });
    let shown = "";
    const records = await recorded(async () => {
      const allow = ["--allow", `fs.read=${world().dir}`];
      const outcome = await world().buildx.run(["bake", "--progress", "rawjson", ...allow], { cwd: context });
      expect(outcome.code, outcome.stderr).to.equal(0);
      shown = outcome.stderr;
    }, 3);
    expect(records.map(({ target }) => target)).to.have.members(["one", "two", "both"]);
    expect(new Set(records.map(({ group }) => group))).to.have.property("size", 1);
    const steps = new Set(records.flatMap((record) => record.steps.map(({ digest }) => digest)));
    expect([...steps]).to.have.members([...reportedSteps(shown).keys()]);
    for (const record of records) expectInspected(record, await inspect(record));
  });

  it("counts as buildctl counts", async () => {
    const context = await world().context("counted", { Dockerfile: STAGES, file: "counted\n" });
    const run = async (...args: string[]): Promise<{ readonly misses: number; readonly total: number }> => {
      let printed = "";
      const [record] = await recorded(async () => {
        const command = world().buildctlCommand(context, "--debug-json-cache-metrics", "stdout", ...args);
        const outcome = await world().buildctl(command);
        expect(outcome.code, outcome.stderr).to.equal(0);
        printed = outcome.stdout.toString();
      });
      if (record === undefined) throw new Error("there was a build");
      expectCounts(record, cacheMetricsOf(printed));
      expectInspected(record, await inspect(record));
      return { misses: record.counts.cacheable - record.counts.cached, total: record.counts.user };
    };
    const cold = await run("--no-cache");
    // As long as the steps without a cache are at hand for the export, BuildKit merges the same steps into them.
    await world().exported();
    expect(cold.misses).to.equal(cold.total);
    const warm = await run();
    expect(warm.misses).to.be.below(cold.misses);
  });

  it("is complete where the client asks for no progress", async () => {
    const messages = await loadBuildMessages();
    const files = { "/a": randomBytes(8).toString("hex"), "/b": "b", "/c": "c" };
    const ref = randomBytes(16).toString("hex");
    const [record] = await recorded(async () => {
      const socket = connect(world().memoBuild.unixSocket);
      await once(socket, "connect");
      const client = new GrpcClient(socket);
      try {
        const request = { ref, definition: encodeLlb("Definition", filesLlb(files)) };
        await client.unary(CONTROL.solve, messages.solveRequest.encode(request), {
          signal: new AbortController().signal,
        });
      } finally {
        client.close();
      }
    });
    if (record === undefined) throw new Error("there was a build");
    const written = record.steps.filter(({ name }) => name.startsWith("mkfile"));
    expect(written.map(({ name, result }) => [name, result]).sort()).to.deep.equal([
      ["mkfile /a", "ran"],
      ["mkfile /b", "ran"],
      ["mkfile /c", "ran"],
    ]);
    expectInspected(record, await inspect(record));
  });

  it("is made of builds alone: not of questions, of probes, or of what MemoBuild itself asks the builder to do", async () => {
    for (const args of [
      ["inspect", "--bootstrap"],
      ["du"],
      ["history", "ls"],
      ["prune", "--force", "--filter", "id=none"],
    ])
      expect((await world().buildx.run(args)).code, args.join(" ")).to.equal(0);
    await world().exported();
    expect((await readSeries(world().memoBuild)).get('memobuild_cache_exports_total{result="published"}')).to.be.above(
      0,
    );
    expect(await world().all()).to.have.length(builds);
    expect((await readSeries(world().memoBuild)).get("memobuild_builds_running")).to.equal(0);
    const failures = [...(await readSeries(world().memoBuild))].filter(([name]) =>
      name.startsWith("memobuild_record_failures_total"),
    );
    expect(failures.filter(([, value]) => value > 0)).to.deep.equal([]);
  });
});
