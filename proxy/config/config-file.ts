/** Options from the YAML configuration file: a map of option names to a value, or to a list where repeatable. */
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from "yaml";
import { unknownOption } from "./closest.js";
import type { ConfigProblem } from "./config-error.js";
import type { Given, GivenText } from "./given.js";
import { type Option, type OptionName, OPTIONS } from "./options.js";

/** A key and the values beside it, with the line each stands on. */
interface Entry {
  readonly key: string;
  readonly line: number;
  /** Undefined where the value is something else than text or a list of texts. */
  readonly values: readonly { readonly text: string; readonly line: number }[] | undefined;
}

const offsetOf = (node: unknown): number => (isScalar(node) || isMap(node) || isSeq(node) ? (node.range?.[0] ?? 0) : 0);

/** The text as written: `drain-timeout: 30` is "30", `insecure-listen: true` is "true". */
const textOf = (node: unknown): string | undefined => (isScalar(node) && node.value !== null ? node.source : undefined);

function entryOf({ key, value }: Pair, lines: LineCounter): Entry {
  const lineOf = (node: unknown) => lines.linePos(offsetOf(node)).line;
  const nodes = isSeq(value) ? value.items : [value];
  const values = nodes.flatMap((node) => {
    const text = textOf(node);
    return text === undefined ? [] : [{ text, line: lineOf(node) }];
  });
  const isComplete = nodes.length > 0 && values.length === nodes.length;
  return { key: textOf(key) ?? "", line: lineOf(key), values: isComplete ? values : undefined };
}

const shapeProblem = (option: Option | undefined, key: string): string => {
  if (option === undefined)
    return unknownOption(
      key,
      OPTIONS.map(({ name }) => name),
    );
  if (option.name === "config") return "cannot be set in the file itself";
  return option.repeatable === true ? "needs a value or a list of values" : "needs one value";
};

/** Reads the file's text; `file` is its name in messages. */
export function givenByFile(file: string, yaml: string): Given {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines });
  const texts = new Map<OptionName, readonly GivenText[]>();
  const problems: ConfigProblem[] = document.errors.map(({ message, linePos }) => ({
    option: `${file}:${linePos?.[0].line ?? 1}`,
    message: message.split("\n", 1)[0]?.replace(/ at line .*/, "") ?? "",
  }));
  const root = document.contents;
  // A file with nothing but comments sets nothing.
  const isEmpty = root === null || (isScalar(root) && root.value === null);
  if (problems.length > 0 || isEmpty) return { texts, problems };
  if (!isMap(root)) return { texts, problems: [{ option: file, message: "is not a YAML map of options" }] };
  for (const { key, line, values } of root.items.map((pair) => entryOf(pair, lines))) {
    const option = OPTIONS.find(({ name }) => name === key);
    if (option === undefined || option.name === "config" || values === undefined) {
      problems.push({ option: `${file}:${line}: ${key}`, message: shapeProblem(option, key) });
    } else {
      texts.set(
        option.name,
        values.map(({ text, line }) => ({ text, source: "file", origin: `${file}:${line}: ${key}` })),
      );
    }
  }
  return { texts, problems };
}
