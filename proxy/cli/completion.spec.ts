/** `memobuild completion`: what is offered where, and that real shells offer it. */
import { spawnSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { SAMPLE_STARTED_AT_MS, sampleBuild } from "../test/support/build-samples.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns } from "../test/support/cli-runs.js";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { MemoryBuilderDesk } from "../test/support/memory-builder-desk.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { completionScript, SHELLS } from "./completion-scripts.js";

const NOW_MS = SAMPLE_STARTED_AT_MS + 3_600_000;
const SHELL_TIMEOUT_MS = 20_000;

describe("memobuild __complete", () => {
  let api: CacheApi;
  let cli: CliRuns;

  beforeEach(async () => {
    const desk = new MemoryBuildDesk();
    desk.put(sampleBuild({ ref: "abc1" }));
    desk.put(sampleBuild({ ref: "abd2", startedAtMs: SAMPLE_STARTED_AT_MS - 1 }));
    desk.put(sampleBuild({ ref: "xyz3", startedAtMs: SAMPLE_STARTED_AT_MS - 2 }));
    const builders = new MemoryBuilderDesk();
    builders.put({ name: "managed-1", isDraining: true });
    builders.put({ name: "tcp://10.0.0.1:1234" });
    builders.put({ name: "tcp://10.0.0.2:1234" });
    api = await startCacheApi(undefined, { builds: desk, builders });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir }, () => NOW_MS);
  });
  afterEach(() => api.close());

  const offered = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run("__complete", "--", ...words);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    return stdout.replaceAll(/\t.*/g, "").trimEnd().replaceAll("\n", " ");
  };

  const cases: readonly (readonly [words: readonly string[], offered: string])[] = [
    [["bu"], "builds builders"],
    [["st"], "status stats"],
    [["nope"], ""],
    [["builds", ""], "ls inspect logs graph explain compare rm help"],
    [["builds", "l"], "ls logs"],
    [["builds", "inspect", ""], "abc1 abd2 xyz3"],
    [["builds", "inspect", "ab"], "abc1 abd2"],
    [["builds", "inspect", "abc1", ""], ""],
    [["builds", "compare", "abc1", "x"], "xyz3"],
    [["builds", "compare", "abc1", "xyz3", ""], ""],
    [["builds", "rm", "abc1", "xyz3", "abd"], "abd2"],
    [["builds", "ls", "--o"], "--outcome"],
    [["builds", "ls", "--outcome", "su"], "succeeded"],
    [["builds", "ls", "--project", ""], ""],
    [["builds", "ls", "--format=js"], "--format=json"],
    [["builds", "ls", "--format", "=", "js"], "json"],
    [["builds", "ls", "--format", "="], "table json"],
    [["builds", "graph", "--format", "dot", "a"], "abc1 abd2"],
    [["builds", "logs", "-f", "x"], "xyz3"],
    [["builders", ""], "ls inspect add drain undrain rm help"],
    [["builders", "inspect", ""], "managed-1 tcp://10.0.0.1:1234 tcp://10.0.0.2:1234"],
    [["builders", "drain", "managed-1", "t"], "tcp://10.0.0.1:1234 tcp://10.0.0.2:1234"],
    [["builders", "undrain", "tcp://10.0.0.2"], "tcp://10.0.0.2:1234"],
    [["builders", "rm", "tcp", ":", "//10.0.0"], "//10.0.0.1:1234 //10.0.0.2:1234"],
    [["builders", "rm", "tcp", ":", "//10.0.0.1", ":"], "1234"],
    [["builders", "rm", "tcp", ":", "//10.0.0.1", ":", "1234", "ma"], "managed-1"],
    [["builders", "add", ""], ""],
    [["settings", ""], "ls set reset help"],
    [["settings", "set", "history-"], "history-max-builds history-max-age"],
    [["completion", ""], "bash zsh fish"],
    [["cache", "prune", "--dry"], "--dry-run"],
    [["serve", "--log-l"], "--log-level"],
    [["status", "--help"], "--help"],
  ];
  for (const [words, expected] of cases) {
    it(`offers "${expected}" for memobuild ${words.join(" ")}`, async () => {
      expect(await offered(...words)).to.equal(expected);
    });
  }

  it("does not offer itself", async () => {
    expect(await offered("")).to.match(/^serve builds builders watch top status stats cache settings completion/);
    expect(await offered("__")).to.equal("");
  });

  it("says of a build what it is", async () => {
    const { stdout } = await cli.run("__complete", "--", "builds", "logs", "abc");
    expect(stdout).to.equal("abc1\tgithub.com/acme/shop prod linux/amd64, succeeded, 60 minutes ago\n");
  });

  it("says of a builder what it is", async () => {
    const { stdout } = await cli.run("__complete", "--", "builders", "inspect", "m");
    expect(stdout).to.equal("managed-1\tdraining, BuildKit v0.32.2 for linux/amd64, linux/386\n");
  });

  it("asks the MemoBuild that is named on the line", async () => {
    cli.env = { MEMOBUILD_DATA_DIR: "/nowhere" };
    expect(await offered("builds", "logs", "")).to.equal("");
    expect(await offered("builds", "logs", "--data-dir", api.dataDir, "x")).to.equal("xyz3");
    expect(await offered("builds", "logs", `--host=unix://${api.path}`, "x")).to.equal("xyz3");
    expect(await offered("builds", "logs", "--host", "unix", ":", `//${api.path}`, "x")).to.equal("xyz3");
    expect(await offered("builds", "logs", "--host", "nonsense", "x")).to.equal("");
  });
});

