/** How the text of each option becomes its value. */
import { z } from "zod";
import { type BuilderAddress, builderAddress, type DnsAddress } from "./builder-address.js";
import { byteSizeFrom } from "./byte-size.js";
import type { CacheCompression, CacheMode, LogFormat, LogLevel } from "./config.js";
import { durationBetween } from "./duration.js";
import { connectHostPort, type HostPort, isLoopback, listenHostPort } from "./host-port.js";
import { type ListenAddress, listenAddress } from "./listen-address.js";
import { CACHE_COMPRESSIONS, CACHE_MODES, LOG_FORMATS, LOG_LEVELS, type OptionName } from "./options.js";
import { unixPathProblem } from "./unix-path.js";
import { wholeNumberBetween } from "./whole-number.js";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const TEN_YEARS_MS = 3650 * DAY_MS;
/** Less cannot hold the layers of one build. */
const CACHE_MIN_BYTES = 1024 ** 2;
/** So many take the builder longer than a second in every build. */
const CACHE_RECORDS_MAX = 10_000;
const HISTORY_BUILDS_MAX = 1_000_000;
const MANAGED_BUILDERS_MAX = 64;
/** With less, buildkitd is killed before it has begun. */
const MANAGED_MEMORY_MIN_BYTES = 64 * 1024 ** 2;
const BUILDER_CLIENTS_MAX = 10_000;
/** Less cannot hold one build. */
const STATE_MIN_BYTES = 1024 ** 2;
const PROCESSORS_MIN = 0.1;
const PROCESSORS_MAX = 1024;

const oneOf = <const T extends string>(values: readonly T[]): z.ZodType<T, string> =>
  z.string().transform((text, context) => {
    const value = values.find((candidate) => candidate === text);
    if (value !== undefined) return value;
    context.addIssue(`"${text}" is none of ${values.join(", ")}`);
    return z.NEVER;
  });

const onOrOff: z.ZodType<boolean, string> = oneOf(["true", "false"]).transform((text) => text === "true");

const version: z.ZodType<string, string> = z.string().regex(/^v?\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]+)?$/, {
  error: ({ input }) => `"${String(input)}" is not a version, as in v0.28.1`,
});

const processors: z.ZodType<number, string> = z.string().transform((text, context) => {
  const count = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
  if (count >= PROCESSORS_MIN && count <= PROCESSORS_MAX) return count;
  context.addIssue(`"${text}" is not a number from ${PROCESSORS_MIN} to ${PROCESSORS_MAX}, as in 2 or 1.5`);
  return z.NEVER;
});

/** Relative to the working directory, a path is as long as it then becomes: the system says so at start. */
const socketPath: z.ZodType<string, string> = z.string().superRefine((text, context) => {
  const problem = text.startsWith("/") ? unixPathProblem(text) : undefined;
  if (problem !== undefined) context.addIssue(problem);
});

/** Of the user that runs MemoBuild nothing is taken: their own commands come that way. */
const socketMode: z.ZodType<number, string> = z
  .string()
  .regex(/^0?6[0-7]{2}$/, { error: ({ input }) => `"${String(input)}" is not a mode from 600 to 677, as in 660` })
  .transform((text) => Number.parseInt(text, 8));

/** There is no authentication: only who is on this machine may connect. */
const loopbackHostPort: z.ZodType<HostPort, string> = listenHostPort.superRefine(({ host }, context) => {
  if (isLoopback(host)) return;
  context.addIssue(
    `other machines reach ${host}, and whoever reaches the API reads the logs of builds and prunes the cache: ` +
      "use localhost, 127.0.0.1 or [::1]",
  );
});

/** The type behind each option. File names stay as given; they are resolved when the Config is built. */
export interface OptionValues extends Record<OptionName, unknown> {
  listen: ListenAddress;
  "insecure-listen": boolean;
  "insecure-http": boolean;
  "tls-cert": string;
  "tls-key": string;
  "tls-client-ca": string;
  builder: BuilderAddress | DnsAddress;
  "builder-min-version": string;
  "builder-max-clients": number;
  "builder-keep-bytes": number;
  "queue-timeout": number;
  "retry-lost-builds": boolean;
  "managed-builders": number;
  "managed-docker": string;
  "managed-image": string;
  "managed-cpus": number;
  "managed-memory": number;
  buildkitd: string;
  http: HostPort;
  "api-socket": string;
  "api-socket-mode": number;
  "api-listen": HostPort;
  "data-dir": string;
  config: string;
  "log-level": LogLevel;
  "log-format": LogFormat;
  "drain-timeout": number;
  cache: CacheMode;
  "registry-listen": HostPort;
  "cache-advertise": HostPort;
  "cache-compression": CacheCompression;
  "cache-max-bytes": number;
  "cache-hard-max-bytes": number;
  "cache-min-free": number;
  "cache-max-age": number;
  "cache-max-records": number;
  "export-timeout": number;
  "history-max-builds": number;
  "history-max-age": number;
}

export const optionValues: { readonly [Name in OptionName]: z.ZodType<OptionValues[Name], string> } = {
  listen: listenAddress,
  "insecure-listen": onOrOff,
  "insecure-http": onOrOff,
  "tls-cert": z.string(),
  "tls-key": z.string(),
  "tls-client-ca": z.string(),
  builder: builderAddress,
  "builder-min-version": version,
  "builder-max-clients": wholeNumberBetween(1, BUILDER_CLIENTS_MAX),
  "builder-keep-bytes": byteSizeFrom(STATE_MIN_BYTES),
  "queue-timeout": durationBetween(0, DAY_MS),
  "retry-lost-builds": onOrOff,
  "managed-builders": wholeNumberBetween(0, MANAGED_BUILDERS_MAX),
  "managed-docker": z
    .string()
    .transform((text) => text.replace(/^unix:\/\//, ""))
    .pipe(socketPath),
  "managed-image": z.string(),
  "managed-cpus": processors,
  "managed-memory": byteSizeFrom(MANAGED_MEMORY_MIN_BYTES),
  buildkitd: z.string(),
  http: listenHostPort,
  "api-socket": socketPath,
  "api-socket-mode": socketMode,
  "api-listen": loopbackHostPort,
  "data-dir": z.string(),
  config: z.string(),
  "log-level": oneOf(LOG_LEVELS),
  "log-format": oneOf(LOG_FORMATS),
  "drain-timeout": durationBetween(0, DAY_MS),
  cache: oneOf(CACHE_MODES),
  "registry-listen": listenHostPort,
  "cache-advertise": connectHostPort,
  "cache-compression": oneOf(CACHE_COMPRESSIONS),
  "cache-max-bytes": byteSizeFrom(CACHE_MIN_BYTES),
  "cache-hard-max-bytes": byteSizeFrom(CACHE_MIN_BYTES),
  "cache-min-free": byteSizeFrom(0),
  "cache-max-age": durationBetween(MINUTE_MS, TEN_YEARS_MS),
  "cache-max-records": wholeNumberBetween(1, CACHE_RECORDS_MAX),
  "export-timeout": durationBetween(SECOND_MS, DAY_MS),
  "history-max-builds": wholeNumberBetween(1, HISTORY_BUILDS_MAX),
  "history-max-age": durationBetween(MINUTE_MS, TEN_YEARS_MS),
};
