/** Lines of logs, made of the pieces in which they come; the latest are kept. */
import type { LogPage } from "../../api/openapi.js";
import { type Segment, segmentsOf } from "./ansi.js";

export type LogPiece = LogPage["pieces"][number];

export interface LogLine {
  /** From 0, in the order in which they ended. */
  readonly id: number;
  /** Digest of the step's vertex. */
  readonly step: string;
  readonly atMs: number;
  readonly segments: readonly Segment[];
  /** Another step than that of the line before. */
  readonly isFirstOfStep: boolean;
}

/** Lines that are drawn together: a block that is full stays the same. */
export interface LogBlock {
  readonly index: number;
  readonly lines: readonly LogLine[];
}

interface OpenLine {
  readonly text: string;
  readonly atMs: number;
}

export interface LogBook {
  readonly blocks: readonly LogBlock[];
  /** Of each step, the line that has not ended. */
  readonly open: ReadonlyMap<string, OpenLine>;
  /** How many lines there have been. */
  readonly count: number;
}

export const BLOCK_LINES = 100;
/** Lines in the memory of the page, at least; earlier ones are let go in whole blocks. */
export const LINES_MAX = 10_000;
/** A longer line is shown in parts. */
export const LINE_MAX_CHARS: number = 16 * 1024;

export const EMPTY_BOOK: LogBook = { blocks: [], open: new Map(), count: 0 };

/** Complete lines, and what is left; too long a rest counts as a line. */
function linesIn(text: string): { readonly lines: readonly string[]; readonly rest: string } {
  // A carriage return begins the line anew on a terminal, as bars of progress do; here each is a line.
  const lines = text.split(/\r?\n|\r(?!$)/);
  const rest = lines.pop() ?? "";
  return rest.length > LINE_MAX_CHARS ? { lines: [...lines, rest], rest: "" } : { lines, rest };
}

/** @param linesMax how many lines are kept, rounded up to whole blocks */
export function appendPieces(book: LogBook, pieces: readonly LogPiece[], linesMax: number = LINES_MAX): LogBook {
  const open = new Map(book.open);
  const blocks = [...book.blocks];
  let count = book.count;
  let previous = blocks.at(-1)?.lines.at(-1)?.step;
  let fresh: LogLine[] = [...(blocks.pop()?.lines ?? [])];
  const close = (): void => {
    if (fresh.length > 0) blocks.push({ index: Math.floor((fresh[0]?.id ?? 0) / BLOCK_LINES), lines: fresh });
    fresh = [];
  };
  for (const { atMs, step, text } of pieces) {
    const { lines, rest } = linesIn(`${open.get(step)?.text ?? ""}${text}`);
    for (const line of lines) {
      if (fresh.length === BLOCK_LINES) close();
      fresh.push({ id: count, step, atMs, segments: segmentsOf(line), isFirstOfStep: step !== previous });
      previous = step;
      count += 1;
    }
    if (rest === "") open.delete(step);
    else open.set(step, { text: rest, atMs });
  }
  close();
  return { blocks: blocks.slice(-Math.ceil(linesMax / BLOCK_LINES) - 1), open, count };
}

/** With the lines that have not ended as if they had: for a build that has, or for a look at one that runs. */
export const closedBook = (book: LogBook): LogBook =>
  book.open.size === 0
    ? book
    : appendPieces(
        { ...book, open: new Map() },
        [...book.open].map(([step, { atMs, text }]) => ({ step, stream: 1, atMs, text: `${text}\n` })),
      );

export const keptLines = ({ blocks }: LogBook): number => blocks.reduce((sum, { lines }) => sum + lines.length, 0);

export const lineText = ({ segments }: LogLine): string => segments.map(({ text }) => text).join("");

/** Ids of lines that contain the text, in either case; none where it is empty. */
export function findLines({ blocks }: LogBook, text: string): readonly number[] {
  const wanted = text.toLowerCase();
  if (wanted === "") return [];
  return blocks.flatMap(({ lines }) =>
    lines.filter((line) => lineText(line).toLowerCase().includes(wanted)).map(({ id }) => id),
  );
}
