/** The command line: exit codes, one line per mistake, and what serve is started with. */
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import type { Config } from "../config/config.js";
import { configOf } from "../config/load-config.js";
import { environmentNameOf, flagOf, OPTIONS } from "../config/options.js";
import { StartError } from "../config/start-error.js";
import type { CliIo } from "./cli-io.js";
import { runCli } from "./run-cli.js";

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly config: Config | undefined;
}

async function run(argv: readonly string[], serve: () => Promise<number> = () => Promise.resolve(0)): Promise<Run> {
  let [stdout, stderr] = ["", ""];
  let config: Config | undefined;
  const io: CliIo = {
    stdout: { write: (written) => (stdout += written) },
    stderr: { write: (written) => (stderr += written) },
    cwd: "/srv",
    readFile: () => {
      throw new Error("ENOENT");
    },
    stdin: new PassThrough(),
    now: Date.now,
    interruption: () => new AbortController().signal,
  };
  const code = await runCli(argv, { HOME: "/home/dev" }, io, (given) => {
    config = configOf(given);
    return serve();
  });
  return { code, stdout, stderr, config };
}

describe("runCli serve", () => {
  it("hands the configuration over and returns serve's exit code", async () => {
    const argv = ["serve", "--http", "localhost:1", "--listen=unix:///a", "--listen", "unix:///b", "--log-level=debug"];
    const { code, stderr, config } = await run(argv, () => Promise.resolve(7));
    expect({ code, stderr }).to.deep.equal({ code: 7, stderr: "" });
    expect(config).to.deep.include({ http: { host: "localhost", port: 1 }, logLevel: "debug" });
    expect(config?.listen.map((address) => address.kind === "unix" && address.path)).to.deep.equal(["/a", "/b"]);
  });

  it("takes a switch with and without a value", async () => {
    const open = ["serve", "--listen", "tcp://0.0.0.0:1"];
    expect((await run([...open, "--insecure-listen"])).code).to.equal(0);
    expect((await run([...open, "--insecure-listen=true"])).code).to.equal(0);
    expect((await run([...open, "--insecure-listen=false"])).code).to.equal(2);
  });

  it("reports every mistake in one line each, and does not start", async () => {
    const { code, stderr, stdout, config } = await run([
      "serve",
      "--lisen",
      "unix:///x",
      "spare",
      "-q",
      "--http",
      "--log-level",
      "loud",
      "--data-dir=",
      "--config",
      "gone",
    ]);
    expect({ code, stdout, config }).to.deep.equal({ code: 2, stdout: "", config: undefined });
    expect(stderr.trimEnd().split("\n")).to.have.members([
      "memobuild: --lisen: unknown option, did you mean --listen?",
      "memobuild: spare: unexpected argument; serve takes options only",
      "memobuild: -q: unknown option",
      "memobuild: --http: needs a value",
      'memobuild: --log-level: "loud" is none of trace, debug, info, warn, error',
      "memobuild: --data-dir: needs a value",
      "memobuild: --config: cannot read gone: ENOENT",
    ]);
  });

  it("turns a failed start into one line", async () => {
    const { code, stderr } = await run(["serve"], () => Promise.reject(new StartError("tls-cert", "bad\ncertificate")));
    expect({ code, stderr }).to.deep.equal({ code: 2, stderr: "memobuild: --tls-cert: bad certificate\n" });
  });

  it("passes a defect on", async () => {
    const defect = new TypeError("oops");
    const caught = await run(["serve"], () => Promise.reject(defect)).catch((error: unknown) => error);
    expect(caught).to.equal(defect);
  });
});

describe("runCli", () => {
  it("shows every option, its default and its variable in the help of serve", async () => {
    const { code, stdout, stderr } = await run(["serve", "--help"]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    const help = stdout.replaceAll(/\s+/g, " ");
    for (const { name, value, defaults } of OPTIONS) {
      expect(help).to.include(value === undefined ? `${flagOf(name)} ` : `${flagOf(name)} <${value}> `);
      expect(help).to.include(`env: ${environmentNameOf(name)})`);
      for (const text of defaults) expect(help).to.include(text);
    }
  });

  it("fits its help to the terminal", async () => {
    const lines = (await run(["serve", "--help"])).stdout.split("\n");
    expect(Math.max(...lines.map((line) => line.length))).to.be.within(90, 100);
  });

  it("prints the package's version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(await run(["--version"])).to.include({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("answers an unknown command with a hint, and exit code 2", async () => {
    const { code, stdout, stderr } = await run(["serv"]);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    expect(stderr).to.equal("memobuild: unknown command 'serv' (Did you mean serve?); see memobuild --help\n");
  });

  it("answers a lone unknown option with one line, and no command with help on stderr", async () => {
    expect(await run(["--frob"])).to.include({
      code: 2,
      stderr: "memobuild: unknown option '--frob'; see memobuild --help\n",
    });
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    expect(stderr).to.match(/^Usage: memobuild/);
  });
});
