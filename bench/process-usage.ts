/** What a process used, as Linux counts it. */
import { writeFileSync } from "node:fs";
import { readProc } from "../proxy/test/support/processes.js";

/** USER_HZ, which is 100 on every Linux that runs Node. */
const MS_PER_TICK = 10;

/** CPU time of all its threads, user and system. */
export function cpuMs(pid: number): number {
  // The program's name, in brackets, may hold blanks; user and system time are the 14th and 15th field.
  const fields = readProc(pid, "stat").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function statusMib(pid: number, name: string): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readProc(pid, "status"))?.[1];
  return Math.round(Number(kib) / 1024);
}

/** Resident memory now; the peak counts from here on. */
export function startMemoryPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return statusMib(pid, "VmRSS");
}

export function memoryPeakMib(pid: number): number {
  return statusMib(pid, "VmHWM");
}
