/** What the last stage of a Dockerfile says: its labels, and where it copies what to. */

export interface Copy {
  readonly sources: readonly string[];
  readonly target: string;
  /** The stage that it is copied from; undefined for the build's context. */
  readonly from?: string;
}

export interface FinalStage {
  readonly labels: Readonly<Record<string, string>>;
  readonly copies: readonly Copy[];
}

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Comments may stand between the lines of one instruction. */
function instructionsOf(text: string): readonly Instruction[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  return lines
    .join("\n")
    .replaceAll(/\\\s*\n/g, "")
    .split("\n")
    .map((line) => {
      const [, name = "", rest = ""] = /^\s*(\S+)\s*(.*)$/s.exec(line) ?? [];
      return { name: name.toUpperCase(), rest };
    });
}

/** Words as a shell tells them apart: in double quotes a backslash goes before a quote; single ones hold anything. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
      double === undefined ? (single ?? "") : double.replaceAll(/\\(["\\$])/g, "$1"),
    ),
  );
}

function copyOf(rest: string): Copy {
  const words = wordsOf(rest);
  const paths = words.filter((word) => !word.startsWith("--"));
  const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
  return { sources: paths.slice(0, -1), target: paths.at(-1) ?? "", ...(from === undefined ? {} : { from }) };
}

export function finalStageOf(dockerfile: string): FinalStage {
  const all = instructionsOf(dockerfile);
  const last = all.slice(all.findLastIndex(({ name }) => name === "FROM"));
  const labels = last.filter(({ name }) => name === "LABEL").flatMap(({ rest }) => wordsOf(rest));
  return {
    labels: Object.fromEntries(
      labels.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)] as const),
    ),
    copies: last.filter(({ name }) => name === "COPY").map(({ rest }) => copyOf(rest)),
  };
}

/** True when a file or folder at this path, from the root of the image, is copied by its name or with a folder. */
export function isCopied(path: string, copies: readonly Copy[]): boolean {
  const trimmed = path.replace(/^\//, "");
  return copies.some(({ sources, target, from }) => {
    const folder = target.replace(/^\//, "");
    // A stage's whole file system says nothing of what is in it.
    if (from !== undefined && folder === "") return false;
    const inside = folder === "" || folder.endsWith("/") ? sources.map((source) => folder + source) : [folder];
    return inside.some((place) => trimmed === place || trimmed.startsWith(`${place}/`));
  });
}
