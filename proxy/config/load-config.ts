/** Flags, environment, file and defaults to one checked, complete, frozen Config, or all that is wrong with them. */
import { resolve } from "node:path";
import type { BuilderAddress, DnsAddress } from "./builder-address.js";
import { checkValues } from "./check-values.js";
import type { CacheConfig, Config, FarmConfig, ListenTls, ManagedConfig } from "./config.js";
import { ConfigError } from "./config-error.js";
import { givenByFile } from "./config-file.js";
import { defaultDataDir } from "./data-dir.js";
import { type Environment, givenByEnvironment } from "./environment.js";
import type { Given, GivenText, Values } from "./given.js";
import { flagOf, type Option, OPTIONS, type OptionName } from "./options.js";
import { optionValues, type OptionValues } from "./option-values.js";

/** The texts behind each flag; a flag without its value has an empty text. */
export type Flags = Readonly<Partial<Record<OptionName, readonly string[]>>>;

export interface ConfigSources {
  readonly flags: Flags;
  readonly env: Environment;
  /** Relative file names start here. */
  readonly cwd: string;
  readonly readFile: (path: string) => string;
}

function givenByFlags(flags: Flags): Given {
  const texts = new Map<OptionName, readonly GivenText[]>();
  for (const { name } of OPTIONS) {
    const given = flags[name]?.map((text) => ({ text, source: "flag", origin: flagOf(name) }) as const);
    if (given !== undefined) texts.set(name, given);
  }
  return { texts, problems: [] };
}

