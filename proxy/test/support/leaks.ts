/** Mocha root hooks: a run that leaves a process, a mount or a file behind fails. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { poll } from "./poll.js";
import { mountsBelow, processes, readProc, type ProcessInfo } from "./processes.js";

/** Every child inherits it, and theirs too, so a left process is known by its environment. */
const MARK = "MEMOBUILD_TEST_RUN";
/** What has been told to end may take a moment to be gone. */
const GONE_WITHIN_MS = 10_000;

const run = { mark: randomUUID(), dir: "", tmpdir: process.env["TMPDIR"] };

/** Names the mounts that a process sees; "" where it ended meanwhile. */
function mountNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return "";
  }
}

/**
 * Marked processes, and those in a container with a mount of this run, which have an environment of their own. Who has
 * the same mounts as we do is none of ours for that: all processes of the machine see a mount that was left behind.
 */
function processesLeft(): ProcessInfo[] {
  const ours = mountNamespace(process.pid);
  return processes().filter(({ pid }) => {
    const isMarked = readProc(pid, "environ").split("\0").includes(`${MARK}=${run.mark}`);
    const isContained = ![ours, ""].includes(mountNamespace(pid)) && readProc(pid, "mountinfo").includes(`${run.dir}/`);
    return pid !== process.pid && (isMarked || isContained);
  });
}

function left(): string[] {
  return [
    ...processesLeft().map(({ pid, command }) => `process ${pid}: ${command.slice(0, 200)}`),
    ...mountsBelow(run.dir).map((path) => `mount ${path}`),
    ...readdirSync(run.dir).map((name) => `file ${join(run.dir, name)}`),
  ];
}

export const mochaHooks: Mocha.RootHookObject = {
  beforeAll() {
    run.dir = mkdtempSync(join(tmpdir(), "mb-"));
    process.env[MARK] = run.mark;
    process.env["TMPDIR"] = run.dir;
  },
  async afterAll() {
    try {
      await poll(left, (things) => things.length === 0, {
        what: "everything that the tests started or made is gone",
        timeoutMs: GONE_WITHIN_MS,
        intervalMs: 200,
      });
    } finally {
      for (const { pid } of processesLeft()) process.kill(pid, "SIGKILL");
    }
    rmSync(run.dir, { recursive: true });
    if (run.tmpdir === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = run.tmpdir;
  },
};
