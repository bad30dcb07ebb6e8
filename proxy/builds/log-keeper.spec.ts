/** Promises of what is kept of logs: the limits hold, whatever comes. */
import { expect } from "chai";
import fc from "fast-check";
import type { LogPiece } from "./history.js";
import {
  BUILD_HEADS_MAX_BYTES,
  BUILD_KEPT_TAILS_MAX_BYTES,
  BUILD_TAILS_MAX_BYTES,
  LogKeeper,
  STEP_HEAD_MAX_BYTES,
  STEP_TAIL_MAX_BYTES,
} from "./log-keeper.js";

const KIB = 1 << 10;
/** The word on what is missing. */
const WORD_MAX_BYTES = 100;
const LEFT_OUT = /^\n\[memobuild left out (\d+) bytes of the log here\]\n$/;

const piece = (step: string, text: string, atMs = 1): LogPiece => ({ step, stream: 1, atMs, text });
const bytesOf = (pieces: readonly LogPiece[]): number =>
  pieces.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
const textOf = (pieces: readonly LogPiece[]): string => pieces.map(({ text }) => text).join("");
const isWord = ({ text }: LogPiece): boolean => LEFT_OUT.test(text);
const withoutWords = (pieces: readonly LogPiece[]): LogPiece[] => pieces.filter((one) => !isWord(one));
const leftOutOf = (pieces: readonly LogPiece[]): number =>
  pieces.reduce((sum, { text }) => sum + Number(LEFT_OUT.exec(text)?.[1] ?? 0), 0);

