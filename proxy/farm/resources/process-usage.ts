/** What a process of this machine uses together with all that it has started: a buildkitd's containers are its children. */
import { readdir, readFile } from "node:fs/promises";
import type { UsageSample, UsageSource } from "./usage-source.js";

/** The unit of times in /proc; Linux shows the same to programs whatever its own is. */
const TICKS_PER_SECOND = 100;
const KIBIBYTE = 1024;

export interface ProcessTimes {
  readonly parent: number;
  /** Its own, and that of the children that it has seen end: what they used stays in the sum over the tree. */
  readonly cpuSeconds: number;
}

/** @param stat text of /proc/<pid>/stat; its second field is a name in brackets that may hold anything. */
export function parseStat(stat: string): ProcessTimes | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const parent = Number(fields[1]);
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  if (fields.length < 15 || Number.isNaN(parent) || Number.isNaN(ticks)) return undefined;
  return { parent, cpuSeconds: ticks / TICKS_PER_SECOND };
}

/**
 * Memory that would be free without the process: files that it has mapped are left out, the system drops them at need
 * and several processes share them.
 *
 * @param status text of /proc/<pid>/status.
 */
export function parsePrivateBytes(status: string): number {
  const kibibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  return kibibytes("RssAnon") * KIBIBYTE;
}

/** `root` and all below it; of a child that came or went between two reads, the next sample tells. */
export function treeOf(root: number, parents: ReadonlyMap<number, number>): readonly number[] {
  const children = new Map<number, number[]>();
  for (const [pid, parent] of parents) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

export function processUsage(
  pid: () => number | undefined,
  limits: { readonly cpus?: number | undefined; readonly memoryBytes?: number | undefined } = {},
): UsageSource {
  return async () => {
    const root = pid();
    if (root === undefined) return undefined;
    const usage = await treeUsage(root);
    return { ...usage, cpuLimitCores: limits.cpus, memoryLimitBytes: limits.memoryBytes };
  };
}

async function treeUsage(root: number): Promise<UsageSample> {
  const times = new Map<number, ProcessTimes>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parsed = parseStat(await readProc(name, "stat"));
    if (parsed !== undefined) times.set(Number(name), parsed);
  }
  let [cpuSeconds, memoryBytes] = [0, 0];
  for (const pid of treeOf(root, new Map([...times].map(([pid, { parent }]) => [pid, parent])))) {
    cpuSeconds += times.get(pid)?.cpuSeconds ?? 0;
    memoryBytes += parsePrivateBytes(await readProc(String(pid), "status"));
  }
  return { cpuSeconds, memoryBytes };
}

/** "" where it has ended meanwhile. */
function readProc(pid: string, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}
