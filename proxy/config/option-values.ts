/** How the text of each option becomes its value. */
import { z } from "zod";
import { type BuilderAddress, builderAddress } from "./builder-address.js";
import type { LogFormat, LogLevel } from "./config.js";
import { durationBetween } from "./duration.js";
import { type HostPort, listenHostPort } from "./host-port.js";
import { type ListenAddress, listenAddress } from "./listen-address.js";
import { LOG_FORMATS, LOG_LEVELS, type OptionName } from "./options.js";

const DAY_MS = 24 * 3_600_000;

const oneOf = <const T extends string>(values: readonly T[]): z.ZodType<T, string> =>
  z.string().transform((text, context) => {
    const value = values.find((candidate) => candidate === text);
    if (value !== undefined) return value;
    context.addIssue(`"${text}" is none of ${values.join(", ")}`);
    return z.NEVER;
  });

/** The type behind each option. File names stay as given; they are resolved when the Config is built. */
export interface OptionValues extends Record<OptionName, unknown> {
  listen: ListenAddress;
  "insecure-listen": boolean;
  "tls-cert": string;
  "tls-key": string;
  "tls-client-ca": string;
  builder: BuilderAddress;
  buildkitd: string;
  http: HostPort;
  "data-dir": string;
  config: string;
  "log-level": LogLevel;
  "log-format": LogFormat;
  "drain-timeout": number;
}

export const optionValues: { readonly [Name in OptionName]: z.ZodType<OptionValues[Name], string> } = {
  listen: listenAddress,
  "insecure-listen": oneOf(["true", "false"]).transform((text) => text === "true"),
  "tls-cert": z.string(),
  "tls-key": z.string(),
  "tls-client-ca": z.string(),
  builder: builderAddress,
  buildkitd: z.string(),
  http: listenHostPort,
  "data-dir": z.string(),
  config: z.string(),
  "log-level": oneOf(LOG_LEVELS),
  "log-format": oneOf(LOG_FORMATS),
  "drain-timeout": durationBetween(0, DAY_MS),
};
