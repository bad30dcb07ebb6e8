/** What a buildkitd that did not end in order leaves on Linux: itself, its containers, its mounts. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What an orphan gets between SIGTERM and SIGKILL. */
const TERM_TIMEOUT_MS = 5_000;
const POLL_MS = 50;

/** Ends every buildkitd that runs on `root`, and its containers; then unmounts what is mounted below `root`. */
export async function removeLeftovers(root: string): Promise<void> {
  for (const pid of await pidsWhere("cmdline", (text) => isDaemonOf(text, root))) await endProcess(pid);
  for (const pid of await pidsWhere("mountinfo", (text) => isContainerOf(text, root))) kill(pid, "SIGKILL");
  for (const mountPoint of await mountPointsBelow(root)) {
    // Lazily: a container that was just killed may hold it a moment longer.
    await run("umount", ["--lazy", mountPoint]).catch(() => undefined); // went with the mount above it
  }
}

function isDaemonOf(cmdline: string, root: string): boolean {
  const words = cmdline.split("\0");
  const at = words.indexOf("--root");
  return at > 0 && words[at + 1] === root && (words[0] ?? "").endsWith("buildkitd");
}

/** A container's root file system is mounted from directories below BuildKit's root. */
function isContainerOf(mountinfo: string, root: string): boolean {
  return mountinfo.split("\n").some((line) => line.split(" ")[4] === "/" && line.includes(`${root}/`));
}

async function pidsWhere(file: "cmdline" | "mountinfo", matches: (text: string) => boolean): Promise<number[]> {
  const pids: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const text = await readFile(`/proc/${name}/${file}`, "utf8").catch(() => ""); // it has ended meanwhile
    if (matches(text)) pids.push(Number(name));
  }
  return pids;
}

async function endProcess(pid: number): Promise<void> {
  kill(pid, "SIGTERM");
  for (let waitedMs = 0; waitedMs < TERM_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (!kill(pid, 0)) return;
    await sleep(POLL_MS);
  }
  kill(pid, "SIGKILL");
}

/** Whether there was such a process. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Deepest first. */
async function mountPointsBelow(root: string): Promise<string[]> {
  const mountinfo = await readFile("/proc/self/mountinfo", "utf8");
  const points = mountinfo.split("\n").map((line) => unescapeOctal(line.split(" ")[4] ?? ""));
  return points.filter((point) => point.startsWith(`${root}/`)).reverse();
}

/** mountinfo writes blanks and the like as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
