/** Looks at the processes of this machine. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** The command line, its arguments joined by blanks. */
  readonly command: string;
}

/** Content of a file below /proc; empty when the process ended meanwhile. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** All processes that still run; a zombie has no command line any more. */
export function processes(): ProcessInfo[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      const pid = Number(name);
      const command = readProc(pid, "cmdline").replaceAll("\0", " ").trim();
      // The second field of stat is the program's name in brackets, and may hold blanks.
      const parent = Number(readProc(pid, "stat").split(") ").at(-1)?.split(" ")[1]);
      return { pid, parent, command };
    })
    .filter(({ command }) => command !== "");
}

/** Mount points of this process's view that lie below a directory. */
export function mountsBelow(dir: string): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "").filter((path) => path.startsWith(`${dir}/`));
}
