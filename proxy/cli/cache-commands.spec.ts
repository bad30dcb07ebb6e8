/** `memobuild cache …` against a real API server: what is printed, what is done, and how each command exits. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import type { CacheAdmin } from "../cache/cache-admin.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { MemoryCacheAdmin } from "../test/support/memory-cache-admin.js";
import { poll } from "../test/support/poll.js";
import type { CliIo } from "./cli-io.js";
import { runCli } from "./run-cli.js";

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("memobuild cache", () => {
  let cache: MemoryCacheAdmin;
  let api: CacheApi;
  let typed: PassThrough;
  let interrupted: AbortController;
  let isTerminal: boolean;
  let onStderr: () => void;
  let env: Record<string, string>;

  const serve = async (served: CacheAdmin | undefined): Promise<void> => {
    api = await startCacheApi(served);
    env = { MEMOBUILD_DATA_DIR: api.dataDir };
  };
  const run = async (...argv: string[]): Promise<Run> => {
    let [stdout, stderr] = ["", ""];
    const io: CliIo = {
      stdout: { write: (text) => (stdout += text), isTTY: isTerminal },
      stderr: {
        isTTY: isTerminal,
        write: (text) => {
          stderr += text;
          onStderr();
        },
      },
      stdin: Object.assign(typed, { isTTY: isTerminal }),
      cwd: "/srv",
      readFile: () => "",
      now: () => NOW_MS,
      interruption: () => interrupted.signal,
    };
    const code = await runCli(["cache", ...argv], env, io, () => Promise.reject(new Error("serve was not asked for")));
    return { code, stdout, stderr };
  };
  const jsonOf = ({ stdout, ...rest }: Run): unknown => {
    expect(rest).to.deep.equal({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  };
  /** Until the signal aborts, and then fails as a real one does. */
  const untilAborted = (onStart: () => void) => async (signal: AbortSignal) => {
    onStart();
    await once(signal, "abort");
    signal.throwIfAborted();
  };

  beforeEach(async () => {
    cache = new MemoryCacheAdmin(() => NOW_MS);
    typed = new PassThrough();
    interrupted = new AbortController();
    isTerminal = false;
    onStderr = () => undefined;
    await serve(cache);
  });
  afterEach(() => api.close());

  describe("ls", () => {
    it("prints a table, the export that was used last first", async () => {
      cache.add({
        lastUsedAtMs: NOW_MS - 3 * DAY_MS,
        isPinned: true,
        hits: 7,
        target: "prod",
        platform: "linux/arm64",
      });
      cache.add({ lastUsedAtMs: NOW_MS - 1000, project: `github.com/acme/${"x".repeat(40)}`, sizeBytes: 1_234_567 });
      expect(await run("ls")).to.deep.equal({
        code: 0,
        stderr: "",
        stdout: [
          "ID   PROJECT                                    DOCKERFILE   TARGET   PLATFORM      REVISION       RECORDS   SIZE     LAST USED    HITS   PINNED",
          "2    github.com/acme/xxxxxxxxxxxxxxxxxxxxxxx…   Dockerfile   -        -             0123456789ab   12        1.23MB   just now     0",
          "1    github.com/acme/shop                       Dockerfile   prod     linux/arm64   0123456789ab   12        1GB      3 days ago   7      yes",
          "",
        ].join("\n"),
      });
    });

    it("prints names in full when asked to, and never what moves the cursor", async () => {
      cache.add({ project: "x".repeat(100), target: "a\u{1b}[2J\u{202e}b" });
      const { stdout } = await run("ls", "--no-trunc");
      expect(stdout).to.include("x".repeat(100)).and.include("0123456789abcdef0123456789abcdef01234567");
      expect(stdout).to.include("a\u{fffd}[2J\u{fffd}b");
    });

    it("filters, limits and says that there may be more", async () => {
      const shop = cache.add({ lastUsedAtMs: NOW_MS - 2 });
      cache.add({ project: "other", lastUsedAtMs: NOW_MS - 1 });
      expect(jsonOf(await run("ls", "--format", "json", "--project", "shop"))).to.deep.equal([shop]);
      const { stdout, stderr } = await run("ls", "--format=json", "--limit=1");
      expect(JSON.parse(stdout)).to.have.length(1);
      expect(stderr).to.equal("memobuild: shows 1 at most; --limit shows more\n");
    });

    it("prints the head of the table where there is nothing", async () => {
      expect((await run("ls")).stdout).to.match(/^ID +PROJECT .*PINNED\n$/);
    });
  });

  describe("du", () => {
    it("shows counts, sizes and limits", async () => {
      cache.add({ isPinned: true });
      cache.add();
      const { code, stdout } = await run("du");
      expect(code).to.equal(0);
      expect(stdout)
        .to.match(/^Exports +2$/m)
        .and.match(/^ +pinned +1$/m)
        .and.match(/^Blobs +2 +2GB$/m);
      expect(stdout)
        .to.match(/^Store +2GB +20GB +10%$/m)
        .and.match(/^ +nothing is added above +25GB +8%$/m);
      expect(stdout).to.match(/^Free on the disk +98GB +1GB stays free$/m);
      expect(jsonOf(await run("du", "--format", "json"))).to.deep.equal(await cache.usage());
    });
  });

  describe("prune", () => {
    beforeEach(() => {
      cache.add({ lastUsedAtMs: NOW_MS - 3 * DAY_MS });
      cache.add({ lastUsedAtMs: NOW_MS - 2 * DAY_MS, isPinned: true });
      cache.add({ lastUsedAtMs: NOW_MS - 1 * DAY_MS, project: "other" });
      cache.add({ lastUsedAtMs: NOW_MS });
    });

    it("removes everything that is not pinned, with --all or without", async () => {
      const { code, stdout } = await run("prune", "-af");
      expect(code).to.equal(0);
      expect(stdout).to.match(/\n\nRemoved: 3GB \(exports: 3, blobs: 3\)\n$/);
      expect(cache.ids()).to.deep.equal([2]);
    });

    const kept: Record<string, readonly number[]> = {
      "--filter until=24h": [2, 4],
      "--filter unused-for=2d": [2, 3, 4],
      "--filter project=other": [1, 2, 4],
      "--filter project=shop --filter until=1h": [2, 3, 4],
      "--max-used-space 2gb": [2, 4],
      "--keep-storage 2gb": [2, 4],
      "--reserved-space 3gb --max-used-space 1b": [2, 3, 4],
      "--min-free-space 91gib": [2, 4],
      "--max-used-space 100gb": [1, 2, 3, 4],
    };
    for (const [flags, ids] of Object.entries(kept)) {
      it(`keeps ${ids.join(", ")} with ${flags}`, async () => {
        const dry = await run("prune", "--dry-run", "--format", "json", ...flags.split(" "));
        expect(cache.ids()).to.deep.equal([1, 2, 3, 4]);
        const wet = await run("prune", "--force", "--format", "json", ...flags.split(" "));
        expect(cache.ids()).to.deep.equal(ids);
        expect(jsonOf(wet))
          .to.deep.equal(jsonOf(dry))
          .and.to.have.property("blobs", 4 - ids.length);
      });
    }

    it("says of a dry run what would be removed", async () => {
      expect((await run("prune", "--dry-run")).stdout).to.include("Would be removed: 3GB (exports: 3, blobs: 3)\n");
    });

    for (const [answer, isYes] of [
      ["y", true],
      ["YES", true],
      ["n", false],
      ["", false],
      ["yeah", false],
    ] as const) {
      it(`asks at a terminal, and takes "${answer}" for a ${isYes ? "yes" : "no"}`, async () => {
        isTerminal = true;
        typed.write(`${answer}\n`);
        const { code, stdout, stderr } = await run("prune", "--filter", "project=other", "--max-used-space", "2gb");
        expect(stderr).to.equal(
          'WARNING! This removes all of the shared cache of projects with "other" in their name, the least recently ' +
            "used first, until the cache is no larger than 2.15GB. What is pinned or in use stays. Continue? [y/N] ",
        );
        expect({ code, isSilent: stdout === "" }).to.deep.equal({ code: 0, isSilent: !isYes });
        expect(cache.ids().includes(3)).to.equal(!isYes);
      });
    }

    it("takes the end of the input for a no", async () => {
      isTerminal = true;
      typed.end();
      expect((await run("prune", "--filter", "until=36h")).stderr).to.include(
        "all of the shared cache not used for 36h.",
      );
      expect(cache.ids()).to.have.length(4);
    });

    it("removes nothing without a terminal and without --force", async () => {
      expect(await run("prune")).to.deep.equal({
        code: 2,
        stdout: "",
        stderr:
          "memobuild: there is no terminal to confirm it at; give --force, or --dry-run to see what would go; " +
          "see memobuild cache --help\n",
      });
      expect(cache.ids()).to.have.length(4);
    });

    it("ends with 130 when it is interrupted at the question", async () => {
      isTerminal = true;
      const ending = run("prune");
      interrupted.abort();
      expect(await ending).to.include({ code: 130, stdout: "" });
      expect(cache.ids()).to.have.length(4);
    });

    it("stops the work on the server when it is interrupted", async () => {
      const states: string[] = [];
      cache.step = async (signal) => {
        await untilAborted(() => states.push("running"))(signal).finally(() => states.push("ended"));
      };
      const ending = run("prune", "-f");
      await poll(
        () => states.length,
        (length) => length === 1,
        { what: "the prune runs" },
      );
      interrupted.abort();
      expect(await ending).to.deep.equal({ code: 130, stdout: "", stderr: "memobuild: interrupted\n" });
      await poll(
        () => states.length,
        (length) => length === 2,
        { what: "the prune has ended" },
      );
      expect(cache.ids()).to.have.length(4);
    });

    const mistakes: Record<string, string> = {
      "--filter id=7":
        "argument 'id=7' is invalid. The filters are until=<duration>, as in until=24h, and project=<text>",
      "--filter until=soon": '"soon" is not a duration, as in 90m, 24h or 30d',
      "--filter until=1h --filter unused-for=2h": "It takes one value of each kind",
      "--max-used-space 10": '"10" has no unit, as in 512mb or 20GiB',
      "--reserved-space 1gb --min-free-space 1gb": "may stand against each other; give one of them",
      "--frob": "unknown option '--frob'",
      spare: "too many arguments for 'prune'. Expected 0 arguments but got 1",
    };
    for (const [flags, message] of Object.entries(mistakes)) {
      it(`refuses ${flags}`, async () => {
        const { code, stdout, stderr } = await run("prune", "-f", ...flags.split(" "));
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
        expect(stderr)
          .to.match(/^memobuild: [^\n]*; see memobuild cache --help\n$/)
          .and.include(message);
        expect(cache.ids()).to.have.length(4);
      });
    }
  });

  describe("pin and unpin", () => {
    it("change those that are there, and fail for one that is not", async () => {
      cache.add();
      cache.add();
      expect(await run("pin", "1", "9", "2")).to.deep.equal({
        code: 1,
        stdout: "1\n2\n",
        stderr: "memobuild: there is no export 9; see memobuild cache ls\n",
      });
      expect((await cache.usage()).pinnedExports).to.equal(2);
      expect(await run("unpin", "2")).to.deep.equal({ code: 0, stdout: "2\n", stderr: "" });
      expect((await cache.usage()).pinnedExports).to.equal(1);
    });

    it("want numbers", async () => {
      expect(await run("pin")).to.include({ code: 2 });
      expect((await run("pin", "shop")).stderr).to.include('"shop" is not a whole number');
    });
  });

  describe("verify", () => {
    it("says that all is well, or what it healed", async () => {
      cache.add();
      expect(await run("verify")).to.deep.equal({
        code: 0,
        stdout: "Checked 1 blob, 1GB: all is well\n",
        stderr: "",
      });
      cache.corrupt(1);
      expect((await run("verify")).stdout).to.equal(
        "Checked 1 blob, 1GB, and healed the cache:\n" +
          "  1 blob corrupt: deleted, and the results that need them are forgotten\n",
      );
      expect(jsonOf(await run("verify", "--format", "json"))).to.include({ checkedBlobs: 0, corrupt: 0 });
    });

    it("shows progress at a terminal, and clears it away", async () => {
      isTerminal = true;
      cache.add();
      cache.add();
      let isShown = false;
      let steps = 0;
      cache.step = async () => {
        if (steps++ === 1) await poll(() => isShown, Boolean, { what: "progress was shown" });
      };
      onStderr = () => {
        isShown = true;
      };
      const { stderr } = await run("verify");
      expect(stderr).to.include("\r\u{1b}[K1 of 2 blobs, 1GB\r");
      expect(stderr.endsWith("\r\u{1b}[K")).to.equal(true);
    });

    it("stops the work on the server when it is interrupted", async () => {
      cache.add();
      let isRunning = false;
      cache.step = async (signal) => {
        await untilAborted(() => (isRunning = true))(signal).finally(() => (isRunning = false));
      };
      const ending = run("verify");
      await poll(() => isRunning, Boolean, { what: "the verification runs" });
      interrupted.abort();
      expect(await ending).to.deep.equal({ code: 130, stdout: "", stderr: "memobuild: interrupted\n" });
      await poll(
        () => isRunning,
        (still) => !still,
        { what: "the verification has ended" },
      );
    });

    it("fails when it could not", async () => {
      cache.verify = () => Promise.reject(new Error("disk on fire"));
      expect(await run("verify")).to.deep.equal({
        code: 1,
        stdout: "",
        stderr: "memobuild: the verification failed; MemoBuild's log says why\n",
      });
    });
  });

  it("takes the data directory from the flag before the environment", async () => {
    env = { MEMOBUILD_DATA_DIR: "/nowhere", MEMOBUILD_LISTEN: "not an address" };
    expect((await run("du", "--data-dir", api.dataDir)).code).to.equal(0);
    expect((await run("du", "--data-dir=")).code).to.equal(2);
  });

  it("tells how to reach a MemoBuild where none runs", async () => {
    const hint = (dir: string): Run => ({
      code: 1,
      stdout: "",
      stderr:
        `memobuild: no MemoBuild runs on the data directory ${dir}: start it with "memobuild serve", or name the ` +
        "one that runs with --data-dir or MEMOBUILD_DATA_DIR, or by its address with --host\n",
    });
    expect(await run("ls", "--data-dir", "gone")).to.deep.equal(hint("/srv/gone"));
    env = { HOME: "/nowhere" };
    expect(await run("ls")).to.deep.equal(hint("/nowhere/.local/state/memobuild"));
    env = {};
    expect(await run("ls")).to.include({
      code: 2,
      stderr: "memobuild: --data-dir: needs a value, as neither XDG_STATE_HOME nor HOME is set\n",
    });
  });

  it("says that the cache is off", async () => {
    await api.close();
    await serve(undefined);
    expect(await run("ls")).to.deep.equal({
      code: 1,
      stdout: "",
      stderr: "memobuild: the cache is off: MemoBuild was started with --cache off\n",
    });
  });

  it("prints its commands when it is given none", async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    for (const name of ["ls", "du", "prune", "pin", "unpin", "verify"])
      expect(stderr).to.match(RegExp(`^  ${name} `, "m"));
  });
});
