/** `memobuild status` and `memobuild stats` against a real API server, and the ways to say which MemoBuild is meant. */
import { expect } from "chai";
import { SAMPLE_STARTED_AT_MS, sampleBuild } from "../test/support/build-samples.js";
import { type CacheApi, SAMPLE_STATUS, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns } from "../test/support/cli-runs.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";

const NOW_MS = SAMPLE_STARTED_AT_MS + 3_600_000;

describe("memobuild", () => {
  let desk: MemoryBuildDesk;
  let api: CacheApi;
  let cli: CliRuns;

  beforeEach(async () => {
    desk = new MemoryBuildDesk();
    api = await startCacheApi(undefined, { builds: desk, listensOnTcp: true, now: () => NOW_MS });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir }, () => NOW_MS);
  });
  afterEach(() => api.close());

  describe("status", () => {
    it("shows addresses, cache and builders", async () => {
      expect(await cli.run("status")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "MemoBuild:        0.1.0",
          "Up for:           1h 0m",
          "State:            serving",
          "Clients:          unix:///run/memobuild.sock, tcp://127.0.0.1:8372",
          "API:              unix:///run/api.sock",
          "Web page:         http://127.0.0.1:8373",
          "Metrics:          http://127.0.0.1:8373",
          "Shared cache:     on, 7MB of 20GB",
          "Builders:         2 (1 up, 1 down)",
          "Builds running:   1",
          "Exports running:  1",
          "",
          "BUILDER               STATE   BUILDS   CAUSE",
          "tcp://10.0.0.2:1234   down    0        connect ECONNREFUSED",
          "",
        ].join("\n"),
      });
      expect(await cli.json("status")).to.deep.equal(SAMPLE_STATUS);
    });
  });

  describe("stats", () => {
    it("shows the window, the hit rate and what is behind it", async () => {
      desk.put(sampleBuild({ ref: "1" }));
      desk.put(sampleBuild({ ref: "2", project: "other", outcome: "failed" }));
      desk.put(sampleBuild({ ref: "3", startedAtMs: NOW_MS - 48 * 3_600_000 }));
      const { code, stdout, stderr } = await cli.run("stats");
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      for (const line of [
        "Window:           the last 1d, since 2027-01-14T09:00:00.000Z",
        "Builds:           2 (1 succeeded, 1 failed)",
        "Hit rate:         33.3% (2 of 6 steps: 2 from the shared cache, 0 from the builders' own)",
        "Time saved:       1m 0s",
        "PROJECT                BUILDS   HIT RATE   TIME SAVED",
        "other                  1        33.3%      30.0s",
      ]) {
        expect(stdout.split("\n")).to.include(line);
      }
    });

    it("shows causes and slowest steps", async () => {
      const figures = await desk.figures({ sinceMs: 0 });
      desk.figures = () =>
        Promise.resolve({
          ...figures,
          causes: [{ kind: "files_changed", count: 3, steps: 9, durationMs: 90_000 }],
          costsMost: { text: "Changed files made 9 steps run again.", hint: "Copy them late.", durationMs: 90_000 },
          slowestSteps: [{ ref: "k3v9x0q8d1m2n4", project: "shop", name: "RUN make", durationMs: 62_000 }],
        });
      const { stdout } = await cli.run("stats", "--since", "7d");
      expect(stdout).to.include("Window:           the last 1w,").and.include("Hit rate:         - (0 of 0 steps");
      expect(stdout).to.match(/^Costs most: +Changed files made 9 steps run again\.\nWhat to do: +Copy them late\.\n/m);
      expect(stdout).to.include("WHY STEPS RAN   TIMES   STEPS   TIME\nfiles changed   3       9       1m 30s\n");
      expect(stdout).to.include("SLOWEST   STEP       PROJECT   BUILD\n1m 2s     RUN make   shop      k3v9x0q8d1m2\n");
    });

    it("counts one project's builds", async () => {
      desk.put(sampleBuild({ ref: "1" }));
      desk.put(sampleBuild({ ref: "2", project: "other" }));
      expect(await cli.json("stats", "--since", "2h", "--project", "oth")).to.include({
        builds: 1,
        sinceMs: NOW_MS - 7_200_000,
      });
    });

    it("refuses what is no duration", async () => {
      const { code, stderr } = await cli.run("stats", "--since", "yesterday");
      expect(code).to.equal(2);
      expect(stderr).to.include('"yesterday" is not a duration');
    });
  });

  describe("--host", () => {
    it("finds MemoBuild by socket and by port, from the flag before the environment", async () => {
      cli.env = { MEMOBUILD_HOST: "unix:///nowhere" };
      for (const host of [`unix://${api.path}`, `tcp://127.0.0.1:${api.port}`, `http://127.0.0.1:${api.port}/`]) {
        expect((await cli.run("status", "--host", host)).code, host).to.equal(0);
        expect((await cli.run("cache", "ls", "--host", host)).stderr).to.include("the cache is off");
      }
      expect((await cli.run("status", "--data-dir", api.dataDir)).code).to.equal(0);
      cli.env = { MEMOBUILD_HOST: `unix://${api.path}`, MEMOBUILD_DATA_DIR: "/nowhere" };
      expect((await cli.run("status")).code).to.equal(0);
      cli.env = { MEMOBUILD_HOST: "", MEMOBUILD_DATA_DIR: api.dataDir };
      expect((await cli.run("status")).code).to.equal(0);
    });

    it("says that nobody answers there, and what to do", async () => {
      const { path, port } = api;
      await api.close();
      expect(await cli.run("status", "--host", `unix://${path}`)).to.deep.equal({
        code: 1,
        stdout: "",
        stderr:
          `memobuild: no MemoBuild answers at unix://${path}: start it there with "memobuild serve --api-socket", ` +
          "or name the one that runs with --host or MEMOBUILD_HOST\n",
      });
      expect((await cli.run("status", "--host", `tcp://127.0.0.1:${port}`)).stderr).to.include(
        `no MemoBuild answers at tcp://127.0.0.1:${port}: start it there with "memobuild serve --api-listen"`,
      );
    });

    it("refuses what is no address, and two ways at once", async () => {
      for (const host of ["localhost", "ftp://x:1", "tcp://x", "unix://relative"]) {
        const { code, stderr } = await cli.run("status", "--host", host);
        expect({ code, isOneLine: /^memobuild: [^\n]*\n$/.test(stderr) }).to.deep.equal({ code: 2, isOneLine: true });
      }
      cli.env = { MEMOBUILD_HOST: "localhost" };
      expect(await cli.run("status")).to.deep.equal({
        code: 2,
        stdout: "",
        stderr: 'memobuild: MEMOBUILD_HOST: "localhost" is neither unix:///path nor tcp://host:port\n',
      });
      expect(await cli.run("status", "--host", "tcp://[::1]:1", "--data-dir", "/x")).to.include({ code: 2 });
    });
  });

  const commands = [
    "builds ls",
    "builds inspect",
    "builds logs",
    "builds graph",
    "builds explain",
    "builds compare ^2 ^1",
    "builds rm -f ^1",
    "builders ls",
    "builders inspect x",
    "builders add tcp://x:1",
    "builders drain x",
    "builders undrain x",
    "builders rm --yes x",
    "top",
    "watch",
    "status",
    "stats",
    "cache ls",
  ];
  for (const command of commands) {
    it(`says of ${command} that no MemoBuild runs`, async () => {
      expect(await cli.run(...command.split(" "), "--data-dir", "/nowhere")).to.deep.equal({
        code: 1,
        stdout: "",
        stderr:
          'memobuild: no MemoBuild runs on the data directory /nowhere: start it with "memobuild serve", or name the ' +
          "one that runs with --data-dir or MEMOBUILD_DATA_DIR, or by its address with --host\n",
      });
    });

    it(`has help for ${command} that names every flag it takes`, async () => {
      const [group = "", name = ""] = command.split(" ");
      const { code, stdout } = await cli.run(...(name === "" ? [group] : [group, name]), "--help");
      expect(code).to.equal(0);
      expect(stdout)
        .to.match(/^ {2}--data-dir <folder> /m)
        .and.match(/^ {2}--host <address> /m);
    });
  }
});
