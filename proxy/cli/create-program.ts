/** The commands of `memobuild` and their flags, made from the table of options. */
import { Command, Option as CommandOption } from "commander";
import type { Flags } from "../config/load-config.js";
import { environmentNameOf, flagOf, type Option, OPTIONS, usageOf } from "../config/options.js";
import type { Outputs } from "./cli-io.js";
import { packageVersion } from "./package-version.js";

export interface ServeArguments {
  readonly flags: Flags;
  /** What is no known option nor the value of one, in order. */
  readonly rest: readonly string[];
}

const HELP_COLUMNS = 100;

function describeOption({ name, help, defaults, isChangeable, repeatable }: Option): string {
  const notes = [
    ...(repeatable === true ? ["repeatable"] : []),
    ...(defaults.length > 0 ? [`default: ${defaults.join(" and ")}`] : []),
    ...(isChangeable === true ? ["changeable at run time"] : []),
    `env: ${environmentNameOf(name)}`,
  ];
  return `${help} (${notes.join("; ")})`;
}

/** Undoes in the help what is only there for commander: see `addServe`. */
function optionTerm({ flags }: CommandOption): string {
  const option = OPTIONS.find(({ name }) => flags === `${flagOf(name)} [value]`);
  return option === undefined ? flags : usageOf(option);
}

/**
 * Values are optional to commander, unknown options and further arguments allowed, because it stops at the first
 * mistake and all of them are to be reported.
 */
function addServe(program: Command, onServe: (given: ServeArguments) => Promise<void>): void {
  const flags: Partial<Record<Option["name"], string[]>> = {};
  const command = program
    .command("serve")
    .description("run the proxy until it is told to stop (SIGTERM or Ctrl-C)")
    .allowUnknownOption()
    .allowExcessArguments()
    .configureHelp({ optionTerm })
    .addHelpText("after", "\nA flag wins over its environment variable, that over the configuration file.\n");
  for (const option of OPTIONS) {
    const { name, value } = option;
    command.addOption(new CommandOption(`${flagOf(name)} [value]`, describeOption(option)));
    command.on(`option:${name}`, (text: string | null) => {
      // A switch needs no value; any other option without one is a mistake that loadConfig names.
      (flags[name] ??= []).push(text ?? (value === undefined ? "true" : ""));
    });
  }
  command.action(() => onServe({ flags, rest: command.args }));
}

/** The program prints help and version itself; everything else it throws as CommanderError. */
export function createProgram(outputs: Outputs, onServe: (given: ServeArguments) => Promise<void>): Command {
  const program = new Command("memobuild")
    .description("A build farm in front of BuildKit: shared cache, no flags, no fork")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void outputs.stdout.write(text),
      writeErr: (text) => void outputs.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => outputs.stdout.columns ?? HELP_COLUMNS,
      getErrHelpWidth: () => outputs.stderr.columns ?? HELP_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addServe(program, onServe);
  return program;
}
