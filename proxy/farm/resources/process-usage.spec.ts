/** Promises of reading /proc, with texts of a real machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { poll } from "../../test/support/poll.js";
import { parsePrivateBytes, parseStat, processUsage, treeOf } from "./process-usage.js";

const STAT =
  "17021 (build (kit) d) S 16990 17021 16990 0 -1 4194560 24891 90112 12 3 151 49 320 80 20 0 14 0 34512345 2105831424 " +
  "15872 18446744073709551615 4194304 38129000 140722 0 0 0 0 0 2143420159 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
const STATUS =
  "Name:\tbuildkitd\nVmRSS:\t   63488 kB\nRssAnon:\t   21504 kB\nRssFile:\t   41984 kB\nRssShmem:\t       0 kB\n";

describe("parseStat", () => {
  it("reads a process whose name holds blanks and brackets, with the children that it has seen end", () => {
    expect(parseStat(STAT)).to.deep.equal({ parent: 16990, cpuSeconds: 6 });
  });

  it("knows nothing of one that has ended", () => {
    expect(parseStat("")).to.equal(undefined);
    expect(parseStat("17021 (x) S 1 2")).to.equal(undefined);
  });
});

describe("parsePrivateBytes", () => {
  it("leaves mapped files out", () => {
    expect(parsePrivateBytes(STATUS)).to.equal(21504 * 1024);
  });

  it("is nothing for a process of the kernel, or one that has ended", () => {
    expect(parsePrivateBytes("Name:\tkthreadd\n")).to.equal(0);
    expect(parsePrivateBytes("")).to.equal(0);
  });
});

describe("treeOf", () => {
  it("holds children of children, and nobody else's", () => {
    const parents = new Map([
      [10, 1],
      [11, 10],
      [12, 11],
      [13, 10],
      [20, 1],
      [21, 20],
    ]);
    expect(treeOf(10, parents)).to.have.members([10, 11, 12, 13]);
    expect(treeOf(99, parents)).to.deep.equal([99]);
  });
});

describe("processUsage", () => {
  it("counts what a child used, also once it has ended", async () => {
    const burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    const shell = spawn("sh", ["-c", `(${burn}); echo done; read line`], { stdio: ["pipe", "pipe", "ignore"] });
    try {
      const usage = processUsage(() => shell.pid, { cpus: 2 });
      await once(shell.stdout, "data");
      const sample = await poll(
        () => usage(new AbortController().signal),
        (seen) => (seen?.cpuSeconds ?? 0) > 0.02,
        { what: "its child's time is counted", timeoutMs: 1_500 },
      );
      expect(sample).to.include({ cpuLimitCores: 2, memoryLimitBytes: undefined });
      expect(sample?.memoryBytes).to.be.within(1, 100e6);
    } finally {
      shell.stdin.end();
      await once(shell, "exit");
    }
  });

  it("is undefined while there is no process", async () => {
    expect(await processUsage(() => undefined)(new AbortController().signal)).to.equal(undefined);
  });
});
