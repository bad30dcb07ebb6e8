/** Options from `MEMOBUILD_…` variables. */
import { unknownOption } from "./closest.js";
import type { ConfigProblem } from "./config-error.js";
import type { Given, GivenText } from "./given.js";
import { environmentNameOf, OPTIONS, type OptionName } from "./options.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes sets these in every pod beside a service named `memobuild` or `memobuild-…`. */
const SERVICE_LINK =
  /^MEMOBUILD_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;
const TEST_SETTING = /^MEMOBUILD_TEST_/;

/** For the commands that speak to a running MemoBuild; nothing to `serve`, which may run where it is set. */
const CLIENT_SETTING = /^MEMOBUILD_HOST$/;

const isOurs = (name: string): boolean =>
  name.startsWith("MEMOBUILD_") && ![SERVICE_LINK, TEST_SETTING, CLIENT_SETTING].some((other) => other.test(name));

/** An empty variable counts as not set. Repeatable options are split at white space: their values contain commas. */
export function givenByEnvironment(environment: Environment): Given {
  const texts = new Map<OptionName, readonly GivenText[]>();
  for (const { name, repeatable } of OPTIONS) {
    const origin = environmentNameOf(name);
    const value = environment[origin] ?? "";
    const parts = repeatable === true ? value.split(/\s+/) : [value];
    const given = parts.filter((part) => part !== "").map((text) => ({ text, source: "environment", origin }) as const);
    if (given.length > 0) texts.set(name, given);
  }
  const known = OPTIONS.map(({ name }) => environmentNameOf(name));
  const problems: ConfigProblem[] = Object.keys(environment)
    .filter((name) => isOurs(name) && !known.includes(name))
    .map((name) => ({ option: name, message: unknownOption(name, known) }));
  return { texts, problems };
}
