/** `npm run bench -- farm`: choosing a builder among many, many builds at once, and a stream of builds of some projects. */
import { readFile, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { ROOT } from "../proxy/test/support/command.js";
import { describeParallel, measureParallel, type ParallelRow } from "./farm-parallel.js";
import { describePlacement, measurePlacement, type PlacementRow } from "./farm-placement.js";
import { describeStream, measureStream, type StreamRow } from "./farm-stream.js";
import { createFarmWorld, type FarmWorld } from "./farm-world.js";
import { describeSurroundings } from "./relay.js";

const FILE = join(ROOT, "docs/benchmarks/farm.json");

export const FARM_CASES = ["placement", "parallel", "stream"] as const;
type CaseName = (typeof FARM_CASES)[number];

export interface FarmBenchOptions {
  readonly only?: readonly string[];
  /** Of the builds at once. */
  readonly rounds: number;
  /** Builds of each project of the stream. */
  readonly laps: number;
  readonly save: boolean;
}

type Measured =
  | { readonly case: "placement"; readonly rows: readonly PlacementRow[] }
  | { readonly case: "parallel"; readonly rows: readonly ParallelRow[] }
  | { readonly case: "stream"; readonly rows: readonly StreamRow[] };

function describe(record: Measured): string {
  switch (record.case) {
    case "placement":
      return asText(describePlacement(record.rows));
    case "parallel":
      return asText(describeParallel(record.rows));
    case "stream":
      return describeStream(record.rows);
  }
}

const asText = (report: string): string => `\`\`\`text\n${report}\n\`\`\``;

async function inWorld<T>(measure: (world: FarmWorld) => Promise<T>): Promise<T> {
  const world = await createFarmWorld();
  try {
    return await measure(world);
  } finally {
    await world.close();
  }
}

async function measureCase(name: CaseName, options: FarmBenchOptions, signal: AbortSignal): Promise<Measured> {
  switch (name) {
    case "placement":
      return { case: name, rows: await measurePlacement() };
    case "parallel":
      return { case: name, rows: await inWorld((world) => measureParallel(world, options.rounds, signal)) };
    case "stream":
      return { case: name, rows: await inWorld((world) => measureStream(world, options.laps, signal)) };
  }
}

/** Of each case the record of this run, else of the one before. */
async function merge(measured: readonly Measured[]): Promise<readonly Measured[]> {
  const old = JSON.parse(await readFile(FILE, "utf8").catch(() => "[]")) as readonly Measured[];
  return FARM_CASES.flatMap((name) => [...measured, ...old].find((record) => record.case === name) ?? []);
}

async function keep(records: readonly Measured[]): Promise<void> {
  const written = records.map(({ rows, ...rest }) => {
    const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
    return `${JSON.stringify(rest, null, 2).replace(/\n}$/, "")},\n  "rows": [\n${lines}\n  ]\n}`;
  });
  await writeFile(FILE, `[\n${written.join(",\n")}\n]\n`);
}

/** Runs the cases, keeps rows in docs/ where that is wanted, and returns the report. */
export async function benchFarm(options: FarmBenchOptions, signal: AbortSignal): Promise<string> {
  const surroundings = await describeSurroundings(["npm run bench --", ...process.argv.slice(2)].join(" "));
  const measured: Measured[] = [];
  for (const name of FARM_CASES.filter((one) => options.only?.includes(one) ?? true)) {
    const loadBefore = loadavg()[0];
    const result = await measureCase(name, options, signal);
    const run = { ...surroundings, date: new Date().toISOString(), loadBefore, loadAfter: loadavg()[0] };
    measured.push({ ...run, ...result });
  }
  if (!options.save) return measured.map(describe).join("\n\n");
  const records = await merge(measured);
  await keep(records);
  return records.map(describe).join("\n\n");
}