function givenByConfigFile({ texts }: { texts: Values }, { cwd, readFile }: ConfigSources): Given {
  const named = texts.get("config")?.[0];
  if (named === undefined || named.text === "") return { texts: new Map(), problems: [] };
  try {
    return givenByFile(named.text, readFile(resolve(cwd, named.text)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { texts: new Map(), problems: [{ option: named.origin, message: `cannot read ${named.text}: ${reason}` }] };
  }
}

/** Adds the defaults for what was not given. */
function complete(given: Values, { env, cwd }: ConfigSources): Values {
  const dataDir = given.get("data-dir")?.[0]?.text ?? defaultDataDir(env) ?? "";
  const expand = (text: string) => text.replace("<data-dir>", () => resolve(cwd, dataDir));
  const defaultTexts = ({ name, defaults }: Option): GivenText[] => {
    const texts = name === "data-dir" ? [dataDir].filter((text) => text !== "") : defaults.map(expand);
    return texts.map((text) => ({ text, source: "default", origin: `${flagOf(name)} (default)` }));
  };
  return new Map(OPTIONS.map((option) => [option.name, given.get(option.name) ?? defaultTexts(option)]));
}

/** Reads values that have passed `checkValues`: nothing here can fail. */
interface Reader {
  readonly all: <Name extends OptionName>(name: Name) => OptionValues[Name][];
  /** Of an option with a default. */
  readonly one: <Name extends OptionName>(name: Name) => OptionValues[Name];
}

const readerOf = (values: Values): Reader => ({
  all: (name) => (values.get(name) ?? []).map(({ text }) => optionValues[name].parse(text)),
  one: (name) => optionValues[name].parse(values.get(name)?.[0]?.text),
});

function build({ all, one }: Reader, cwd: string): Config {
  const tls = buildTls((name) => all(name)[0], cwd);
  const buildkitd = one("buildkitd");
  const [apiListen] = all("api-listen");
  return {
    listen: all("listen"),
    ...(tls !== undefined && { tls }),
    builders: all("builder").filter((address) => !isName(address)),
    farm: buildFarm({ all, one }, cwd),
    buildkitd: buildkitd.includes("/") ? resolve(cwd, buildkitd) : buildkitd,
    http: one("http"),
    insecureHttp: one("insecure-http"),
    apiSocket: resolve(cwd, one("api-socket")),
    apiSocketMode: one("api-socket-mode"),
    ...(apiListen !== undefined && { apiListen }),
    dataDir: resolve(cwd, one("data-dir")),
    logLevel: one("log-level"),
    logFormat: one("log-format"),
    drainTimeoutMs: one("drain-timeout"),
    cache: buildCache({ all, one }),
    history: { maxBuilds: one("history-max-builds"), maxAgeMs: one("history-max-age") },
  };
}

const isName = (address: BuilderAddress | DnsAddress): address is DnsAddress => address.kind === "dns+tcp";

function buildFarm({ all, one }: Reader, cwd: string): FarmConfig {
  const [maxClients] = all("builder-max-clients");
  const [keepBytes] = all("builder-keep-bytes");
  return {
    names: all("builder").filter(isName),
    managed: buildManaged({ all, one }, cwd),
    minVersion: one("builder-min-version"),
    ...(maxClients !== undefined && { maxClients }),
    ...(keepBytes !== undefined && { keepBytes }),
    queueTimeoutMs: one("queue-timeout"),
    retriesLostBuilds: one("retry-lost-builds"),
  };
}

function buildManaged({ all, one }: Reader, cwd: string): ManagedConfig {
  const [dockerSocket] = all("managed-docker");
  const [cpus] = all("managed-cpus");
  const [memoryBytes] = all("managed-memory");
  return {
    count: one("managed-builders"),
    ...(dockerSocket !== undefined && { dockerSocket: resolve(cwd, dockerSocket) }),
    image: one("managed-image"),
    ...(cpus !== undefined && { cpus }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}

function buildCache({ all, one }: Reader): CacheConfig {
  const [advertise] = all("cache-advertise");
  const [maxBytes] = all("cache-max-bytes");
  const [hardMaxBytes] = all("cache-hard-max-bytes");
  const [minFreeBytes] = all("cache-min-free");
  return {
    mode: one("cache"),
    registryListen: one("registry-listen"),
    ...(advertise !== undefined && { advertise }),
    compression: one("cache-compression"),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(hardMaxBytes !== undefined && { hardMaxBytes }),
    ...(minFreeBytes !== undefined && { minFreeBytes }),
    maxAgeMs: one("cache-max-age"),
    maxRecords: one("cache-max-records"),
    exportTimeoutMs: one("export-timeout"),
  };
}

type TlsOption = "tls-cert" | "tls-key" | "tls-client-ca";

function buildTls(given: (name: TlsOption) => string | undefined, cwd: string): ListenTls | undefined {
  const [cert, key, clientCa] = [given("tls-cert"), given("tls-key"), given("tls-client-ca")];
  if (cert === undefined || key === undefined) return undefined;
  const files = { certFile: resolve(cwd, cert), keyFile: resolve(cwd, key) };
  return clientCa === undefined ? files : { ...files, clientCaFile: resolve(cwd, clientCa) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

/** What the user said, checked, and where each of it is from. */
export interface Configured {
  readonly values: Values;
  /** Relative file names start here. */
  readonly cwd: string;
}

/**
 * Flag before environment before file before default, option by option.
 * @throws ConfigError with every problem, whatever source it comes from.
 */
export function loadConfigured(sources: ConfigSources): Configured {
  const flags = givenByFlags(sources.flags);
  const environment = givenByEnvironment(sources.env);
  const direct = new Map([...environment.texts, ...flags.texts]);
  const file = givenByConfigFile({ texts: direct }, sources);
  const values = complete(new Map([...file.texts, ...direct]), sources);
  const problems = [...environment.problems, ...file.problems, ...checkValues(values)];
  if (problems.length > 0) throw new ConfigError(problems);
  return { values, cwd: sources.cwd };
}

/** Of values that have passed `checkValues`. */
export const configOf = ({ values, cwd }: Configured): Config => deepFreeze(build(readerOf(values), cwd));

/** @throws ConfigError as `loadConfigured` does */
export const loadConfig = (sources: ConfigSources): Config => configOf(loadConfigured(sources));
