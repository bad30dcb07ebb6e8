/** `memobuild watch` against a real API server: each form of it, from the first build to Ctrl-C. */
import { expect } from "chai";
import type { BuildRecord } from "../builds/build-record.js";
import {
  FILES_CHANGED,
  SAMPLE_STARTED_AT_MS,
  sampleBuild,
  sampleCounts,
  sampleStep,
} from "../test/support/build-samples.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns, type Run } from "../test/support/cli-runs.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { poll } from "../test/support/poll.js";

const NOW_MS = SAMPLE_STARTED_AT_MS + 10_000;
const ESC = "\u{1b}";
/** Colours, and whether lines are wrapped. */
const SETTINGS = new RegExp(`${ESC}\\[(?:\\?7[lh]|\\d*m)`, "g");
/** So many rows up, and all below is cleared. */
const REDRAW = new RegExp(`^(?:${ESC}\\[(\\d+)A)?\\r${ESC}\\[J([^]*)$`);
const MISS = { step: "[build 2/3] COPY . .", kind: "files_changed", text: FILES_CHANGED.text } as const;

const running = (ref: string, build: Partial<BuildRecord> = {}): BuildRecord =>
  sampleBuild({
    ref,
    outcome: "running",
    endedAtMs: undefined,
    counts: sampleCounts({ completed: 2 }),
    steps: [sampleStep({ name: "RUN make", result: "running", startedAtMs: NOW_MS - 3000 })],
    ...build,
  });

const ended = (ref: string): BuildRecord => sampleBuild({ ref, firstMiss: MISS });

describe("memobuild watch", () => {
  let desk: MemoryBuildDesk;
  let api: CacheApi;
  let cli: CliRuns;
  let watching: Promise<Run>;

  beforeEach(async () => {
    desk = new MemoryBuildDesk();
    api = await startCacheApi(undefined, { builds: desk });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir }, () => NOW_MS);
  });
  afterEach(() => api.close());

  const seen = (text: string | RegExp): Promise<string> =>
    poll(
      () => cli.stdout,
      (stdout) => (typeof text === "string" ? stdout.includes(text) : text.test(stdout)),
      { what: String(text), timeoutMs: 1500 },
    );
  const interrupt = async (): Promise<Run> => {
    cli.interrupted.abort();
    return watching;
  };

  describe("without a terminal", () => {
    const lines = ({ stdout }: Run): readonly string[] =>
      stdout.split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));

    it("prints a line per event, and ends with 130 at Ctrl-C", async () => {
      desk.put(running("there"));
      watching = cli.run("watch");
      await seen("there");
      desk.put(running("new"));
      desk.put(running("new"));
      desk.put(running("new"));
      desk.put(ended("new"), "ended");
      desk.put(ended("new"), "exported");
      await desk.remove(["new"]);
      await seen("removed");
      const done = await interrupt();
      expect({ code: done.code, stderr: done.stderr }).to.deep.equal({ code: 130, stderr: "" });
      expect(lines(done)).to.deep.equal([
        "there running  github.com/acme/shop prod linux/amd64",
        "new started  github.com/acme/shop prod linux/amd64 on unix:///run/buildkit/buildkitd.sock",
        "new running  2/6 steps; RUN make",
        "new ended    succeeded in 1m 4s, 1/3 steps from a cache, 30.0s saved; " +
          "first miss: [build 2/3] COPY . .: 1 file that COPY takes changed: src/main.c",
        "new exported cache: stored, 7MB",
        "new removed  its record",
        "",
      ]);
    });

    it("fails when MemoBuild goes away", async () => {
      desk.put(running("there"));
      watching = cli.run("watch");
      await seen("there");
      await api.close();
      const { code, stderr } = await watching;
      expect({ code, stderr }).to.deep.equal({
        code: 1,
        stderr: "memobuild: MemoBuild went away before it answered\n",
      });
    });

    it("prints events as lines of JSON", async () => {
      watching = cli.run("watch", "--format", "json");
      // Nothing tells that it listens: it is told of a build until it does.
      await poll(
        () => {
          desk.put(running("new"));
          return cli.stdout;
        },
        (stdout) => stdout !== "",
        { what: "an event" },
      );
      desk.put(ended("new"), "ended");
      await seen('"type":"ended"');
      const { stdout } = await interrupt();
      const events = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { readonly type: string; readonly build: { readonly ref: string } });
      expect(events.at(-1)).to.have.property("type", "ended");
      expect(new Set(events.map(({ build }) => build.ref))).to.deep.equal(new Set(["new"]));
    });
  });

  describe("on a terminal", () => {
    /** What the terminal shows: as far as it understands what the view writes. */
    const screen = (stdout: string): readonly string[] => {
      const rows: string[] = [];
      for (const text of stdout.replaceAll(SETTINGS, "").split("\n")) {
        const [, count = "0", line = text] = REDRAW.exec(text) ?? [];
        if (line !== text) rows.splice(rows.length - Number(count));
        rows.push(line);
      }
      return rows.slice(0, -1);
    };

    beforeEach(() => {
      cli.isTerminal = true;
    });

    it("draws builds that run in place, and leaves a line of those that ended", async () => {
      watching = cli.run("watch");
      await seen("no build runs");
      desk.put(running("one"));
      desk.put(running("two", { target: "test" }));
      await seen(/two[^]*RUN make/);
      expect(screen(cli.stdout)).to.deep.equal([
        "● one github.com/acme/shop prod linux/amd64  2/6 steps, 1 cached  10.0s",
        "    RUN make  3.0s",
        "● two github.com/acme/shop test linux/amd64  2/6 steps, 1 cached  10.0s",
        "    RUN make  3.0s",
      ]);
      desk.put(ended("one"), "ended");
      await seen("✓");
      desk.put(sampleBuild({ ref: "two", outcome: "failed" }), "ended");
      await seen("✗");
      const { code, stdout, stderr } = await interrupt();
      expect({ code, stderr }).to.deep.equal({ code: 130, stderr: "" });
      expect(screen(stdout).map((line) => line.slice(0, 24))).to.deep.equal([
        "✓ one github.com/acme/sh",
        "    first miss: [build 2",
        "✗ two github.com/acme/sh",
      ]);
    });

    it("draws no more than fits, and leaves the terminal as it was", async () => {
      [cli.columns, cli.rows] = [30, 6];
      for (const ref of ["a", "b", "c", "d"]) desk.put(running(ref));
      watching = cli.run("watch");
      await seen("more build");
      const { stdout } = await interrupt();
      const rows = screen(stdout);
      expect(rows).to.have.length(5);
      expect(rows.at(-1)).to.equal("  and 2 more builds");
      for (const row of rows) expect(row.length).to.be.at.most(30);
      expect(stdout.lastIndexOf(`${ESC}[?7h`)).to.be.greaterThan(stdout.lastIndexOf(`${ESC}[?7l`));
      expect(stdout).not.to.match(new RegExp(`${ESC}\\[\\?(?!7[lh])`));
    });

    it("knows what a build does that ran before, and goes on counting while nothing happens", async () => {
      let now = NOW_MS;
      cli.now = () => now;
      desk.put(running("one"));
      watching = cli.run("watch");
      await seen("10.0s");
      await seen("RUN make  3.0s");
      now += 5000;
      await seen("15.0s");
      await interrupt();
    });

    it("has no colours with NO_COLOR", async () => {
      cli.env = { ...cli.env, NO_COLOR: "1" };
      desk.put(running("one"));
      watching = cli.run("watch");
      await seen("one");
      expect((await interrupt()).stdout).not.to.match(new RegExp(`${ESC}\\[\\d+m`));
    });
  });
});
