/** `memobuild builders …` against a real API server: what is printed, what is done, and how each command exits. */
import { expect } from "chai";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns } from "../test/support/cli-runs.js";
import { MemoryBuilderDesk, SAMPLE_SINCE_MS } from "../test/support/memory-builder-desk.js";
import { poll } from "../test/support/poll.js";

const HOUR_MS = 3_600_000;
const NOW_MS = SAMPLE_SINCE_MS + 3 * HOUR_MS;
const TCP = "tcp://10.0.0.2:1234";

describe("memobuild builders", () => {
  let desk: MemoryBuilderDesk;
  let api: CacheApi;
  let cli: CliRuns;

  beforeEach(async () => {
    desk = new MemoryBuilderDesk();
    api = await startCacheApi(undefined, { builders: desk });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir }, () => NOW_MS);
    desk.put({ name: "managed-1", address: "unix:///run/m1.sock", origin: "managed" });
    desk.put({ name: TCP, runningBuilds: 2, clients: 1, maxClients: 4 });
  });
  afterEach(() => api.close());

  const said = (text: string): Promise<string> =>
    poll(
      () => cli.stderr,
      (stderr) => stderr.includes(text),
      { what: text, timeoutMs: 1500 },
    );

  describe("ls", () => {
    it("prints a table, and below it what is wrong", async () => {
      desk.put({
        name: "managed-1",
        isDraining: true,
        platforms: ["linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/386"],
        usage: { sampledAtMs: 0, stateBytes: 3_000_000_000, stateLimitBytes: 20_000_000_000 },
        warnings: ["the disk is nearly full"],
      });
      desk.put({ name: "unix:///b", state: "down", cause: "connect\nENOENT", version: "", platforms: [] });
      desk.waitingBuilds = 1;
      expect(await cli.run("builders", "ls")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "NAME                  STATE      VERSION   PLATFORMS                                  CLIENTS   BUILDS   STATE SIZE   UP SINCE",
          "managed-1             draining   v0.32.2   linux/amd64, linux/amd64/v2, linux/amd6…   0         0        3GB/20GB     3 hours ago",
          "tcp://10.0.0.2:1234   up         v0.32.2   linux/amd64, linux/386                     1/4       2        -            3 hours ago",
          "unix:///b             down       -         -                                          0         0        -            -",
          "",
          "managed-1: the disk is nearly full",
          "unix:///b is down: connect\u{fffd}ENOENT",
          "1 build waits for a builder",
          "",
        ].join("\n"),
      });
      expect((await cli.run("builders", "ls", "--no-trunc")).stdout).to.include("linux/amd64/v3, linux/386 ");
    });

    it("lists as JSON what the API gave", async () => {
      expect(await cli.json("builders", "ls")).to.deep.equal((await desk.report()).builders);
    });
  });

  describe("inspect", () => {
    it("prints all that is known", async () => {
      desk.put({
        name: "tcp://10.0.0.3:1234",
        origin: "resolved",
        resolvedFrom: "dns+tcp://builders:1234",
        state: "refused",
        cause: "BuildKit v0.12.0 is older than v0.28.1",
        version: "v0.12.0",
        usage: { sampledAtMs: 0, cpuCores: 1.504, cpuLimitCores: 4, memoryBytes: 2e9, diskFreeBytes: 1e9 },
        warnings: ["the disk is nearly full"],
        limitations: ["it exports no cache"],
        projects: [{ project: "github.com/acme/shop", builds: 7, lastBuiltAtMs: NOW_MS - 2 * HOUR_MS }],
        labels: { "org.mobyproject.buildkit.worker.executor": "oci" },
      });
      expect(await cli.run("builders", "inspect", "tcp://10.0.0.3:1234")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "Builder:         tcp://10.0.0.3:1234",
          "Address:         tcp://10.0.0.3:1234",
          "From:            --builder dns+tcp://builders:1234",
          "State:           refused",
          "Since:           2027-01-15T08:00:00.000Z (3 hours ago)",
          "Cause:           BuildKit v0.12.0 is older than v0.28.1",
          "BuildKit:        v0.12.0",
          "Platforms:       linux/amd64, linux/386",
          "Worker:          w1",
          "Clients:         0",
          "Builds running:  0",
          "CPU:             1.5/4",
          "Memory:          2GB",
          "State size:      -",
          "Disk free:       1GB",
          "",
          "WARNING",
          "the disk is nearly full",
          "",
          "LIMITATION",
          "it exports no cache",
          "",
          "WARM PROJECT           BUILDS   LAST",
          "github.com/acme/shop   7        2 hours ago",
          "",
          "LABEL                                      VALUE",
          "org.mobyproject.buildkit.worker.executor   oci",
          "",
        ].join("\n"),
      });
    });

    it("finds it by its address, and gives as JSON what the API gave", async () => {
      expect(await cli.json("builders", "inspect", "unix:///run/m1.sock")).to.deep.equal(
        await desk.inspect("managed-1"),
      );
    });
  });

  describe("add", () => {
    it("says what was added, or that it does not answer yet", async () => {
      expect(await cli.run("builders", "add", "tcp://b:1")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: "Added tcp://b:1: it does not answer yet, and gets builds as soon as it does\n",
      });
      expect(desk.names()).to.include("tcp://b:1");
      desk.add = (name) => Promise.resolve(desk.put({ name }));
      expect((await cli.run("builders", "add", "tcp://b:2")).stdout).to.equal(
        "Added tcp://b:2: BuildKit v0.32.2 for linux/amd64, linux/386\n",
      );
      desk.add = (name) => Promise.resolve(desk.put({ name, state: "refused", cause: "it is too old" }));
      expect((await cli.run("builders", "add", "tcp://b:3")).stdout).to.equal(
        "Added tcp://b:3: it answers, and gets no builds: it is too old\n",
      );
    });

    it("says why it is not added", async () => {
      const problems = {
        nonsense: '"nonsense" is no address of a builder',
        [TCP]: `there is a builder ${TCP} already`,
      };
      for (const [address, problem] of Object.entries(problems)) {
        const stderr = `memobuild: ${problem}\n`;
        expect(await cli.run("builders", "add", address)).to.deep.equal({ code: 1, stdout: "", stderr });
      }
    });
  });

  describe("drain", () => {
    it("drains what is named beside what is not there, and undrain takes it back", async () => {
      expect(await cli.run("builders", "drain", "unix:///run/m1.sock", "nope", TCP)).to.deep.equal({
        code: 1,
        stdout: `managed-1: draining, 0 builds running\n${TCP}: draining, 2 builds running\n`,
        stderr: "memobuild: there is no builder nope\n",
      });
      expect(await cli.run("builders", "undrain", TCP)).to.deep.equal({
        code: 0,
        stdout: `${TCP}: up, 2 builds running\n`,
        stderr: "",
      });
      expect((await desk.report()).builders.map(({ isDraining }) => isDraining)).to.deep.equal([true, false]);
    });
  });

  describe("rm", () => {
    it("removes what is named when its builds have ended, and says what it waits for", async () => {
      desk.put({ name: "third" });
      const removing = cli.run("builders", "rm", "--yes", TCP, "managed-1");
      await said("waits");
      desk.put({ name: TCP, runningBuilds: 0 });
      expect(await removing).to.deep.equal({
        code: 0,
        stdout: `managed-1\n${TCP}\n`,
        stderr: `${TCP}: waits for 2 running builds; Ctrl-C stops waiting\n`,
      });
      expect(desk.names()).to.deep.equal(["third"]);
    });

    it("does not wait with --force", async () => {
      expect(await cli.run("builders", "rm", "-y", "--force", TCP)).to.deep.equal({
        code: 0,
        stdout: `${TCP}\n`,
        stderr: "",
      });
    });

    it("stops waiting at Ctrl-C, and says that the builder stays drained", async () => {
      const removing = cli.run("builders", "rm", "-y", TCP);
      await said("waits");
      cli.interrupted.abort();
      expect(await removing).to.deep.equal({
        code: 130,
        stdout: "",
        stderr:
          `${TCP}: waits for 2 running builds; Ctrl-C stops waiting\n` +
          `memobuild: no longer waits; ${TCP} gets no builds until "memobuild builders undrain"\n`,
      });
      expect(await desk.inspect(TCP)).to.include({ isDraining: true });
    });

    it("says that the last one stays", async () => {
      expect(await cli.run("builders", "rm", "-y", "managed-1", TCP, "--force")).to.include({ code: 1 });
      expect(desk.names()).to.have.length(1);
      expect(cli.stderr).to.include("is the last builder\n");
    });

    it("removes nothing where a name is wrong", async () => {
      expect(await cli.run("builders", "rm", "-y", "managed-1", "nope")).to.deep.equal({
        code: 1,
        stdout: "",
        stderr: "memobuild: there is no builder nope\n",
      });
      expect(desk.names()).to.deep.equal(["managed-1", TCP]);
    });

    const questions: Readonly<Record<string, string>> = {
      "managed-1":
        "WARNING! This removes managed-1 from the farm. What MemoBuild runs itself ends, with its state: managed-1. " +
        "Continue? [y/N] ",
      [TCP]: `WARNING! This removes ${TCP} from the farm. 2 running builds may end first. Continue? [y/N] `,
      [`${TCP} --force`]: `WARNING! This removes ${TCP} from the farm. 2 running builds will fail. Continue? [y/N] `,
    };
    for (const [words, question] of Object.entries(questions)) {
      it(`asks before it removes ${words}, and takes a no for a no`, async () => {
        cli.isTerminal = true;
        cli.typed.write("n\n");
        const { code, stdout, stderr } = await cli.run("builders", "rm", ...words.split(" "));
        expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: "", stderr: question });
        expect(desk.names()).to.deep.equal(["managed-1", TCP]);
      });
    }

    it("refuses to remove unasked where there is no terminal", async () => {
      expect(await cli.run("builders", "rm", "--force", TCP)).to.deep.equal({
        code: 2,
        stdout: "",
        stderr: "memobuild: there is no terminal to confirm it at; give --yes; see memobuild builders --help\n",
      });
    });
  });

  it("prints its commands when it is given none", async () => {
    const { code, stdout, stderr } = await cli.run("builders");
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    for (const name of ["ls", "inspect", "add", "drain", "undrain", "rm"]) {
      expect(stderr).to.match(RegExp(`^  ${name} `, "m"));
    }
  });

  it("colours states on a terminal, and nothing else", async () => {
    cli.isTerminal = true;
    desk.put({ name: TCP, isDraining: true });
    const { stdout } = await cli.run("builders", "ls");
    expect(stdout).to.include("\u{1b}[32mup      \u{1b}[0m").and.include("\u{1b}[33mdraining\u{1b}[0m");
    expect(stdout.split("\u{1b}")).to.have.length(5);
  });
});
