/** What a buildkitd that did not end in order leaves on Linux: itself, its containers, its mounts. */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What an orphan gets between SIGTERM and SIGKILL. */
const TERM_TIMEOUT_MS = 5_000;
const POLL_MS = 50;

/**
 * Ends every daemon that was started with just these arguments, and the containers of BuildKit's `root`; then unmounts
 * what is mounted below `root` and below its folder for temporary files. All of them are real paths.
 */
export async function removeLeftovers(root: string, tmpDir: string, daemonArguments: readonly string[]): Promise<void> {
  for (const pid of await pidsWhere("cmdline", (text) => isDaemonOf(text, daemonArguments))) await endProcess(pid);
  const place = placeOf(root, await ownMountinfo());
  for (const pid of await pidsWhere("mountinfo", (text) => isContainerOf(text, root, place))) kill(pid, "SIGKILL");
  const mountinfo = await ownMountinfo();
  for (const mountPoint of [...mountPointsBelow(root, mountinfo), ...mountPointsBelow(tmpDir, mountinfo)]) {
    // Lazily: a container that was just killed may hold it a moment longer.
    await run("umount", ["--lazy", mountPoint]).catch(() => undefined); // went with the mount above it
  }
}

/** Whatever the program is called: all that follows its name must be as we start it. */
export function isDaemonOf(cmdline: string, daemonArguments: readonly string[]): boolean {
  return cmdline.endsWith(`\0${daemonArguments.join("\0")}\0`);
}

/** A directory as a bind mount of it is listed: by file system, and path on that. */
export interface Place {
  readonly device: string;
  readonly path: string;
}

export function placeOf(directory: string, mountinfo: string): Place {
  const place = { device: "", path: "", depth: -1 };
  for (const { device, onDevice, point } of parseMountinfo(mountinfo)) {
    const base = point === "/" ? "" : point;
    // Of two on one mount point the later one covers the other.
    if (!`${directory}/`.startsWith(`${base}/`) || base.length < place.depth) continue;
    const path = `${onDevice === "/" ? "" : onDevice}${directory.slice(base.length)}`;
    Object.assign(place, { device, path, depth: base.length });
  }
  return { device: place.device, path: place.path };
}

/** A container's root file system is an overlay of directories below BuildKit's root, or a bind mount of one. */
export function isContainerOf(mountinfo: string, root: string, place: Place): boolean {
  return parseMountinfo(mountinfo).some(
    ({ device, onDevice, optionPaths, point }) =>
      point === "/" &&
      ((device === place.device && onDevice.startsWith(`${place.path}/`)) ||
        optionPaths.some((path) => path.startsWith(`${root}/`))),
  );
}

/** Deepest first. */
export function mountPointsBelow(root: string, mountinfo: string): string[] {
  const points = parseMountinfo(mountinfo).map(({ point }) => point);
  return points.filter((point) => point.startsWith(`${root}/`)).reverse();
}

interface Mount {
  readonly device: string;
  /** What of the file system is mounted. */
  readonly onDevice: string;
  readonly point: string;
  /** As in `lowerdir=/a:/b,upperdir=/c`. */
  readonly optionPaths: readonly string[];
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
function parseMountinfo(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    const [, , device, onDevice, point] = fields;
    if (device === undefined || onDevice === undefined || point === undefined) return [];
    const options = (fields.at(-1) ?? "").split(",");
    const optionPaths = options.flatMap((option) => option.slice(option.indexOf("=") + 1).split(":"));
    return [
      {
        device,
        onDevice: unescapeOctal(onDevice),
        point: unescapeOctal(point),
        optionPaths: optionPaths.map(unescapeOctal),
      },
    ];
  });
}

function ownMountinfo(): Promise<string> {
  return readFile("/proc/self/mountinfo", "utf8");
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

/** mountinfo writes blanks and the like as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
