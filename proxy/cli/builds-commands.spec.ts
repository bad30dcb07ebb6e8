/** `memobuild builds …` against a real API server: what is printed, what is done, and how each command exits. */
import { expect } from "chai";
import type { BuildRecord, ChangedFile } from "../builds/build-record.js";
import { summaryOf } from "../builds/summary-of.js";
import {
  FILES_CHANGED,
  SAMPLE_STARTED_AT_MS,
  SAMPLE_STEPS,
  sampleBuild,
  sampleCounts,
  sampleStep,
} from "../test/support/build-samples.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns } from "../test/support/cli-runs.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { poll } from "../test/support/poll.js";

const HOUR_MS = 3_600_000;
const NOW_MS = SAMPLE_STARTED_AT_MS + 3 * HOUR_MS;
const MISS = { step: "[build 2/3] COPY . .", kind: "files_changed", text: FILES_CHANGED.text } as const;

describe("memobuild builds", () => {
  let desk: MemoryBuildDesk;
  let api: CacheApi;
  let cli: CliRuns;

  beforeEach(async () => {
    desk = new MemoryBuildDesk();
    api = await startCacheApi(undefined, { builds: desk, now: () => NOW_MS });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir }, () => NOW_MS);
  });
  afterEach(() => api.close());

  /** Later ones started later. */
  const put = (ref: string, build: Partial<BuildRecord> = {}): BuildRecord =>
    desk.put(
      sampleBuild({
        ref,
        group: ref,
        startedAtMs: SAMPLE_STARTED_AT_MS + (Number.parseInt(ref, 36) % 1000),
        endedAtMs: SAMPLE_STARTED_AT_MS + 64_000,
        ...build,
      }),
    );

  describe("ls", () => {
    it("prints a table, the latest start first", async () => {
      put("k3v9x0q8d1m2n4b6c7z5a1s2d", { startedAtMs: SAMPLE_STARTED_AT_MS, firstMiss: MISS, outcome: "failed" });
      put("a", { startedAtMs: NOW_MS - 3000, endedAtMs: undefined, outcome: "running", target: "", platform: "" });
      expect(await cli.run("builds", "ls")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "REF            PROJECT                TARGET             STATUS    STEPS   DURATION   STARTED         FIRST MISS",
          "a              github.com/acme/shop   -                  running   1/3     3.0s       3 seconds ago   -",
          "k3v9x0q8d1m2   github.com/acme/shop   prod linux/amd64   failed    1/3     1m 4s      3 hours ago     1 file that COPY takes changed: src/main.c",
          "",
        ].join("\n"),
      });
    });

    it("numbers the groups of which there are several", async () => {
      put("1", { group: "bake" });
      put("2", { group: "other" });
      put("3", { group: "bake" });
      const lines = (await cli.run("builds", "ls")).stdout.trimEnd().split("\n");
      expect(lines.map((line) => /(GROUP|\d|-)$/.exec(line)?.[1])).to.deep.equal(["GROUP", "1", "-", "1"]);
    });

    it("filters by project, builder, outcome and time", async () => {
      put("1", { project: "other" });
      put("2", { builder: "tcp://far:1" });
      put("3", { outcome: "canceled" });
      put("4", { startedAtMs: NOW_MS - HOUR_MS });
      const found = async (...flags: string[]): Promise<string> => {
        const builds = (await cli.json("builds", "ls", ...flags)) as { readonly ref: string }[];
        return builds.map(({ ref }) => ref).join("");
      };
      expect(await found()).to.equal("4321");
      expect(await found("--project", "oth")).to.equal("1");
      expect(await found("--builder", "tcp://far:1")).to.equal("2");
      expect(await found("--outcome", "canceled")).to.equal("3");
      expect(await found("--since", "90m")).to.equal("4");
    });

    it("reads page after page up to the limit, and says that there may be more", async () => {
      for (let count = 0; count < 520; count += 1) put(`b${count}`, { startedAtMs: SAMPLE_STARTED_AT_MS + count });
      const all = (await cli.json("builds", "ls", "--limit", "1000")) as unknown[];
      expect(all).to.have.length(520);
      const { stdout, stderr } = await cli.run("builds", "ls", "--limit=501", "--format=json");
      expect(JSON.parse(stdout)).to.have.length(501);
      expect(stderr).to.equal("memobuild: shows 501 at most; --limit shows more\n");
    });

    it("prints names in full when asked to, and never what moves the cursor", async () => {
      put("k3v9x0q8d1m2n4b6c7z5a1s2d", { project: "x".repeat(100), target: "a\u{1b}[2J\u{202e}b" });
      expect((await cli.run("builds", "ls")).stdout).not.to.include("x".repeat(50));
      const { stdout } = await cli.run("builds", "ls", "--no-trunc");
      expect(stdout).to.include("x".repeat(100)).and.include("k3v9x0q8d1m2n4b6c7z5a1s2d");
      expect(stdout).to.include("a\u{fffd}[2J\u{fffd}b linux/amd64");
    });

    it("colours outcomes on a terminal, and not with NO_COLOR", async () => {
      put("1");
      cli.isTerminal = true;
      expect((await cli.run("builds", "ls")).stdout).to.include("\u{1b}[32msucceeded\u{1b}[0m");
      cli.env = { ...cli.env, NO_COLOR: "1" };
      expect((await cli.run("builds", "ls")).stdout).not.to.include("\u{1b}");
    });
  });

  describe("inspect", () => {
    it("prints the summary, the steps and what was sent", async () => {
      put("k3v9x0q8d1m2", { startedAtMs: SAMPLE_STARTED_AT_MS, firstMiss: MISS });
      const { code, stdout } = await cli.run("builds", "inspect", "k3v");
      expect(code).to.equal(0);
      for (const line of [
        "Build:          k3v9x0q8d1m2",
        "Project:        github.com/acme/shop",
        "Arguments:      VERSION",
        "Started:        2027-01-15T08:00:00.000Z (3 hours ago)",
        "Duration:       1m 4s",
        "Outcome:        succeeded",
        "Steps:          1 of 3 from a cache (1 shared), 2 ran",
        "Time saved:     30.0s",
        "Added latency:  12ms",
        "Cache import:   hit, 12 records of 1 build, 2 layers fetched (5MB)",
        "Cache export:   stored, 7MB in 1.5s behind the build",
        "First miss:     [build 2/3] COPY . .: 1 file that COPY takes changed: src/main.c",
        "#   STEP                                        RESULT   CACHE    TIME    LINE",
        "2   [build 1/3] FROM docker.io/library/gcc:15   cached   shared           Dockerfile:1",
        "4   [build 3/3] RUN make                        ran               42.0s   Dockerfile:4",
        "#5 failed: no such file: /out",
        "context              12      3           1.23MB",
      ]) {
        expect(stdout.split("\n")).to.include(line);
      }
    });

    it("takes the latest build where none is named, and ^2 for the one before", async () => {
      const [before, latest] = [put("1"), put("2")];
      expect(await cli.json("builds", "inspect")).to.deep.equal(latest);
      expect(await cli.json("builds", "inspect", "^2")).to.deep.equal(before);
    });
  });

  describe("graph", () => {
    it("draws a tree, and other forms when asked to", async () => {
      put("1");
      expect((await cli.run("builds", "graph")).stdout).to.match(/^build\n├─ cached: shared {2}\[build/);
      expect((await cli.run("builds", "graph", "1", "--format", "mermaid")).stdout).to.match(/^flowchart TB\n/);
      expect((await cli.run("builds", "graph", "--format=dot")).stdout).to.match(/^digraph build \{\n/);
      const graph = (await cli.json("builds", "graph")) as { readonly nodes: unknown[]; readonly edges: unknown[] };
      expect({ nodes: graph.nodes.length, edges: graph.edges.length }).to.deep.equal({ nodes: 5, edges: 4 });
    });
  });

  describe("explain", () => {
    const missing = (build: Partial<BuildRecord>): void => {
      put("k3v9x0q8d1m2", { counts: sampleCounts(), baseline: "b4s3", ...build });
    };

    it("begins with the first miss and why, and goes on with what it cascaded to and what to do", async () => {
      missing({});
      expect(await cli.run("builds", "explain")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "Build k3v9x0q8d1m2 of github.com/acme/shop prod linux/amd64: 2 of 3 steps ran, 1 came from a cache.",
          "Compared with b4s3.",
          "",
          "First miss: [build 2/3] COPY . .  (Dockerfile:3)",
          "  1 file that COPY takes changed: src/main.c",
          "    content  src/main.c",
          "  Because of it ran 1 more step, 42.0s in all.",
          "  Hint: Copy what changes often behind what changes rarely.",
          "",
        ].join("\n"),
      });
    });

    it("names ten files at most, with what changed of them", async () => {
      const files = Array.from({ length: 12 }, (_, index): ChangedFile => {
        return { path: `f${index}`, change: "mode", before: "0644", after: "0755" };
      });
      missing({ steps: [sampleStep({ cause: { ...FILES_CHANGED, files, fileCount: 30 } })] });
      const { stdout } = await cli.run("builds", "explain");
      expect(stdout.match(/^ {4}mode {2}f\d+ {2}0644 → 0755$/gm)).to.have.length(10);
      expect(stdout).to.include("    and 20 more\n");
    });

    it("shows what a thing was and is, and the other misses behind the first", async () => {
      const cause = {
        kind: "base_image_changed",
        text: "the base image changed",
        hint: "",
        before: "sha256:a",
        after: "sha256:b\u{1b}",
      } as const;
      missing({ steps: [...SAMPLE_STEPS, sampleStep({ name: "[x 1/1] FROM y", cause })], baseline: "" });
      const { stdout } = await cli.run("builds", "explain");
      expect(stdout).to.include("There is no earlier build to compare it with.\n");
      expect(stdout).to.match(
        /\nOther misses[^\n]*:\n\n\[x 1\/1\] FROM y\n {2}the base image changed\n {4}before: sha256:a\n {4}now: {4}sha256:b\u{fffd}\n$/u,
      );
    });

    it("says that nothing missed, and that a build still runs", async () => {
      missing({ steps: [], outcome: "running", endedAtMs: undefined });
      const { stdout } = await cli.run("builds", "explain", "^1");
      expect(stdout).to.include("1 came from a cache so far.\n").and.include("\nNo step missed the cache.\n");
    });

    it("prints the explanation as JSON", async () => {
      missing({});
      expect(await cli.json("builds", "explain", "k3")).to.deep.equal(await desk.explain("k3v9x0q8d1m2"));
    });
  });

  describe("compare", () => {
    it("puts the steps of two builds side by side", async () => {
      put("1", {
        steps: [sampleStep({ name: "RUN a", result: "cached", durationMs: 0 }), sampleStep({ name: "RUN b" })],
      });
      put("2", { steps: [sampleStep({ name: "RUN a", key: "other" })], outcome: "failed" });
      const { code, stdout } = await cli.run("builds", "compare", "^2", "^1");
      expect(code).to.equal(0);
      expect(stdout.split("\n").slice(2)).to.deep.equal([
        "",
        "STEP    BEFORE     AFTER      CHANGED",
        "RUN a   cached     ran 1.2s   the command changed",
        "RUN b   ran 1.2s   -          the command changed",
        "",
      ]);
      expect(stdout).to.match(
        /^Before: 1 of github.com\/acme\/shop prod linux\/amd64: succeeded in 1m 4s, 1\/3 steps /,
      );
      expect(await cli.json("builds", "compare", "1", "2"))
        .to.have.property("steps")
        .with.length(2);
    });

    it("wants two builds", async () => {
      expect(await cli.run("builds", "compare", "^1")).to.include({ code: 2, stdout: "" });
    });
  });

  describe("logs", () => {
    const piece = (step: string, text: string, afterMs = 0) => {
      return { step, stream: 1, atMs: SAMPLE_STARTED_AT_MS + afterMs, text };
    };

    it("prints step after step, in the order in which they began", async () => {
      const steps = [
        sampleStep({ digest: "b", name: "second", startedAtMs: SAMPLE_STARTED_AT_MS + 10, logBytes: 1 }),
        sampleStep({ digest: "a", name: "first", logBytes: 1 }),
        sampleStep({ digest: "c", name: "never", result: "skipped", startedAtMs: undefined, logBytes: 0 }),
      ];
      put("1", { steps });
      desk.log("1", piece("b", "two\n", 20), piece("a", "one\n"), piece("b", "three\n", 30));
      expect(await cli.run("builds", "logs")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "#2 first",
          "#2 0.000 one",
          "#2 DONE 1.2s",
          "",
          "#1 second",
          "#1 0.010 two",
          "#1 0.020 three",
          "#1 DONE 1.2s",
          "",
        ].join("\n"),
      });
    });

    it("prints one step by its number or a part of its name", async () => {
      put("1");
      desk.log("1", piece("sha256:3", "gcc -c main.c\n", 500));
      for (const name of ["4", "#4", "run MAKE"]) {
        expect((await cli.run("builds", "logs", "1", "--step", name)).stdout).to.equal(
          "#4 [build 3/3] RUN make\n#4 0.500 gcc -c main.c\n#4 DONE 42.0s\n",
        );
      }
      expect(await cli.run("builds", "logs", "--step", "RUN nothing")).to.deep.equal({
        code: 1,
        stdout: "",
        stderr: "memobuild: build 1 has no step RUN nothing; see memobuild builds inspect\n",
      });
    });

    it("reads a log of many pages", async () => {
      put("1", { steps: [sampleStep({ digest: "a", logBytes: 1 })] });
      desk.log("1", ...Array.from({ length: 2500 }, (_, index) => piece("a", `line ${index}\n`)));
      expect((await cli.run("builds", "logs")).stdout.match(/line \d+$/gm)).to.have.length(2500);
    });

    it("keeps colours on a terminal, and nothing else that is not text", async () => {
      put("1", { steps: [sampleStep({ digest: "a", logBytes: 1 })] });
      desk.log("1", piece("a", "\u{1b}[31mred\u{1b}[0m \u{1b}[2Jend\n"));
      expect((await cli.run("builds", "logs")).stdout).to.include("#1 0.000 red end\n");
      cli.isTerminal = true;
      expect((await cli.run("builds", "logs")).stdout).to.include("#1 0.000 \u{1b}[31mred\u{1b}[0m end\u{1b}[0m\n");
    });

    it("follows a build until it has ended", async () => {
      const running = { outcome: "running", endedAtMs: undefined } as const;
      const step = sampleStep({ digest: "a", name: "RUN make", result: "running" });
      put("1", { ...running, steps: [step] });
      desk.log("1", piece("a", "one\n"));
      const ending = cli.run("builds", "logs", "--follow");
      await poll(
        () => cli.stdout,
        (text) => text.includes("one"),
        { what: "the first line" },
      );
      desk.log("1", piece("a", "two\n"));
      put("1", { steps: [{ ...step, result: "ran" }] });
      expect(await ending).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: "#1 RUN make\n#1 0.000 one\n#1 0.000 two\n#1 DONE 1.2s\n",
      });
    });

    it("ends with 130 when it is interrupted while it follows", async () => {
      put("1", { outcome: "running", endedAtMs: undefined, steps: [] });
      const ending = cli.run("builds", "logs", "-f");
      cli.interrupted.abort();
      expect(await ending).to.deep.equal({ code: 130, stdout: "", stderr: "memobuild: interrupted\n" });
    });
  });

  describe("rm", () => {
    const left = async (): Promise<string> => {
      const { builds } = await desk.list({ limit: 100 });
      return builds.map(({ ref }) => ref).join("");
    };
    beforeEach(() => {
      put("1");
      put("2", { outcome: "running", endedAtMs: undefined });
      put("3");
      put("4");
    });

    it("removes what is named, also where the names move", async () => {
      expect(await cli.run("builds", "rm", "-f", "^1", "^2", "4")).to.deep.equal({
        code: 0,
        stdout: "4\n3\n",
        stderr: "",
      });
      expect(await left()).to.equal("21");
    });

    it("removes the others beside one that runs, and fails", async () => {
      expect(await cli.run("builds", "rm", "-f", "1", "2", "3")).to.deep.equal({
        code: 1,
        stdout: "1\n3\n",
        stderr: "memobuild: build 2 still runs\n",
      });
    });

    it("removes nothing where a name is wrong", async () => {
      expect(await cli.run("builds", "rm", "-f", "1", "nope")).to.include({ code: 1, stdout: "" });
      expect(await left()).to.equal("4321");
    });

    it("removes all that have ended", async () => {
      for (let count = 0; count < 600; count += 1) put(`x${count}`);
      expect(await cli.run("builds", "rm", "--all", "--force")).to.include({
        code: 0,
        stdout: "Removed: 603 builds\n",
      });
      expect(await left()).to.equal("2");
    });

    it("asks at a terminal, and takes a no for a no", async () => {
      cli.isTerminal = true;
      cli.typed.write("n\n");
      const { code, stdout, stderr } = await cli.run("builds", "rm", "1", "3");
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: "" });
      expect(stderr).to.equal(
        "WARNING! This removes the records of 2 builds, logs included. The cache stays. Continue? [y/N] ",
      );
      expect(await left()).to.equal("4321");
    });

    const mistakes: Readonly<Record<string, string>> = {
      "-f": "name a build, or give --all",
      "-f --all 1": "give builds or --all, not both",
      "1": "there is no terminal to confirm it at; give --force",
    };
    for (const [flags, message] of Object.entries(mistakes)) {
      it(`refuses ${flags}`, async () => {
        expect(await cli.run("builds", "rm", ...flags.split(" "))).to.deep.equal({
          code: 2,
          stdout: "",
          stderr: `memobuild: ${message}; see memobuild builds --help\n`,
        });
      });
    }
  });

  const named = ["inspect nope", "logs nope", "graph nope", "explain nope", "compare nope ^1", "rm -f nope"];
  for (const command of named) {
    it(`says of ${command} that there is no such build`, async () => {
      put("1");
      expect(await cli.run("builds", ...command.split(" "))).to.deep.equal({
        code: 1,
        stdout: "",
        stderr: "memobuild: there is no build nope\n",
      });
    });
  }

  it("says that a name means several builds", async () => {
    put("k1");
    put("k2");
    expect((await cli.run("builds", "inspect", "k")).stderr).to.match(/^memobuild: more than one build begins with k/);
  });

  it("prints its commands when it is given none", async () => {
    const { code, stdout, stderr } = await cli.run("builds");
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    for (const name of ["ls", "inspect", "logs", "graph", "explain", "compare", "rm"]) {
      expect(stderr).to.match(RegExp(`^  ${name} `, "m"));
    }
  });

  it("lists as JSON what the API gave", async () => {
    const build = put("1");
    expect(await cli.json("builds", "ls")).to.deep.equal([summaryOf(build)]);
  });
});
