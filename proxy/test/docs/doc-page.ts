/** What a page of the documentation holds that can be checked: its fenced blocks with their marks, links, anchors and code. */

/**
 * What becomes of a fenced block:
 * `run: shell`: its commands are run; `run: server`: it starts MemoBuild, for the blocks after it; `run: until stopped`:
 * it is run until it has printed something; `file: <name>`: it is a file, for the blocks after it; `needs: <what>`: it
 * is not run, as that is not there; `shows: <what>`: it is no command.
 */
export const MARKS = ["run", "file", "needs", "shows"] as const;
export type MarkKind = (typeof MARKS)[number];

export interface Mark {
  readonly kind: MarkKind;
  readonly value: string;
}

export interface DocBlock {
  /** Of the fence's first line, from 1. */
  readonly line: number;
  readonly language: string;
  /** Undefined where it is missing or not understood. */
  readonly mark: Mark | undefined;
  readonly text: string;
}

export interface DocLink {
  readonly line: number;
  readonly target: string;
}

export interface InlineCode {
  readonly line: number;
  readonly text: string;
}

export interface DocPage {
  readonly blocks: readonly DocBlock[];
  readonly links: readonly DocLink[];
  readonly anchors: ReadonlySet<string>;
  readonly code: readonly InlineCode[];
}

const RUN_VALUES: readonly string[] = ["shell", "server", "until stopped"];
const MARK = /^\s*<!-- (\w+): (.+?) -->\s*$/;
const FENCE = /^\s*(`{3,})(\w*)\s*$/;

function parseMark(line: string): Mark | undefined {
  const [, name, value = ""] = MARK.exec(line) ?? [];
  const kind = MARKS.find((each) => each === name);
  if (kind === undefined || (kind === "run" && !RUN_VALUES.includes(value))) return undefined;
  return { kind, value };
}

/** As GitHub makes it of a heading. */
export function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

/** A heading that comes again has a number behind it. */
function addAnchor(anchors: Set<string>, heading: string): void {
  const anchor = anchorOf(heading);
  let unique = anchor;
  for (let count = 1; anchors.has(unique); count += 1) unique = `${anchor}-${count}`;
  anchors.add(unique);
}

interface OpenBlock {
  readonly fence: string;
  readonly line: number;
  readonly language: string;
  readonly mark: Mark | undefined;
  readonly lines: string[];
}

export function parseDocPage(markdown: string): DocPage {
  const blocks: DocBlock[] = [];
  const links: DocLink[] = [];
  const anchors = new Set<string>();
  const code: InlineCode[] = [];
  let open: OpenBlock | undefined;
  let previous = "";
  for (const [index, text] of markdown.split("\n").entries()) {
    const line = index + 1;
    const [, fence, language = ""] = FENCE.exec(text) ?? [];
    if (open !== undefined) {
      if (fence !== open.fence) {
        open.lines.push(text);
        continue;
      }
      const { lines, ...block } = open;
      blocks.push({ line: block.line, language: block.language, mark: block.mark, text: `${lines.join("\n")}\n` });
      open = undefined;
    } else if (fence === undefined) {
      const [, heading] = /^#{1,6} (.+)$/.exec(text) ?? [];
      if (heading !== undefined) addAnchor(anchors, heading);
      for (const [, span = ""] of text.matchAll(/`([^`]+)`/g)) code.push({ line, text: span });
      const prose = text.replaceAll(/`[^`]*`/g, "");
      for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) links.push({ line, target });
    } else open = { fence, line, language, mark: parseMark(previous), lines: [] };
    // The formatter may put an empty line between the mark and the fence.
    if (text.trim() !== "") previous = text;
  }
  if (open !== undefined) throw new Error(`the block of line ${open.line} does not end`);
  return { blocks, links, anchors, code };
}
