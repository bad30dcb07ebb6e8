/** What is wrong with the given values: each by itself, and some together. */
import { builderAddress, formatBuilderAddress } from "./builder-address.js";
import { formatByteSize } from "./byte-size.js";
import type { ConfigProblem } from "./config-error.js";
import { NO_DATA_DIR } from "./data-dir.js";
import type { GivenText, Values } from "./given.js";
import { isLoopback } from "./host-port.js";
import { listenAddress } from "./listen-address.js";
import { flagOf, OPTIONS, type OptionName } from "./options.js";
import { optionValues, type OptionValues } from "./option-values.js";

function checkTexts(name: OptionName, given: readonly GivenText[], isRepeatable: boolean): ConfigProblem[] {
  const problems = given.flatMap(({ text, origin }) => {
    if (text === "") return [{ option: origin, message: "needs a value" }];
    const { error } = optionValues[name].safeParse(text);
    return (error?.issues ?? []).map(({ message }) => ({ option: origin, message }));
  });
  const [, second] = given;
  if (second !== undefined && !isRepeatable) {
    problems.push({ option: second.origin, message: `takes one value, was given ${given.length}` });
  }
  return problems;
}

/** One builder twice, be it with other certificates. */
function checkBuilders(given: readonly GivenText[]): ConfigProblem[] {
  const addresses = given.map(({ text }) => {
    const address = builderAddress.safeParse(text).data;
    return address === undefined ? text : formatBuilderAddress(address);
  });
  return given
    .filter((_, index) => addresses.indexOf(addresses[index] ?? "") < index)
    .map(({ text, origin }) => ({ option: origin, message: `${text} is given twice` }));
}

/** The same address twice; with port 0 each is another port. */
function checkTwice(given: readonly GivenText[]): ConfigProblem[] {
  return given
    .filter(({ text }, index) => !text.endsWith(":0") && given.findIndex((other) => other.text === text) < index)
    .map(({ text, origin }) => ({ option: origin, message: `${text} is given twice` }));
}

function checkTls(values: Values): ConfigProblem[] {
  const given = (name: OptionName): GivenText | undefined => values.get(name)?.[0];
  const [cert, key, clientCa] = [given("tls-cert"), given("tls-key"), given("tls-client-ca")];
  const problems: ConfigProblem[] = [];
  if (cert !== undefined && key === undefined) problems.push({ option: cert.origin, message: "needs --tls-key too" });
  if (cert === undefined && key !== undefined) problems.push({ option: key.origin, message: "needs --tls-cert too" });
  if (cert === undefined && clientCa !== undefined) {
    problems.push({ option: clientCa.origin, message: "needs --tls-cert and --tls-key too" });
  }
  if (cert !== undefined || given("insecure-listen")?.text === "true") return problems;
  for (const { text, origin } of values.get("listen") ?? []) {
    const address = listenAddress.safeParse(text).data;
    if (address?.kind !== "tcp" || isLoopback(address.host)) continue;
    const message = `${text} can be reached by other machines: give --tls-cert and --tls-key, or --insecure-listen`;
    problems.push({ option: origin, message });
  }
  return problems;
}

function checkDataDir(values: Values): ConfigProblem[] {
  return values.get("data-dir")?.length === 0 ? [{ option: flagOf("data-dir"), message: NO_DATA_DIR }] : [];
}

function checkCache(values: Values): ConfigProblem[] {
  const valueOf = <Name extends OptionName>(name: Name): OptionValues[Name] | undefined =>
    optionValues[name].safeParse(values.get(name)?.[0]?.text).data;
  const problem = (name: OptionName, message: string): ConfigProblem[] =>
    (values.get(name) ?? []).slice(0, 1).map(({ origin }) => ({ option: origin, message }));
  const [softMax, hardMax] = [valueOf("cache-max-bytes"), valueOf("cache-hard-max-bytes")];
  const advertise = valueOf("cache-advertise");
  return [
    ...(softMax !== undefined && hardMax !== undefined && hardMax < softMax
      ? problem(
          "cache-hard-max-bytes",
          `${formatByteSize(hardMax)} is less than the ${formatByteSize(softMax)} of --cache-max-bytes`,
        )
      : []),
    ...(advertise !== undefined && valueOf("registry-listen")?.port === 0
      ? problem("cache-advertise", "needs --registry-listen with a port: the free port of 0 is another at each start")
      : []),
  ];
}

/** What limits managed builders, where there are none. */
function checkManaged(values: Values): ConfigProblem[] {
  const count = values.get("managed-builders")?.[0];
  // A 0 that somebody gives removes those that there were.
  if (count?.text !== "0" || count.source !== "default") return [];
  return (["managed-docker", "managed-cpus", "managed-memory"] as const).flatMap((name) =>
    (values.get(name) ?? []).slice(0, 1).map(({ origin }) => ({ option: origin, message: "needs --managed-builders" })),
  );
}

/** Every problem with the values, each alone and together. */
export function checkValues(values: Values): ConfigProblem[] {
  return [
    ...checkDataDir(values),
    ...OPTIONS.flatMap(({ name, repeatable }) => checkTexts(name, values.get(name) ?? [], repeatable === true)),
    ...checkTwice(values.get("listen") ?? []),
    ...checkBuilders(values.get("builder") ?? []),
    ...checkTls(values),
    ...checkCache(values),
    ...checkManaged(values),
  ];
}