describe("LogKeeper", () => {
  let keeper: LogKeeper;
  beforeEach(() => {
    keeper = new LogKeeper();
  });

  /** What is kept of these pieces and the end of their step. */
  const kept = (step: string, texts: readonly string[]): LogPiece[] => [
    ...texts.flatMap((text, index) => keeper.add(piece(step, text, index)) ?? []),
    ...keeper.end(step),
  ];
  const lines = (count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${String(n).padStart(999, ".")}\n`);

  it("keeps a short log as it comes", () => {
    const first = piece("a", "one\n");
    expect(keeper.add(first)).to.equal(first);
    expect(keeper.end("a")).to.deep.equal([]);
    expect([keeper.bytesOf("a"), keeper.isCut("a")]).to.deep.equal([4, false]);
    expect([keeper.bytesOf("b"), keeper.isCut("b"), keeper.end("b")]).to.deep.equal([0, false, []]);
  });

  it("keeps head and tail of a long log, with a word between them on how much is missing", () => {
    const all = lines(3_000);
    const pieces = kept("a", all);
    const word = pieces.findIndex(isWord);
    const [head, tail] = [textOf(pieces.slice(0, word)), textOf(pieces.slice(word + 1))];
    expect(all.join("").startsWith(head) && all.join("").endsWith(tail)).to.equal(true);
    expect(head.length).to.be.within(STEP_HEAD_MAX_BYTES / 2, STEP_HEAD_MAX_BYTES);
    expect(tail.length).to.be.within(STEP_TAIL_MAX_BYTES / 2, STEP_TAIL_MAX_BYTES);
    expect(head.length + tail.length + leftOutOf(pieces)).to.equal(3_000_000);
    expect(pieces[word]?.atMs).to.equal(pieces[word + 1]?.atMs);
    expect([keeper.bytesOf("a"), keeper.isCut("a")]).to.deep.equal([3_000_000, true]);
  });

  it("tells once what is missing, and of a step that goes on, what is missing since", () => {
    expect(kept("a", lines(2_000)).filter(isWord)).to.have.length(1);
    expect([keeper.end("a"), keeper.endAll()]).to.deep.equal([[], []]);
    const more = kept("a", lines(200));
    expect(leftOutOf(more) + bytesOf(withoutWords(more))).to.equal(200_000);
  });

  it("keeps the end of one long piece, in whole characters", () => {
    kept("a", ["x".repeat(STEP_HEAD_MAX_BYTES - KIB)]);
    const pieces = kept("a", ["€".repeat(STEP_TAIL_MAX_BYTES)]);
    const tail = textOf(pieces.slice(1));
    expect(tail).to.match(/^€+$/);
    expect(Buffer.byteLength(tail)).to.be.within(STEP_TAIL_MAX_BYTES - KIB, STEP_TAIL_MAX_BYTES);
    expect(leftOutOf(pieces) + Buffer.byteLength(tail)).to.equal(3 * STEP_TAIL_MAX_BYTES);
  });

  it("gives the end of all steps with one call, as at the end of the build", () => {
    for (const step of ["a", "b"]) for (const text of lines(1_200)) keeper.add(piece(step, text));
    const ends = keeper.endAll();
    for (const step of ["a", "b"]) expect(leftOutOf(ends.filter((one) => one.step === step))).to.be.greaterThan(0);
  });

  it("takes little for a program that writes byte by byte", () => {
    let head = 0;
    for (let n = 0; n < 50_000; n++) if (keeper.add(piece("a", "x")) !== undefined) head += 1;
    const tail = keeper.end("a");
    expect(head).to.be.lessThan(STEP_HEAD_MAX_BYTES / 32);
    expect(tail.length).to.be.lessThan(STEP_TAIL_MAX_BYTES / 32);
    expect(head + bytesOf(withoutWords(tail)) + leftOutOf(tail)).to.equal(50_000);
  });

  it("holds its limits for the build, however many steps say much", () => {
    const steps = Array.from({ length: 100 }, (_, n) => `step ${n}`);
    const text = "x".repeat(60 * KIB);
    const rounds = 5;
    let head = 0;
    for (let round = 0; round < rounds; round++)
      for (const step of steps) head += bytesOf([keeper.add(piece(step, text))].flatMap((one) => one ?? []));
    expect(head).to.be.within(BUILD_HEADS_MAX_BYTES - 64 * KIB, BUILD_HEADS_MAX_BYTES);
    const tails = keeper.endAll();
    expect(bytesOf(withoutWords(tails))).to.be.within(BUILD_TAILS_MAX_BYTES - 64 * KIB, BUILD_TAILS_MAX_BYTES);
    expect(head + bytesOf(withoutWords(tails)) + leftOutOf(tails)).to.equal(rounds * steps.length * text.length);
  });

  it("holds the limit on ends that are kept, however many steps end one after the other", () => {
    const full = "x".repeat(STEP_HEAD_MAX_BYTES / 2);
    let tails = 0;
    for (let n = 0; n < 150; n++) {
      for (let round = 0; round < 3; round++) keeper.add(piece(`step ${n}`, full));
      tails += bytesOf(keeper.end(`step ${n}`));
    }
    const words = 150 * WORD_MAX_BYTES;
    expect(tails).to.be.within(BUILD_KEPT_TAILS_MAX_BYTES - STEP_TAIL_MAX_BYTES, BUILD_KEPT_TAILS_MAX_BYTES + words);
  });

  it("loses count of nothing, whatever comes in whatever order", () => {
    const long = fc.tuple(fc.constantFrom("x", "é", "€", "😀"), fc.integer({ min: 1, max: 100_000 }));
    const text = fc.oneof(
      fc.string({ maxLength: 8, unit: "grapheme" }),
      long.map(([character, count]) => character.repeat(count)),
    );
    const event = fc.record({ step: fc.constantFrom("a", "b", "c"), text: fc.option(text) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25, size: "max" }), (events) => {
        const logs = new LogKeeper();
        const said = new Map(["a", "b", "c"].map((step) => [step, ""]));
        const [heads, tails]: [LogPiece[], LogPiece[]] = [[], []];
        for (const { step, text: next } of events) {
          if (next === null) tails.push(...logs.end(step));
          else {
            said.set(step, `${said.get(step) ?? ""}${next}`);
            heads.push(...[logs.add(piece(step, next))].flatMap((one) => one ?? []));
          }
        }
        tails.push(...logs.endAll());
        for (const [step, all] of said) {
          const [head, tail] = [heads, tails].map((pieces) => pieces.filter((one) => one.step === step));
          if (head === undefined || tail === undefined) throw new Error("there are two");
          expect(bytesOf(head)).to.be.at.most(STEP_HEAD_MAX_BYTES);
          expect(bytesOf(head) + bytesOf(withoutWords(tail)) + leftOutOf(tail)).to.equal(Buffer.byteLength(all));
          expect(logs.bytesOf(step)).to.equal(Buffer.byteLength(all));
          expect(logs.isCut(step)).to.equal(tail.some(isWord));
        }
      }),
      { numRuns: 40 },
    );
  });
});
