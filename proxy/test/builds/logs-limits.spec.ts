/** Builds of extraordinary size: their clients get all of it, and MemoBuild keeps what its limits allow. */
import { join } from "node:path";
import { expect } from "chai";
import type { LogPiece } from "../../builds/history.js";
import { STEP_HEAD_MAX_BYTES, STEP_TAIL_MAX_BYTES } from "../../builds/log-keeper.js";
import { run } from "../support/command.js";
import { encodeLlb, wideLlb } from "../support/files-llb.js";
import { readProc } from "../support/processes.js";
import { SHELL } from "../system/world.js";
import { useBuildsWorld } from "./builds-world.js";
import { cacheMetricsOf, expectCounts } from "./reports.js";

const MEMORY_MAX_KIB = 250 * 1024;
const BUILD_TIMEOUT_MS = 100_000;

const LINES = 200_000;
const LINE_BYTES = 1_000;
/** Found nowhere else in what the client prints. */
const FILLER = "Z";
/** "line 000001 ZZZ…" and the end of the line. */
const PADDING = FILLER.repeat(LINE_BYTES - "line 000001 \n".length);
/** BuildKit hands over logs in pieces of at most 32 KiB, and no piece is cut. */
const PIECE_MAX_BYTES = 128 << 10;

const LEFT_OUT = /\n\[memobuild left out \d+ bytes of the log here\]\n/g;

const GROUPS = 40;
const FILES_PER_GROUP = 50;
const STEPS = GROUPS * FILES_PER_GROUP + GROUPS + 1;

describe("a build of extraordinary size", () => {
  const world = useBuildsWorld({
    daemonEnv: { BUILDKIT_STEP_LOG_MAX_SIZE: "-1", BUILDKIT_STEP_LOG_MAX_SPEED: "-1" },
  });

  const expectLittleMemory = (): void => {
    const [, peakKib] = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(world().memoBuild.pid, "status")) ?? [];
    expect(Number(peakKib), "KiB of memory at most").to.be.below(MEMORY_MAX_KIB);
  };

  const piecesOf = async (ref: string, step: string): Promise<readonly LogPiece[]> => {
    const pieces: LogPiece[] = [];
    for (let after = 0; ;) {
      const page = await world().builds.logs(ref, { step, after, limit: 1_000 });
      pieces.push(...page.pieces);
      if (!page.hasMore) return pieces;
      after = page.next;
    }
  };

  it(`keeps the beginning and the end of a log of ${(LINES * LINE_BYTES) / 1e6} MB, which its client gets whole`, async () => {
    const program = `BEGIN { for (i = 1; i <= ${LINES}; i++) printf "line %06d ${PADDING}\\n", i }`;
    const context = await world().context("talkative", {
      Dockerfile: `${SHELL}COPY program /\nRUN awk -f /program\n`,
      program,
    });
    // All of it would not fit into a text here. Where a line comes in two pieces, the lines that are shown vary.
    const count = `tr -cd ${FILLER} | wc -c`;
    const command = world().buildctlCommand(context, "--progress", "plain");
    const record = await world().recordOf(async () => {
      const pipe = `buildctl "$@" 2>&1 | ${count}`;
      const address = `unix://${join(world().dir, "m.sock")}`;
      const { stderr, stdout } = await run("sh", ["-c", pipe, "sh", "--addr", address, ...command], {
        timeoutMs: BUILD_TIMEOUT_MS,
      });
      expect(Number(stdout.toString()), stderr).to.equal(LINES * PADDING.length);
    });
    const step = record.steps.find(({ name }) => name.endsWith("RUN awk -f /program"));
    expect(step).to.include({ result: "ran", logBytes: LINES * LINE_BYTES, isLogCut: true });

    const pieces = await piecesOf(record.ref, step?.digest ?? "");
    const text = pieces.map((piece) => piece.text).join("");
    expect(text.startsWith("line 000001 ZZZ")).to.equal(true);
    expect(text.slice(-LINE_BYTES)).to.match(/^line 200000 Z+\n$/);
    const [head = "", ...tails] = text.split(LEFT_OUT);
    const leftOut = Array.from(text.matchAll(LEFT_OUT), ([word]) => Number(/\d+/.exec(word)?.[0]));
    expect(head.length).to.be.within(STEP_HEAD_MAX_BYTES - PIECE_MAX_BYTES, STEP_HEAD_MAX_BYTES);
    // What BuildKit hands over when it has told of the end of the step has an end of its own.
    expect(tails).to.have.length.within(1, 2);
    for (const tail of tails) expect(tail.length).to.be.within(1, STEP_TAIL_MAX_BYTES);
    const all = [head.length, ...leftOut, ...tails.map(({ length }) => length)];
    expect(all.reduce((sum, bytes) => sum + bytes, 0)).to.equal(LINES * LINE_BYTES);
    expectLittleMemory();
  });

  it(`has each of ${STEPS} steps`, async () => {
    // Its memory, without that of the other one.
    await world().restart();
    const input = encodeLlb("Definition", wideLlb(GROUPS, FILES_PER_GROUP, "wide"));
    let printed = "";
    const record = await world().recordOf(async () => {
      const args = ["build", "--debug-json-cache-metrics", "stdout"];
      const { code, stderr, stdout } = await world().buildctl(args, { input, timeoutMs: BUILD_TIMEOUT_MS });
      expect(code, stderr.slice(-1_000)).to.equal(0);
      printed = stdout.toString();
    });
    expect(record.isCut).to.equal(false);
    expectCounts(record, cacheMetricsOf(printed));
    const files = record.steps.filter(({ kind }) => kind === "file");
    expect(files).to.have.length(STEPS);
    expect(files.every(({ result }) => result === "ran")).to.equal(true);
    expect(record.steps.reduce((sum, { inputs }) => sum + inputs.length, 0)).to.be.at.least(STEPS - 1);
    expectLittleMemory();
  });
});