describe("memobuild completion", () => {
  let dir: string;

  beforeEach(async () => {
    dir = await makeTempDir("completion");
    // Stands for the program: what it is asked, one word in each pair of brackets, is what it offers.
    const program = join(dir, "memobuild");
    await writeFile(program, `#!/bin/sh\nprintf 'asked:'\nprintf '[%s]' "$@"\nprintf '\\thelp\\nsecond\\n'\n`);
    await chmod(program, 0o755);
    for (const shell of SHELLS) await writeFile(join(dir, `script.${shell}`), completionScript(shell));
  });
  afterEach(() => removeDir(dir));

  /** Undefined where there is no such shell. */
  const runIn = (shell: string, script: string): string | undefined => {
    const { error, status, stdout, stderr } = spawnSync(shell, ["-c", script], {
      cwd: dir,
      env: { PATH: `${dir}:/usr/local/bin:/usr/bin:/bin`, HOME: dir, TERM: "dumb" },
      encoding: "utf8",
      timeout: SHELL_TIMEOUT_MS,
    });
    if (error !== undefined && "code" in error && error.code === "ENOENT") return undefined;
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
    return stdout;
  };

  for (const shell of SHELLS) {
    it(`prints the script for ${shell}`, async () => {
      const cli = new CliRuns({}, () => NOW_MS);
      expect(await cli.run("completion", shell)).to.deep.equal({
        code: 0,
        stdout: completionScript(shell),
        stderr: "",
      });
    });
  }

  it("refuses another shell", async () => {
    const { code, stderr } = await new CliRuns({}, () => NOW_MS).run("completion", "tcsh");
    expect({ code, names: stderr.includes("bash, zsh, fish") }).to.deep.equal({ code: 2, names: true });
  });

  it("completes in bash", () => {
    const script = `set -u; source script.bash; COMP_WORDS=(memobuild builds 'a b' ''); COMP_CWORD=3
      _memobuild memobuild; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p memobuild`;
    expect(runIn("bash", script)).to.equal(
      "asked:[__complete][--][builds][a b][]\nsecond\ncomplete -o default -F _memobuild memobuild\n",
    );
  });

  it("completes in zsh, where there is one", function () {
    const script = `_describe() { print -rl -- "\${candidates[@]}" }; compdef() { print -r -- "compdef $*" }
      source ./script.zsh; words=(memobuild builds 'a b' ''); CURRENT=4; _memobuild`;
    const printed = runIn("zsh", script);
    if (printed === undefined) return this.skip();
    expect(printed).to.equal(
      "compdef _memobuild memobuild\nasked\\:[__complete][--][builds][a b][]:help\nsecond:second\n",
    );
  });

  it("completes in fish, where there is one", function () {
    const printed = runIn("fish", `source script.fish; complete -C "memobuild builds 'a b' "`);
    if (printed === undefined) return this.skip();
    expect(printed).to.include("asked:[__complete][--][builds][a b][]\thelp\n").and.include("second\n");
  }).timeout(SHELL_TIMEOUT_MS);
});
