/** Finds command lines of `memobuild` in a text, and what of their commands and flags does not exist. */
import { PassThrough } from "node:stream";
import type { Command, Option } from "commander";
import type { CliIo } from "../../cli/cli-io.js";
import { addClientCommands } from "../../cli/client-commands.js";
import { addCompletion } from "../../cli/completion.js";
import { createProgram } from "../../cli/create-program.js";
import { painterFor } from "../../cli/paint.js";

const nothing = { write: () => true };

/** All commands, to be looked at. */
export function createCommands(): Command {
  const io: CliIo = {
    ...{ stdout: nothing, stderr: nothing, stdin: new PassThrough(), cwd: "/" },
    ...{ readFile: () => "", now: () => 0, interruption: () => new AbortController().signal },
  };
  const program = createProgram(io, () => Promise.resolve());
  const context = { io, painter: painterFor(nothing, {}), run: () => Promise.resolve() };
  addClientCommands(program, context);
  addCompletion(program, context);
  return program;
}

/** What may stand before a command of ours in its line. */
const BEFORE = /^(?:(?:sudo|npx|exec|source|then|do) |\w+=\S* |docker compose (?:-f \S+ )?exec (?:-T )?[\w-]+ )+/;
const ENDS_COMMAND = /\n|\|+|&&|&|;|[$<]?\(|\)/;

/** The words behind `memobuild`, of each of its command lines. */
export function memobuildCommands(text: string): readonly (readonly string[])[] {
  const lines = text.replaceAll(/\\\n\s*/g, " ").replaceAll(/(^|\s)#.*$/gm, "");
  return lines.split(ENDS_COMMAND).flatMap((line) => {
    const [program, ...words] = line.trim().replace(BEFORE, "").split(/\s+/);
    return program === "memobuild" ? [words] : [];
  });
}

/** Of any command. */
export function allFlags(command: Command): ReadonlySet<string> {
  const own = command.options.flatMap(({ long, short }) => [long, short]);
  const flags = [...own, ...command.commands.flatMap((each) => [...allFlags(each)])];
  return new Set(["--help", "-h", ...flags.filter((flag) => flag !== undefined)]);
}

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** The first thing in these words that does not exist; undefined where all of it does. */
export function problemIn(program: Command, words: readonly string[]): string | undefined {
  let command = program;
  let isValue = false;
  for (const word of words) {
    const [name = ""] = word.split("=", 1);
    if (isValue) isValue = false;
    else if (["--help", "-h", "help"].includes(word)) return undefined;
    else if (word.startsWith("-")) {
      const option = command.options.find(({ long, short }) => name === long || name === short);
      if (option === undefined) return `"${command.name()}" has no option ${name}`;
      isValue = takesValue(option) && name === word;
    } else if (command.commands.length > 0 && !/^[<[…]/.test(word)) {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) return `"${command.name()}" has no command ${word}`;
      command = next;
    }
  }
  return undefined;
}
