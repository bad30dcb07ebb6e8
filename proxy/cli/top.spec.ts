/** `memobuild top` against a real API server: once, as JSON, and drawn anew on a terminal until Ctrl-C. */
import { expect } from "chai";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns } from "../test/support/cli-runs.js";
import { MemoryBuilderDesk } from "../test/support/memory-builder-desk.js";
import { poll } from "../test/support/poll.js";

const ESC = "\u{1b}";
const GB = 1_000_000_000;

describe("memobuild top", () => {
  let desk: MemoryBuilderDesk;
  let api: CacheApi;
  let cli: CliRuns;

  beforeEach(async () => {
    desk = new MemoryBuilderDesk();
    api = await startCacheApi(undefined, { builders: desk });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir, NO_COLOR: "1" }, () => 0);
    desk.put({
      name: "managed-1",
      runningBuilds: 3,
      clients: 2,
      maxClients: 4,
      usage: {
        sampledAtMs: 0,
        cpuCores: 1.504,
        cpuLimitCores: 2,
        memoryBytes: 1.2 * GB,
        memoryLimitBytes: 8 * GB,
        stateBytes: 3 * GB,
        stateLimitBytes: 20 * GB,
        diskFreeBytes: 40 * GB,
        diskTotalBytes: 100 * GB,
      },
      warnings: ["the disk is nearly full"],
    });
    desk.put({ name: "tcp://b:1", state: "down", cause: "connect ECONNREFUSED" });
    desk.memobuild = { sampledAtMs: 0, cpuCores: 0.05, memoryBytes: 90_000_000 };
    desk.waitingBuilds = 2;
  });
  afterEach(() => api.close());

  const seen = (text: string): Promise<string> =>
    poll(
      () => cli.stdout,
      (stdout) => stdout.includes(text),
      { what: text, timeoutMs: 1500 },
    );

  const TEXT = [
    "Builders: 2 (1 up, 1 down); 3 builds running, 2 waiting",
    "",
    "BUILDER     STATE   CPU     MEMORY      STATE SIZE   DISK FREE    CLIENTS   BUILDS",
    "managed-1   up      1.5/2   1.2GB/8GB   3GB/20GB     40GB/100GB   2/4       3",
    "tcp://b:1   down    -       -           -            -            0         0",
    "MemoBuild   -       0.05    90MB        -            -            -         -",
    "",
    "managed-1: the disk is nearly full",
    "tcp://b:1 is down: connect ECONNREFUSED",
    "",
  ].join("\n");

  it("prints it once where there is no terminal, or with --once", async () => {
    expect(await cli.run("top")).to.deep.equal({ code: 0, stdout: TEXT, stderr: "" });
    cli.isTerminal = true;
    expect(await cli.run("top", "--once")).to.deep.equal({ code: 0, stdout: TEXT, stderr: "" });
  });

  it("prints as JSON what the API gave", async () => {
    cli.isTerminal = true;
    expect(await cli.json("top")).to.deep.equal(await desk.report());
  });

  it("draws it anew in place on a terminal, until Ctrl-C", async () => {
    cli.isTerminal = true;
    const showing = cli.run("top", "--interval", "500ms");
    await seen("2 waiting");
    desk.waitingBuilds = 7;
    await seen("7 waiting");
    cli.interrupted.abort();
    const { code, stdout, stderr } = await showing;
    expect({ code, stderr }).to.deep.equal({ code: 130, stderr: "" });
    const rows = TEXT.split("\n").length - 1;
    const settled = stdout.replaceAll(new RegExp(`${ESC}\\[\\?7[lh]`, "g"), "");
    expect(settled).to.equal(`\r${ESC}[J${TEXT}${ESC}[${rows}A\r${ESC}[J${TEXT.replace("2 waiting", "7 waiting")}`);
  });

  it("draws no more than fits", async () => {
    cli.isTerminal = true;
    cli.rows = 6;
    const showing = cli.run("top");
    await seen("more lines");
    cli.interrupted.abort();
    const { stdout } = await showing;
    expect(stdout).to.include("and 5 more lines\n").and.not.include("tcp://b:1");
    expect(stdout.split("\n")).to.have.length(6);
  });

  it("fails when MemoBuild goes away", async () => {
    cli.isTerminal = true;
    const showing = cli.run("top", "--interval", "500ms");
    await seen("2 waiting");
    await api.close();
    expect(await showing).to.include({ code: 1 });
    expect(cli.stderr).to.match(/^memobuild: no MemoBuild runs/);
  });

  it("refuses an interval that is too short", async () => {
    const { code, stderr } = await cli.run("top", "--interval", "1ms");
    expect({ code, isSaid: stderr.includes('"1ms" is outside 500ms to 1h') }).to.deep.equal({ code: 2, isSaid: true });
  });
});
