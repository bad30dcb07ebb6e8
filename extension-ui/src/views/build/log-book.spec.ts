import { expect } from "chai";
import {
  appendPieces,
  BLOCK_LINES,
  closedBook,
  EMPTY_BOOK,
  findLines,
  keptLines,
  LINE_MAX_CHARS,
  LINES_MAX,
  lineText,
  type LogBook,
  type LogPiece,
} from "./log-book.js";

const piece = (text: string, step = "a"): LogPiece => ({ step, stream: 1, atMs: 1, text });
const texts = ({ blocks }: LogBook): readonly string[] => blocks.flatMap(({ lines }) => lines.map(lineText));

describe("appendPieces", () => {
  it("joins pieces into lines, also where a step speaks in between", () => {
    const book = appendPieces(EMPTY_BOOK, [piece("one\ntw"), piece("other\n", "b"), piece("o\r\nthree")]);
    expect(texts(book)).to.deep.equal(["one", "other", "two"]);
    expect(texts(appendPieces(book, [piece("!\n")]))).to.deep.equal(["one", "other", "two", "three!"]);
  });

  it("tells where another step begins to speak", () => {
    const book = appendPieces(EMPTY_BOOK, [piece("1\n2\n"), piece("3\n", "b")]);
    expect(book.blocks[0]?.lines.map(({ isFirstOfStep }) => isFirstOfStep)).to.deep.equal([true, false, true]);
  });

  it("leaves blocks that are full as they were", () => {
    const full = appendPieces(EMPTY_BOOK, [piece("x\n".repeat(BLOCK_LINES + 1))]);
    const more = appendPieces(full, [piece("y\n")]);
    expect(more.blocks[0]).to.equal(full.blocks[0]);
    expect(more.blocks[1]?.lines).to.have.length(2);
    expect(more.blocks.map(({ index }) => index)).to.deep.equal([0, 1]);
  });

  it("keeps the latest lines only, and counts all", () => {
    let book = EMPTY_BOOK;
    for (let round = 0; round < 5; round += 1) book = appendPieces(book, [piece("x\n".repeat(LINES_MAX / 2))]);
    expect(book.count).to.equal(2.5 * LINES_MAX);
    expect(keptLines(book)).to.be.within(LINES_MAX, LINES_MAX + BLOCK_LINES);
    expect(book.blocks.at(-1)?.lines.at(-1)?.id).to.equal(book.count - 1);
  });

  it("ends a line that has no end", () => {
    const book = appendPieces(EMPTY_BOOK, [piece("x".repeat(LINE_MAX_CHARS + 1))]);
    expect(book.count).to.equal(1);
    expect(book.open.size).to.equal(0);
  });
});

describe("closedBook", () => {
  it("shows a line that has not ended, and lets it go on afterwards", () => {
    const book = appendPieces(EMPTY_BOOK, [piece("50%")]);
    expect(texts(closedBook(book))).to.deep.equal(["50%"]);
    expect(texts(appendPieces(book, [piece(" done\n")]))).to.deep.equal(["50% done"]);
  });
});

describe("findLines", () => {
  it("finds lines in either case, whatever their colours", () => {
    const book = appendPieces(EMPTY_BOOK, [piece("ok\n\u{1b}[31mErr\u{1b}[0mor: x\nno error\n")]);
    expect(findLines(book, "error")).to.deep.equal([1, 2]);
    expect(findLines(book, "")).to.deep.equal([]);
  });
});
