/** The complete configuration that the parts of MemoBuild are built from. */
import type { BuilderAddress, DnsAddress } from "./builder-address.js";
import type { HostPort } from "./host-port.js";
import type { ListenAddress } from "./listen-address.js";
import type { CACHE_COMPRESSIONS, CACHE_MODES, LOG_FORMATS, LOG_LEVELS } from "./options.js";

export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];
export type CacheMode = (typeof CACHE_MODES)[number];
export type CacheCompression = (typeof CACHE_COMPRESSIONS)[number];

/** TLS towards clients; it applies to TCP listeners. The files are read at start. */
export interface ListenTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Set: a client without a certificate of this authority is turned away. */
  readonly clientCaFile?: string;
}

/** Sizes that are not there depend on the disk, and are found out at start. */
export interface CacheConfig {
  readonly mode: CacheMode;
  readonly registryListen: HostPort;
  /** Set: builders are told this address of the registry, and no other. */
  readonly advertise?: HostPort;
  readonly compression: CacheCompression;
  /** Above it, what was used least recently goes. */
  readonly maxBytes?: number;
  /** Above it, nothing is added; never below `maxBytes`. */
  readonly hardMaxBytes?: number;
  readonly minFreeBytes?: number;
  readonly maxAgeMs: number;
  /** In one import. */
  readonly maxRecords: number;
  readonly exportTimeoutMs: number;
}

/** What is kept of builds that have ended. */
export interface HistoryConfig {
  readonly maxBuilds: number;
  readonly maxAgeMs: number;
}

/** Builders that MemoBuild runs itself. */
export interface ManagedConfig {
  readonly count: number;
  /** Set: they are containers of the Docker Engine at this socket. Absolute. */
  readonly dockerSocket?: string;
  /** Of the containers. */
  readonly image: string;
  /** Limits of each; none where not set. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
}

/** Limits that are not there are none. */
export interface FarmConfig {
  /** Each stands for as many builders as it has addresses. */
  readonly names: readonly DnsAddress[];
  readonly managed: ManagedConfig;
  readonly minVersion: string;
  /** Per builder. */
  readonly maxClients?: number;
  /** What BuildKit is asked to prune the state of each builder down to. */
  readonly keepBytes?: number;
  readonly queueTimeoutMs: number;
  readonly retriesLostBuilds: boolean;
}

export interface Config {
  readonly listen: readonly ListenAddress[];
  readonly tls?: ListenTls;
  /** With no names and no managed builders either: run the embedded builder. */
  readonly builders: readonly BuilderAddress[];
  readonly farm: FarmConfig;
  /** The program of the embedded and of managed builders: a path, or a name to be looked up in PATH. */
  readonly buildkitd: string;
  readonly http: HostPort;
  /** The page and the API may be where other machines reach them. */
  readonly insecureHttp: boolean;
  /** Absolute. */
  readonly apiSocket: string;
  readonly apiSocketMode: number;
  /** Set: the API is there too. Always of loopback. */
  readonly apiListen?: HostPort;
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly drainTimeoutMs: number;
  readonly cache: CacheConfig;
  readonly history: HistoryConfig;
}
