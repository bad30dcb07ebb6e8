/** `memobuild …`: arguments in, exit code out; every mistake of the user is one line on stderr. */
import { CommanderError } from "commander";
import { unknownOption } from "../config/closest.js";
import { ConfigError, type ConfigProblem } from "../config/config-error.js";
import type { Environment } from "../config/environment.js";
import { type Configured, loadConfigured } from "../config/load-config.js";
import { flagOf, OPTIONS } from "../config/options.js";
import { StartError } from "../config/start-error.js";
import type { CliIo } from "./cli-io.js";
import { addClientCommands } from "./client-commands.js";
import { type CommandContext, CommandError, withApi } from "./command-context.js";
import { addCompletion } from "./completion.js";
import { createProgram, type ServeArguments } from "./create-program.js";
import { EXIT_BAD_USAGE, EXIT_FAILED, EXIT_INTERRUPTED } from "./exit-codes.js";
import { painterFor } from "./paint.js";

/** An argument behind an unknown option may be its value: only the option is the mistake then. */
function restProblems(rest: readonly string[]): ConfigProblem[] {
  const known = [...OPTIONS.map(({ name }) => flagOf(name)), "--help"];
  const isOption = (argument: string | undefined) => argument?.startsWith("-") === true;
  return rest.flatMap((argument, index) => {
    const [name = ""] = argument.split("=", 1);
    if (isOption(argument)) return [{ option: name, message: unknownOption(name, known) }];
    return isOption(rest[index - 1])
      ? []
      : [{ option: argument, message: "unexpected argument; serve takes options only" }];
  });
}

/** @throws ConfigError with the mistakes in the arguments and those in the configuration */
function configuredBy({ flags, rest }: ServeArguments, env: Environment, { cwd, readFile }: CliIo): Configured {
  const problems = restProblems(rest);
  try {
    const configured = loadConfigured({ flags, env, cwd, readFile });
    if (problems.length === 0) return configured;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  throw new ConfigError(problems);
}

/** Prints what the user can mend and gives the exit code for it; anything else is passed on. `help`: whose to see. */
function report(error: unknown, io: CliIo, help: string): number {
  const print = (line: string) => io.stderr.write(`memobuild: ${line.replaceAll("\n", " ")}\n`);
  if (error instanceof ConfigError) {
    for (const { option, message } of error.problems) print(`${option}: ${message}`);
    return EXIT_BAD_USAGE;
  }
  if (error instanceof StartError) {
    print(`${flagOf(error.option)}: ${error.message}`);
    return EXIT_BAD_USAGE;
  }
  if (error instanceof CommandError) {
    print(error.message);
    return EXIT_FAILED;
  }
  if (error instanceof Error && error.name === "AbortError") {
    print("interrupted");
    return EXIT_INTERRUPTED;
  }
  if (!(error instanceof CommanderError)) throw error;
  // Help or version was asked for.
  if (error.exitCode === 0) return 0;
  if (error.code !== "commander.help") print(`${error.message.replace(/^error: |\.$/g, "")}; see ${help} --help`);
  return EXIT_BAD_USAGE;
}

/**
 * Runs one command to its end. `argv` is without node and script.
 * @throws only what neither configuration nor start-up explains: a defect
 */
export async function runCli(
  argv: readonly string[],
  env: Environment,
  io: CliIo,
  serve: (configured: Configured) => Promise<number>,
): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, async (given) => {
    exitCode = await serve(configuredBy(given, env, io));
  });
  const context: CommandContext = {
    io,
    painter: painterFor(io.stdout, env),
    run: async (options, work) => {
      exitCode = await withApi(options, env, io.cwd, work);
    },
  };
  addClientCommands(program, context);
  addCompletion(program, context);
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    const group = program.commands.find((command) => command.name() === argv[0] && command.commands.length > 0);
    return report(error, io, group === undefined ? "memobuild" : `memobuild ${group.name()}`);
  }
}
