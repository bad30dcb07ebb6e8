/** Makes the tables of docs/benchmarks.md from the raw rows. */
import { readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import type { BenchCase } from "./cases.js";
import { nodeMajor, type BenchRecord } from "./records.js";
import { median, quantile } from "./stats.js";
import type { Route } from "./world.js";

const END = "<!-- end -->";

interface Ratio {
  readonly text: string;
  readonly isMet: boolean | undefined;
}

const times = (record: BenchRecord, route: Route): number[] =>
  record.rows.filter((row) => row.route === route).map(({ ms }) => ms);

/** Of each round, because both runs of a round met the same machine. */
function ratio(bench: BenchCase, record: BenchRecord, other: Route): Ratio {
  const base = new Map(record.rows.filter(({ route }) => route === other).map(({ round, ms }) => [round, ms]));
  const ratios = record.rows
    .filter(({ route }) => route === "memobuild")
    .map(({ round, ms }) => ms / (base.get(round) ?? NaN))
    .map((slowdown) => (bench.bytes === undefined ? slowdown : 1 / slowdown));
  if (base.size === 0) return { text: "", isMet: undefined };
  const middle = median(ratios);
  const target = bench.targets[other];
  const isMet = target === undefined ? undefined : bench.bytes === undefined ? middle <= target : middle >= target;
  const spread = `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`;
  return { text: `${middle.toFixed(2)} [${spread}]`, isMet };
}

function formatMedian(bench: BenchCase, record: BenchRecord, route: Route): string {
  const values = times(record, route);
  if (values.length === 0) return "";
  const ms = median(values) / bench.operations;
  if (bench.bytes !== undefined) return `${(bench.bytes / 2 ** 20 / (ms / 1000)).toFixed(0)} MiB/s`;
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatCpu(bench: BenchCase, record: BenchRecord, route: Route): string {
  const used = record.rows.filter((row) => row.route === route).flatMap(({ cpuMs }) => cpuMs ?? []);
  if (used.length === 0) return "";
  // The mean, because the kernel counts in steps of 10 ms.
  const ms = used.reduce((sum, value) => sum + value, 0) / used.length / bench.operations;
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatTarget(bench: BenchCase): string {
  const sign = bench.bytes === undefined ? "≤" : "≥";
  return Object.entries(bench.targets)
    .map(([route, target]) => `${sign} ${target} of ${route}`)
    .join(", ");
}

function formatVerdict(ratios: readonly Ratio[]): string {
  const known = ratios.flatMap(({ isMet }) => isMet ?? []);
  if (known.length === 0) return "";
  return known.every(Boolean) ? "met" : "missed";
}

function formatLine(bench: BenchCase, record: BenchRecord): string {
  const direct = ratio(bench, record, "direct");
  const pipe = ratio(bench, record, "pipe");
  const cells = [
    `${bench.title} (${times(record, "memobuild").length})`,
    ...(["direct", "pipe", "memobuild"] as const).map((route) => formatMedian(bench, record, route)),
    ...[direct.text, pipe.text, formatTarget(bench), formatVerdict([direct, pipe])],
    ...[formatCpu(bench, record, "memobuild"), formatCpu(bench, record, "pipe")],
    `${record.idleMib} → ${record.peakMib}`,
    `${record.loadBefore.toFixed(1)} → ${record.loadAfter.toFixed(1)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

const COLUMNS = [
  ...["case (rounds)", "direct", "pipe", "MemoBuild", "MemoBuild / direct", "MemoBuild / pipe", "target", ""],
  ...["CPU of MemoBuild", "CPU of the pipe", "memory, MiB", "load"],
];

function formatTable(cases: readonly BenchCase[], records: readonly BenchRecord[]): string {
  const lines = cases.flatMap((bench) => {
    const record = records.find((candidate) => candidate.case === bench.name);
    return record === undefined ? [] : [formatLine(bench, record)];
  });
  const [first] = records;
  if (first === undefined) return "";
  const dates = [...new Set(records.map(({ date }) => date.slice(0, 10)))].sort().join(", ");
  const about = [
    `MemoBuild on Node ${first.node}, BuildKit ${first.buildkit}, buildx ${first.buildx}`,
    `${first.cores} × ${first.cpu}, scratch files on ${first.scratch}, ${dates}.`,
  ].join("; ");
  const rule = COLUMNS.map((_, i) => (i === 0 ? "---" : "--:"));
  return [about, "", `| ${COLUMNS.join(" | ")} |`, `| ${rule.join(" | ")} |`, ...lines].join("\n");
}

export function formatReport(cases: readonly BenchCase[], records: readonly BenchRecord[]): string {
  const majors = [...new Set(records.map(nodeMajor))].sort();
  return majors
    .map((major) => {
      const ofMajor = records.filter((record) => nodeMajor(record) === major);
      return `### Node ${major}\n\n${formatTable(cases, ofMajor)}`;
    })
    .join("\n\n");
}

/** Replaces what is between the markers of this bench in the page, formatted as the check wants it. */
export async function writeReport(page: string, bench: string, report: string): Promise<void> {
  const text = await readFile(page, "utf8");
  const marker = `<!-- begin: written by npm run bench -- ${bench} -->`;
  const begin = text.indexOf(marker);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`${page} lacks the markers "${marker}" and "${END}"`);
  const written = `${text.slice(0, begin)}${marker}\n\n${report}\n\n${text.slice(end)}`;
  await writeFile(page, await format(written, { ...(await resolveConfig(page)), parser: "markdown" }));
}
