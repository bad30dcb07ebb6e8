/** Configuration as a whole: precedence, defaults, and every mistake found at once with the name the user gave. */
import { expect } from "chai";
import { ConfigError } from "./config-error.js";
import type { Config } from "./config.js";
import { type ConfigSources, loadConfig } from "./load-config.js";

interface Given {
  readonly flags?: ConfigSources["flags"];
  readonly env?: ConfigSources["env"];
  /** The text of memo.yaml in the working directory. */
  readonly yaml?: string;
}

function load({ flags = {}, env = {}, yaml }: Given): Config {
  const readFile = (path: string): string => {
    if (yaml === undefined || path !== "/srv/memo.yaml") throw new Error(`ENOENT: ${path}`);
    return yaml;
  };
  const file = yaml === undefined ? {} : { config: ["memo.yaml"] };
  return loadConfig({ flags: { ...file, ...flags }, env: { HOME: "/home/dev", ...env }, cwd: "/srv", readFile });
}

function problemsOf(given: Given): string[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ option, message }) => `${option}: ${message}`);
    throw error;
  }
  return [];
}

describe("loadConfig", () => {
  it("is complete without any option", () => {
    expect(load({})).to.deep.equal({
      listen: [
        { kind: "unix", path: "/home/dev/.local/state/memobuild/memobuild.sock" },
        { kind: "tcp", host: "127.0.0.1", port: 8372 },
      ],
      builders: [],
      buildkitd: "buildkitd",
      http: { host: "127.0.0.1", port: 8373 },
      dataDir: "/home/dev/.local/state/memobuild",
      logLevel: "info",
      logFormat: "text",
      drainTimeoutMs: 30_000,
    } satisfies Config);
  });

  it("is frozen through and through", () => {
    const config = load({});
    for (const part of [config, config.listen, config.listen[0], config.http]) expect(part).to.be.frozen;
  });

  it("takes the flag before the environment before the file before the default", () => {
    const yaml = "log-level: error\nlog-format: json\nhttp: localhost:1\n";
    const env = { MEMOBUILD_LOG_LEVEL: "warn", MEMOBUILD_LOG_FORMAT: "text" };
    const { logLevel, logFormat, http, drainTimeoutMs } = load({ flags: { "log-level": ["debug"] }, env, yaml });
    expect({ logLevel, logFormat, http, drainTimeoutMs }).to.deep.equal({
      logLevel: "debug",
      logFormat: "text",
      http: { host: "localhost", port: 1 },
      drainTimeoutMs: 30_000,
    });
  });

  it("replaces a repeatable option as a whole", () => {
    const yaml = "builder: [unix:///file-1, unix:///file-2]\nlisten: unix:///only\n";
    const env = { MEMOBUILD_BUILDER: " unix:///env  tcp://b:1,cacert=/ca\n" };
    expect(load({ yaml }).builders).to.have.length(2);
    expect(load({ yaml }).listen).to.deep.equal([{ kind: "unix", path: "/only" }]);
    expect(load({ yaml, env }).builders).to.deep.equal([
      { kind: "unix", path: "/env" },
      { kind: "tcp", host: "b", port: 1, tls: { caFile: "/ca" } },
    ]);
    expect(load({ yaml, env, flags: { builder: ["docker://"] } }).builders).to.have.length(1);
  });

  it("puts its state where XDG_STATE_HOME says, unless that is relative", () => {
    expect(load({ env: { XDG_STATE_HOME: "/state" } }).dataDir).to.equal("/state/memobuild");
    expect(load({ env: { XDG_STATE_HOME: "state" } }).dataDir).to.equal("/home/dev/.local/state/memobuild");
  });

  it("resolves relative names at the working directory, and the default socket under the data directory", () => {
    const config = load({
      flags: { "data-dir": ["data"], "tls-cert": ["c.pem"], "tls-key": ["/k.pem"], buildkitd: ["bin/buildkitd"] },
    });
    expect(config.dataDir).to.equal("/srv/data");
    expect(config.listen[0]).to.deep.equal({ kind: "unix", path: "/srv/data/memobuild.sock" });
    expect(config.tls).to.deep.equal({ certFile: "/srv/c.pem", keyFile: "/k.pem" });
    expect(config.buildkitd).to.equal("/srv/bin/buildkitd");
  });

  it("counts an empty variable as not set, and an empty flag as a mistake", () => {
    expect(load({ env: { MEMOBUILD_HTTP: "", MEMOBUILD_LISTEN: " " } }).http.port).to.equal(8373);
    expect(problemsOf({ flags: { http: [""] } })).to.deep.equal(["--http: needs a value"]);
  });

  it("reports the mistakes of all sources at once, each under the name it was given by", () => {
    expect(
      problemsOf({
        flags: { "drain-timeout": ["30"], http: ["127.0.0.1:1", "127.0.0.1:2"] },
        env: { MEMOBUILD_LOG_LEVEL: "loud", MEMOBUILD_LISTENS: "x" },
        yaml: "builder:\n  - unix:///ok\n  - b:1\nlog-formt: json\n",
      }),
    ).to.have.members([
      '--drain-timeout: "30" is not a duration, as in 500ms, 30s, 5m or 1h',
      "--http: takes one value, was given 2",
      'MEMOBUILD_LOG_LEVEL: "loud" is none of trace, debug, info, warn, error',
      "MEMOBUILD_LISTENS: unknown option, did you mean MEMOBUILD_LISTEN?",
      'memo.yaml:3: builder: "b:1" is none of unix:///path, tcp://host:port and docker:///path',
      "memo.yaml:4: log-formt: unknown option, did you mean log-format?",
    ]);
  });

  it("says which file it could not read", () => {
    expect(problemsOf({ env: { MEMOBUILD_CONFIG: "gone.yaml" } })).to.deep.equal([
      "MEMOBUILD_CONFIG: cannot read gone.yaml: ENOENT: /srv/gone.yaml",
    ]);
  });

  it("asks for a data directory where there is no home", () => {
    expect(problemsOf({ env: { HOME: "" } })).to.deep.equal([
      "--data-dir: needs a value, as neither XDG_STATE_HOME nor HOME is set",
    ]);
  });

  it("names the default socket when the data directory makes its path too long", () => {
    const [problem, ...others] = problemsOf({ flags: { "data-dir": [`/${"d".repeat(100)}`] } });
    expect(problem).to.match(/^--listen \(default\): socket path .* has 116 bytes, the system allows 107$/);
    expect(others).to.be.empty;
  });

  it("refuses an address given twice, but not port 0", () => {
    const same = ["tcp://127.0.0.1:1", "tcp://127.0.0.1:1"];
    expect(problemsOf({ flags: { listen: same, builder: same } })).to.deep.equal([
      "--listen: tcp://127.0.0.1:1 is given twice",
      "--builder: tcp://127.0.0.1:1 is given twice",
    ]);
    expect(problemsOf({ flags: { listen: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"] } })).to.be.empty;
  });
});

describe("loadConfig, TLS", () => {
  const open = { listen: ["tcp://127.0.0.1:1", "tcp://0.0.0.0:2"] };

  it("refuses an address that others reach without TLS", () => {
    expect(problemsOf({ flags: open })).to.deep.equal([
      "--listen: tcp://0.0.0.0:2 can be reached by other machines: give --tls-cert and --tls-key, or --insecure-listen",
    ]);
  });

  it("allows it with TLS, or when told to", () => {
    expect(problemsOf({ flags: { ...open, "tls-cert": ["c"], "tls-key": ["k"] } })).to.be.empty;
    expect(problemsOf({ flags: { ...open, "insecure-listen": ["true"] } })).to.be.empty;
    expect(problemsOf({ flags: open, yaml: "insecure-listen: true\n" })).to.be.empty;
    expect(problemsOf({ flags: open, env: { MEMOBUILD_INSECURE_LISTEN: "false" } })).to.have.length(1);
  });

  it("wants certificate and key together", () => {
    expect(problemsOf({ flags: { "tls-cert": ["c"] } })).to.deep.equal(["--tls-cert: needs --tls-key too"]);
    expect(problemsOf({ env: { MEMOBUILD_TLS_KEY: "k" } })).to.deep.equal(["MEMOBUILD_TLS_KEY: needs --tls-cert too"]);
    expect(problemsOf({ flags: { "tls-client-ca": ["ca"] } })).to.deep.equal([
      "--tls-client-ca: needs --tls-cert and --tls-key too",
    ]);
  });

  it("keeps the client authority beside them", () => {
    const flags = { "tls-cert": ["c"], "tls-key": ["k"], "tls-client-ca": ["ca"] };
    expect(load({ flags }).tls).to.deep.equal({ certFile: "/srv/c", keyFile: "/srv/k", clientCaFile: "/srv/ca" });
  });
});
