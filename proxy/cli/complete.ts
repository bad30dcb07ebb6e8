/** What may stand where the cursor is on a command line of `memobuild`. */
import type { Command, Option } from "commander";
import { BUILDER_ARGUMENT } from "./builder-text.js";

export interface Candidate {
  readonly text: string;
  /** One line, shown beside it where the shell does that. */
  readonly help: string;
}

export interface CompletionSources {
  readonly program: Command;
  /** Where a build is to be named; gets the flags and values that were typed. */
  readonly builds: (words: readonly string[]) => Promise<readonly Candidate[]>;
  /** Where a builder is to be named. */
  readonly builders: (words: readonly string[]) => Promise<readonly Candidate[]>;
}

/** Where the words before the cursor lead to. */
interface Place {
  readonly command: Command;
  /** Arguments that were typed. */
  readonly given: number;
  /** The option whose value comes next. */
  readonly pending: Option | undefined;
}

const takesValue = ({ required, optional }: Option): boolean => required || optional;

const optionNamed = (command: Command, name: string): Option | undefined =>
  command.options.find(({ long, short }) => name === long || name === short);

function placeAfter(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, given: 0, pending: undefined };
  for (const word of words) {
    const { command, given, pending } = place;
    if (pending !== undefined) place = { command, given, pending: undefined };
    else if (word.startsWith("-")) {
      const option = optionNamed(command, word);
      place = { command, given, pending: option !== undefined && takesValue(option) ? option : undefined };
    } else {
      const next = command.commands.find((each) => each.name() === word);
      place = { command: next ?? command, given: next === undefined ? given + 1 : 0, pending };
    }
  }
  return place;
}

const withoutHelp = (texts: readonly string[] = []): Candidate[] => texts.map((text) => ({ text, help: "" }));

function flagsOf(command: Command): readonly Candidate[] {
  const options = command.createHelp().visibleOptions(command);
  return options.flatMap(({ long, description }) => (long ? [{ text: long, help: description }] : []));
}

/** Subcommands, else what the argument may be. */
async function argumentsAt({ command, given }: Place, typed: readonly string[], sources: CompletionSources) {
  if (command.commands.length > 0) {
    const visible = command.createHelp().visibleCommands(command);
    return visible.map((each) => ({ text: each.name(), help: each.description() }));
  }
  const all = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[given] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return [];
  if (command.parent?.name() === "builds") return sources.builds(typed);
  return argument.name() === BUILDER_ARGUMENT ? sources.builders(typed) : withoutHelp(argument.argChoices);
}

/** bash takes `tcp://x` for three words: those on both sides of a colon are one. */
function joinedAtColons(typed: readonly string[]): readonly string[] {
  const words: string[] = [];
  let isOpen = false;
  for (const word of typed) {
    const isColon = /^:+$/.test(word);
    const before = isColon || isOpen ? words.pop() : undefined;
    words.push(`${before ?? ""}${word}`);
    isOpen = isColon;
  }
  return words;
}

/** bash takes `--format=js` for three words: the sign on its own says nothing. */
function withoutSigns(typed: readonly string[]): readonly string[] {
  const isSign = (word: string | undefined): boolean => word === "=";
  return [...typed.slice(0, -1).filter((word) => !isSign(word)), isSign(typed.at(-1)) ? "" : (typed.at(-1) ?? "")];
}

/** What `complete` offers for words that bash broke at colons: it puts in only what is behind the last of them. */
const behindColons = (candidates: readonly Candidate[], current: string): readonly Candidate[] =>
  candidates.map(({ text, help }) => ({ text: text.slice(current.lastIndexOf(":") + 1), help }));

/** @param typed the words behind `memobuild` up to the cursor; what is to be completed is the last, which may be "" */
export async function complete(typed: readonly string[], sources: CompletionSources): Promise<readonly Candidate[]> {
  const joined = joinedAtColons(typed);
  const candidates = await completeWords(withoutSigns(joined), sources);
  return joined.at(-1) === typed.at(-1) ? candidates : behindColons(candidates, joined.at(-1) ?? "");
}

async function completeWords(words: readonly string[], sources: CompletionSources): Promise<readonly Candidate[]> {
  const [before, current] = [words.slice(0, -1), words.at(-1) ?? ""];
  const place = placeAfter(sources.program, before);
  const { command, pending } = place;
  const beginning = (candidates: readonly Candidate[], prefix = ""): readonly Candidate[] =>
    candidates.map(({ text, help }) => ({ text: prefix + text, help })).filter(({ text }) => text.startsWith(current));
  if (pending !== undefined) return beginning(withoutHelp(pending.argChoices));
  const [flag = "", value] = current.split("=", 2);
  if (current.startsWith("-") && value !== undefined) {
    return beginning(withoutHelp(optionNamed(command, flag)?.argChoices), `${flag}=`);
  }
  return beginning(current.startsWith("-") ? flagsOf(command) : await argumentsAt(place, before, sources));
}
