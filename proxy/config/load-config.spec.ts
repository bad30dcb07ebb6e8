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
      farm: {
        names: [],
        managed: { count: 0, image: "moby/buildkit:v0.32.2" },
        minVersion: "v0.28.1",
        queueTimeoutMs: 600_000,
        retriesLostBuilds: true,
      },
      buildkitd: "buildkitd",
      http: { host: "127.0.0.1", port: 8373 },
      insecureHttp: false,
      apiSocket: "/home/dev/.local/state/memobuild/api.sock",
      apiSocketMode: 0o600,
      dataDir: "/home/dev/.local/state/memobuild",
      logLevel: "info",
      logFormat: "text",
      drainTimeoutMs: 30_000,
      cache: {
        mode: "on",
        registryListen: { host: "127.0.0.1", port: 0 },
        compression: "gzip",
        maxAgeMs: 30 * 86_400_000,
        maxRecords: 1500,
        exportTimeoutMs: 600_000,
      },
      history: { maxBuilds: 10_000, maxAgeMs: 90 * 86_400_000 },
    } satisfies Config);
  });

  it("reads all about the farm", () => {
    const flags = {
      builder: ["dns+tcp://builders:1", "tcp://b:2"],
      "builder-min-version": ["0.30.0"],
      "builder-max-clients": ["8"],
      "builder-keep-bytes": ["50GiB"],
      "queue-timeout": ["0s"],
      "retry-lost-builds": ["false"],
      "managed-builders": ["2"],
      "managed-docker": ["docker.sock"],
      "managed-image": ["local/buildkit"],
      "managed-cpus": ["1.5"],
      "managed-memory": ["2GiB"],
    };
    const { builders, farm } = load({ flags });
    expect(builders).to.deep.equal([{ kind: "tcp", host: "b", port: 2 }]);
    expect(farm).to.deep.equal({
      names: [{ kind: "dns+tcp", host: "builders", port: 1 }],
      managed: {
        count: 2,
        dockerSocket: "/srv/docker.sock",
        image: "local/buildkit",
        cpus: 1.5,
        memoryBytes: 2 * 1024 ** 3,
      },
      minVersion: "0.30.0",
      maxClients: 8,
      keepBytes: 50 * 1024 ** 3,
      queueTimeoutMs: 0,
      retriesLostBuilds: false,
    } satisfies Config["farm"]);
  });

  it("says what is wrong about the farm", () => {
    const flags = {
      "builder-min-version": ["0.30"],
      "builder-max-clients": ["0"],
      "managed-builders": ["65"],
      "managed-cpus": ["0"],
      "managed-memory": ["1mb"],
    };
    expect(problemsOf({ flags })).to.have.members([
      '--builder-min-version: "0.30" is not a version, as in v0.28.1',
      '--builder-max-clients: "0" is not a whole number from 1 to 10000',
      '--managed-builders: "65" is not a whole number from 0 to 64',
      '--managed-cpus: "0" is not a number from 0.1 to 1024, as in 2 or 1.5',
      '--managed-memory: "1mb" is less than 67.1MB',
    ]);
    expect(problemsOf({ flags: { "managed-cpus": ["2"], "managed-docker": ["/d.sock"] } })).to.have.members([
      "--managed-cpus: needs --managed-builders",
      "--managed-docker: needs --managed-builders",
    ]);
  });

  it("is frozen through and through", () => {
    const config = load({});
    for (const part of [config, config.listen, config.listen[0], config.http, config.cache]) expect(part).to.be.frozen;
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
      '--drain-timeout: "30" is not a duration, as in 500ms, 30s, 5m, 1h or 30d',
      "--http: takes one value, was given 2",
      'MEMOBUILD_LOG_LEVEL: "loud" is none of trace, debug, info, warn, error',
      "MEMOBUILD_LISTENS: unknown option, did you mean MEMOBUILD_LISTEN?",
      'memo.yaml:3: builder: "b:1" is none of unix:///path, tcp://host:port, dns+tcp://name:port and docker:///path',
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

  it("names the default sockets when the data directory makes their paths too long", () => {
    const [listen, apiSocket, ...others] = problemsOf({ flags: { "data-dir": [`/${"d".repeat(100)}`] } });
    expect(listen).to.match(/^--listen \(default\): socket path .* has 116 bytes, the system allows 107$/);
    expect(apiSocket).to.match(/^--api-socket \(default\): socket path .* has 110 bytes, the system allows 107$/);
    expect(others).to.be.empty;
  });

  it("refuses a builder given twice, whatever its certificates", () => {
    expect(problemsOf({ flags: { builder: ["tcp://b:1", "tcp://b:1,cacert=/ca", "tcp://b:2"] } })).to.deep.equal([
      "--builder: tcp://b:1,cacert=/ca is given twice",
    ]);
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

describe("loadConfig, API and history", () => {
  it("takes a socket of any folder, a port of this machine, and limits", () => {
    const yaml = "api-socket: run/api.sock\napi-listen: localhost:8374\nhistory-max-builds: 5\nhistory-max-age: 1w\n";
    const { apiSocket, apiListen, history } = load({ yaml });
    expect({ apiSocket, apiListen, history }).to.deep.equal({
      apiSocket: "/srv/run/api.sock",
      apiListen: { host: "localhost", port: 8374 },
      history: { maxBuilds: 5, maxAgeMs: 7 * 86_400_000 },
    });
  });

  it("refuses an address that others reach, and limits that mean nothing", () => {
    const flags = { "api-listen": ["0.0.0.0:1"], "history-max-builds": ["0"], "history-max-age": ["1s"] };
    expect(problemsOf({ flags })).to.deep.equal([
      "--api-listen: other machines reach 0.0.0.0, and whoever reaches the API reads the logs of builds and prunes " +
        "the cache: use localhost, 127.0.0.1 or [::1]",
      '--history-max-builds: "0" is not a whole number from 1 to 1000000',
      '--history-max-age: "1s" is outside 1m to 3650d',
    ]);
    for (const host of ["192.168.0.1", "[::]", "build.example"]) {
      expect(problemsOf({ flags: { "api-listen": [`${host}:1`] } }), host).to.have.length(1);
    }
  });
});

describe("loadConfig, cache", () => {
  it("takes every option of the cache", () => {
    const yaml = [
      "cache: read-only",
      "registry-listen: 0.0.0.0:5000",
      "cache-advertise: cache.example:5001",
      "cache-compression: zstd",
      "cache-max-bytes: 10gb",
      "cache-hard-max-bytes: 10GiB",
      "cache-min-free: 0b",
      "cache-max-age: 2w",
      "cache-max-records: 200",
      "export-timeout: 90s",
    ];
    expect(load({ yaml: yaml.join("\n") }).cache).to.deep.equal({
      mode: "read-only",
      registryListen: { host: "0.0.0.0", port: 5000 },
      advertise: { host: "cache.example", port: 5001 },
      compression: "zstd",
      maxBytes: 10 * 1024 ** 3,
      hardMaxBytes: 10 * 1024 ** 3,
      minFreeBytes: 0,
      maxAgeMs: 14 * 86_400_000,
      maxRecords: 200,
      exportTimeoutMs: 90_000,
    });
  });

  it("refuses values that mean nothing", () => {
    expect(
      problemsOf({
        flags: {
          cache: ["yes"],
          "cache-advertise": ["cache.example:0"],
          "cache-compression": ["lz4"],
          "cache-max-bytes": ["45"],
          "cache-hard-max-bytes": ["1kb"],
          "cache-min-free": ["lots"],
          "cache-max-age": ["1s"],
          "cache-max-records": ["0"],
          "export-timeout": ["0s"],
        },
      }),
    ).to.have.members([
      '--cache: "yes" is none of on, read-only, off',
      "--cache-advertise: port 0 is outside 1 to 65535",
      '--cache-compression: "lz4" is none of gzip, zstd, uncompressed, estargz',
      '--cache-max-bytes: "45" has no unit, as in 512mb or 20GiB',
      '--cache-hard-max-bytes: "1kb" is less than 1.05MB',
      '--cache-min-free: "lots" is not a size, as in 512mb or 20GiB',
      '--cache-max-age: "1s" is outside 1m to 3650d',
      '--cache-max-records: "0" is not a whole number from 1 to 10000',
      '--export-timeout: "0s" is outside 1s to 1d',
    ]);
  });

  it("reads the mode of the API's socket, which never shuts its own user out", () => {
    for (const [text, mode] of [
      ["666", 0o666],
      ["0660", 0o660],
      ["600", 0o600],
    ] as const)
      expect(load({ flags: { "api-socket-mode": [text] } }).apiSocketMode).to.equal(mode);
    for (const text of ["066", "400", "0o666", "1666", "688", "-rw"])
      expect(problemsOf({ flags: { "api-socket-mode": [text] } })).to.deep.equal([
        `--api-socket-mode: "${text}" is not a mode from 600 to 677, as in 660`,
      ]);
  });

  it("refuses a hard limit below the soft one", () => {
    const flags = { "cache-max-bytes": ["20gb"], "cache-hard-max-bytes": ["10gb"] };
    expect(problemsOf({ flags })).to.deep.equal([
      "--cache-hard-max-bytes: 10.7GB is less than the 21.5GB of --cache-max-bytes",
    ]);
  });

  it("wants a port that stays for an address that is advertised", () => {
    const flags = { "cache-advertise": ["cache.example:5000"] };
    expect(problemsOf({ flags })).to.deep.equal([
      "--cache-advertise: needs --registry-listen with a port: the free port of 0 is another at each start",
    ]);
    expect(problemsOf({ flags: { ...flags, "registry-listen": ["0.0.0.0:5000"] } })).to.be.empty;
  });
});
