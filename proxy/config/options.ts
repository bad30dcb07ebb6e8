/** The one table of options: it drives parsing, `memobuild serve --help` and the tables in docs/configuration.md. */

export type OptionName =
  | "listen"
  | "insecure-listen"
  | "insecure-http"
  | "tls-cert"
  | "tls-key"
  | "tls-client-ca"
  | "builder"
  | "builder-min-version"
  | "builder-max-clients"
  | "builder-keep-bytes"
  | "queue-timeout"
  | "retry-lost-builds"
  | "managed-builders"
  | "managed-docker"
  | "managed-image"
  | "managed-cpus"
  | "managed-memory"
  | "buildkitd"
  | "http"
  | "api-socket"
  | "api-socket-mode"
  | "api-listen"
  | "data-dir"
  | "config"
  | "log-level"
  | "log-format"
  | "drain-timeout"
  | "cache"
  | "registry-listen"
  | "cache-advertise"
  | "cache-compression"
  | "cache-max-bytes"
  | "cache-hard-max-bytes"
  | "cache-min-free"
  | "cache-max-age"
  | "cache-max-records"
  | "export-timeout"
  | "history-max-builds"
  | "history-max-age";

export interface Option {
  /** The flag without its dashes, and the key in the configuration file. */
  readonly name: OptionName;
  /**
   * What a value is, as shown behind the flag; durations and sizes have their unit in the value (`30s`, `20GiB`).
   * A switch has none: its flag alone means true.
   */
  readonly value?: string;
  readonly repeatable?: true;
  /** All values that there are, where those are few. */
  readonly choices?: readonly string[];
  /** While MemoBuild runs: what needs it takes the value that holds then. */
  readonly isChangeable?: true;
  /** As a user would write it. `<data-dir>` stands for that option's value. */
  readonly defaults: readonly string[];
  readonly help: string;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export const LOG_FORMATS = ["text", "json"] as const;
export const CACHE_MODES = ["on", "read-only", "off"] as const;
/** As BuildKit names them. */
export const CACHE_COMPRESSIONS = ["gzip", "zstd", "uncompressed", "estargz"] as const;

export const OPTIONS: readonly Option[] = [
  {
    name: "listen",
    value: "address",
    repeatable: true,
    defaults: ["unix://<data-dir>/memobuild.sock", "tcp://127.0.0.1:8372"],
    help: "where clients connect: unix:///path or tcp://host:port",
  },
  {
    name: "insecure-listen",
    defaults: ["false"],
    help: "allow a TCP address that other machines reach, without TLS",
  },
  { name: "tls-cert", value: "file", defaults: [], help: "certificate (chain) for TCP clients, PEM" },
  { name: "tls-key", value: "file", defaults: [], help: "key of the certificate, PEM" },
  {
    name: "tls-client-ca",
    value: "file",
    defaults: [],
    help: "demand client certificates that this authority signed, PEM",
  },
  {
    name: "builder",
    value: "address",
    repeatable: true,
    defaults: [],
    help:
      "BuildKit daemon: unix:///path, tcp://host:port[,cacert=F,cert=F,key=F,servername=N], dns+tcp://… likewise for " +
      "every address behind a name, or docker://[/path/to/docker.sock]; without one, and without --managed-builders, " +
      "MemoBuild runs its own buildkitd",
  },
  {
    name: "builder-min-version",
    value: "version",
    defaults: ["v0.28.1"],
    help:
      "BuildKit that a builder needs to get builds; before v0.28.1, a build's frontend could write outside of its " +
      "folder (CVE-2026-33747). The Docker Engine has versions of its own, and is taken as it is",
  },
  {
    name: "builder-max-clients",
    value: "number",
    isChangeable: true,
    defaults: [],
    help: "clients that build on one builder at once, each with all its builds; further ones wait. Without it, no limit",
  },
  {
    name: "builder-keep-bytes",
    value: "size",
    isChangeable: true,
    defaults: [],
    help: "size to which BuildKit is asked to prune the state of each builder, as in 50GiB; without it, MemoBuild asks for nothing. Builders that MemoBuild runs itself take a higher one in full after its next start",
  },
  {
    name: "queue-timeout",
    value: "duration",
    isChangeable: true,
    defaults: ["10m"],
    help: "how long a build waits for a builder before it fails",
  },
  {
    name: "retry-lost-builds",
    isChangeable: true,
    defaults: ["true"],
    help: "build again on another builder, where that is safe, what a builder was building that is lost; false: never",
  },
  {
    name: "managed-builders",
    value: "number",
    defaults: ["0"],
    help: "builders that MemoBuild runs itself on this machine, beside those of --builder",
  },
  {
    name: "managed-docker",
    value: "file",
    defaults: [],
    help: "socket of a Docker Engine, such as /var/run/docker.sock: managed builders are containers there instead of processes",
  },
  {
    name: "managed-image",
    value: "image",
    defaults: ["moby/buildkit:v0.32.2"],
    help: "what the containers of --managed-docker run",
  },
  {
    name: "managed-cpus",
    value: "number",
    defaults: [],
    help: "processors that each managed builder may use, as in 2 or 1.5; without it, all",
  },
  {
    name: "managed-memory",
    value: "size",
    defaults: [],
    help: "memory that each managed builder may use, as in 4GiB; without it, all",
  },
  {
    name: "buildkitd",
    value: "program",
    defaults: ["buildkitd"],
    help: "the buildkitd to run as managed builder, or when no builder is given",
  },
  {
    name: "http",
    value: "host:port",
    defaults: ["127.0.0.1:8373"],
    help:
      "where the web page, the API, /metrics, /healthz and /readyz are served; page and API only on a loopback " +
      "address, or with --insecure-http. Both want the token that `memobuild status` prints with the page's address",
  },
  {
    name: "insecure-http",
    defaults: ["false"],
    help: "serve the web page and the API on an --http address that other machines reach, without TLS",
  },
  {
    name: "api-socket",
    value: "file",
    defaults: ["<data-dir>/api.sock"],
    help: "unix socket of the API that the other commands use; for the user that runs MemoBuild alone",
  },
  {
    name: "api-socket-mode",
    value: "mode",
    defaults: ["600"],
    help:
      "permissions of --api-socket, in octal; 666 lets every user of the machine in who reaches its folder, to read " +
      "the logs of builds and to change settings",
  },
  {
    name: "api-listen",
    value: "host:port",
    defaults: [],
    help: "where the API is served over TCP too; only a loopback address, as whoever reaches it reads the logs of builds",
  },
  {
    name: "data-dir",
    value: "folder",
    defaults: ["$XDG_STATE_HOME/memobuild"],
    help: "where MemoBuild keeps its state; without XDG_STATE_HOME, ~/.local/state/memobuild",
  },
  { name: "config", value: "file", defaults: [], help: "YAML file with these options by name, lists where repeatable" },
  {
    name: "log-level",
    value: "level",
    choices: LOG_LEVELS,
    isChangeable: true,
    defaults: ["info"],
    help: `lowest level that is logged: ${LOG_LEVELS.join(", ")}`,
  },
  {
    name: "log-format",
    value: "format",
    choices: LOG_FORMATS,
    defaults: ["text"],
    help: `form of the log on stderr: ${LOG_FORMATS.join(", ")}`,
  },
  {
    name: "drain-timeout",
    value: "duration",
    isChangeable: true,
    defaults: ["30s"],
    help: "how long running builds may go on after SIGTERM, as in 500ms, 30s, 5m, 1h",
  },
  {
    name: "cache",
    value: "mode",
    choices: CACHE_MODES,
    isChangeable: true,
    defaults: ["on"],
    help: "the shared cache: on, read-only (builds use it and add nothing to it) or off (builds neither use nor add anything)",
  },
  {
    name: "registry-listen",
    value: "host:port",
    defaults: ["127.0.0.1:0"],
    help: "where builders fetch cache and push it; port 0 is a free one",
  },
  {
    name: "cache-advertise",
    value: "host:port",
    defaults: [],
    help: "where builders reach --registry-listen, when MemoBuild does not find it out by itself",
  },
  {
    name: "cache-compression",
    value: "type",
    choices: CACHE_COMPRESSIONS,
    defaults: ["gzip"],
    help:
      `compression of the layers in the cache: ${CACHE_COMPRESSIONS.join(", ")}; it shows in images, because a later ` +
      "build takes the layers that the cache has, compressed as they are",
  },
  {
    name: "cache-max-bytes",
    value: "size",
    isChangeable: true,
    defaults: [],
    help:
      "size above which what was used least recently is removed, as in 512mb, 20GiB; " +
      "without it, 20GiB or a tenth of the disk, whichever is smaller",
  },
  {
    name: "cache-hard-max-bytes",
    value: "size",
    isChangeable: true,
    defaults: [],
    help: "size above which nothing is added; without it, a quarter more than --cache-max-bytes",
  },
  {
    name: "cache-min-free",
    value: "size",
    isChangeable: true,
    defaults: [],
    help:
      "space that the cache leaves free on its disk; " +
      "without it, 1GiB or a twentieth of the disk, whichever is smaller",
  },
  {
    name: "cache-max-age",
    value: "duration",
    isChangeable: true,
    defaults: ["30d"],
    help: "how long cache is kept that no build uses, as in 12h, 30d, 8w",
  },
  {
    name: "cache-max-records",
    value: "number",
    isChangeable: true,
    defaults: ["1500"],
    help: "cache records that one build is offered; reading each costs the builder 0.12 ms in every build",
  },
  {
    name: "export-timeout",
    value: "duration",
    isChangeable: true,
    defaults: ["10m"],
    help: "how long adding the cache of one build may take, behind the build",
  },
  {
    name: "history-max-builds",
    value: "number",
    isChangeable: true,
    defaults: ["10000"],
    help: "builds whose record is kept; above it, the oldest go",
  },
  {
    name: "history-max-age",
    value: "duration",
    isChangeable: true,
    defaults: ["90d"],
    help: "how long the record of a build is kept, as in 12h, 30d, 8w",
  },
];

export const flagOf = (name: OptionName): string => `--${name}`;

/** The flag with what stands behind it, as help shows it. */
export const usageOf = ({ name, value }: Option): string =>
  value === undefined ? flagOf(name) : `${flagOf(name)} <${value}>`;

export const environmentNameOf = (name: OptionName): string => `MEMOBUILD_${name.toUpperCase().replaceAll("-", "_")}`;
