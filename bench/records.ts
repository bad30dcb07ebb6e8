/** The raw rows of the runs: one record for each case and major version of Node, the newest kept, as JSON. */
import { readFile, writeFile } from "node:fs/promises";
import type { Route } from "./world.js";

export interface Row {
  readonly round: number;
  readonly route: Route;
  readonly ms: number;
  readonly wallMs?: number;
  /** CPU time of MemoBuild or of the pipe. */
  readonly cpuMs?: number;
}

export interface BenchRecord {
  readonly case: string;
  /** Of the process that runs MemoBuild. */
  readonly node: string;
  readonly date: string;
  readonly command: string;
  readonly buildkit: string;
  readonly buildx: string;
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  /** Whether the files of the run, the daemon's among them, were in memory or on a disk. */
  readonly scratch: "memory" | "disk";
  /** One-minute load average before the case; it tells whether others used the machine. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  /** Resident memory of MemoBuild: before the first build, and its peak. */
  readonly idleMib: number;
  readonly peakMib: number;
  readonly rows: readonly Row[];
}

export const nodeMajor = ({ node }: Pick<BenchRecord, "node">): string => /^v?(\d+)/.exec(node)?.[1] ?? node;

/** No file means no records; one that cannot be read is an error, not to be written over. */
export async function readRecords(file: string): Promise<BenchRecord[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "[]";
    throw error;
  });
  return JSON.parse(text) as BenchRecord[];
}

export async function keepRecord(file: string, added: BenchRecord): Promise<BenchRecord[]> {
  const isReplaced = (old: BenchRecord): boolean => old.case === added.case && nodeMajor(old) === nodeMajor(added);
  const records = [...(await readRecords(file)).filter((old) => !isReplaced(old)), added];
  // One line for each row, so that the file can be read and compared.
  const text = records.map(({ rows, ...rest }) => {
    const lines = rows.map((line) => `    ${JSON.stringify(line)}`).join(",\n");
    return `${JSON.stringify(rest, null, 2).replace(/\n}$/, "")},\n  "rows": [\n${lines}\n  ]\n}`;
  });
  await writeFile(file, `[\n${text.join(",\n")}\n]\n`);
  return records;
}
