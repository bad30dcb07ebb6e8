/** `npm run bench -- <what>`: measures the product beside real parts, and keeps rows and report in docs/. */
import { Command, Option } from "commander";
import { join } from "node:path";
import { ROOT } from "../proxy/test/support/command.js";
import { benchCache, CACHE_CASES, type CacheBenchOptions } from "./cache.js";
import { CASES, type BenchCase } from "./cases.js";
import { benchFarm, FARM_CASES, type FarmBenchOptions } from "./farm.js";
import { benchHistory, type HistoryBenchOptions } from "./history.js";
import { interruptible } from "./interruptible.js";
import { keepRecord, type BenchRecord } from "./records.js";
import { benchRecording, type RecordingBenchOptions } from "./recording.js";
import { benchRegistry, type RegistryBenchOptions } from "./registry.js";
import { describeSurroundings, runCase } from "./relay.js";
import { benchRetention } from "./retention.js";
import { formatReport, writeReport } from "./report.js";
import { benchSynthesis } from "./synthesis.js";
import { createWorld } from "./world.js";

const ROWS = join(ROOT, "docs/benchmarks/relay.json");
const PAGE = join(ROOT, "docs/benchmarks.md");
const ROUNDS_MAX = 200;

interface Options {
  readonly runs?: number;
  readonly only?: readonly string[];
  readonly save: boolean;
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--runs is a number from 1 to ${ROUNDS_MAX}`);
  }
  return rounds;
}

async function runCases(
  cases: readonly BenchCase[],
  { runs, save }: Options,
  signal: AbortSignal,
): Promise<BenchRecord[]> {
  const surroundings = await describeSurroundings(["npm run bench --", ...process.argv.slice(2)].join(" "));
  const world = await createWorld();
  const records: BenchRecord[] = [];
  try {
    for (const bench of cases) {
      const record = await runCase(world, bench, runs ?? bench.rounds, surroundings, signal);
      records.push(record);
      if (save) await writeReport(PAGE, "relay", formatReport(CASES, await keepRecord(ROWS, record)));
    }
  } finally {
    await world.close();
  }
  return records;
}

async function relay(options: Options): Promise<void> {
  const cases = CASES.filter(({ name }) => options.only?.includes(name) ?? true);
  await interruptible(async (signal) => {
    console.log(formatReport(CASES, await runCases(cases, options, signal)));
  });
}

const asText = (report: string): string => `\`\`\`text\n${report}\n\`\`\``;

async function tell(bench: string, report: string, isSaved: boolean): Promise<void> {
  console.log(report);
  if (isSaved) await writeReport(PAGE, bench, report);
}

const program = new Command("bench");
program
  .command("relay")
  .description("time builds and calls directly, through MemoBuild and through a plain pipe")
  .option("--runs <n>", "rounds of each case (default: as many as the case asks for)", parseRounds)
  .addOption(new Option("--only <case...>", "only these cases").choices(CASES.map(({ name }) => name)))
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(relay);
program
  .command("cache")
  .description("time builds that export to and import from the shared cache beside stock BuildKit's ways")
  .option("--runs <n>", "rounds of each case", parseRounds, 10)
  .addOption(new Option("--only <case...>", "only these cases").choices(CACHE_CASES.map(({ name }) => name)))
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async (options: CacheBenchOptions) => {
    await interruptible(async (signal) => {
      await tell("cache", await benchCache(options, signal), options.save);
    });
  });
program
  .command("farm")
  .description(
    "time the choice of a builder among 1,000, many builds at once, and a stream of builds by how they are placed",
  )
  .option("--rounds <n>", "rounds of the builds at once", parseRounds, 5)
  .option("--laps <n>", "builds of each project of the stream", parseRounds, 3)
  .addOption(new Option("--only <case...>", "only these cases").choices(FARM_CASES))
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async (options: FarmBenchOptions) => {
    await interruptible(async (signal) => {
      await tell("farm", await benchFarm(options, signal), options.save);
    });
  });
program
  .command("synthesis")
  .description("time the synthesis of an import from 100,000 records in the index")
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async ({ save }: { readonly save: boolean }) => {
    await tell("synthesis", asText(await benchSynthesis(save)), save);
  });
program
  .command("retention")
  .description("time a retention pass over 1,000,000 blobs")
  .option("--blobs <n>", "blobs in the index", Number, 1_000_000)
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async ({ blobs, save }: { readonly blobs: number; readonly save: boolean }) => {
    await tell("retention", asText(await benchRetention(save, blobs)), save);
  });
program
  .command("history")
  .description("time the lists of a history of 1,000 builds with 200,000 steps, and watch its memory")
  .option("--builds <n>", "builds in the history", Number, 1000)
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async (options: HistoryBenchOptions) => {
    await tell("history", asText(await benchHistory(options)), options.save);
  });
program
  .command("recording")
  .description("time uploads with recording and reading along beside the same relay without")
  .option("--rounds <n>", "rounds of each upload", parseRounds, 10)
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async (options: RecordingBenchOptions) => {
    await interruptible(async (signal) => {
      await tell("recording", asText(await benchRecording(options, signal)), options.save);
    });
  });
program
  .command("registry")
  .description("time the cache registry beside docker-registry: one large blob, and many small ones")
  .option("--rounds <n>", "rounds of each case", Number, 5)
  .option("--small-blobs <n>", "blobs of 4 KiB", Number, 10_000)
  .option("--large-mib <n>", "size of the large blob", Number, 1024)
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async (options: RegistryBenchOptions) => {
    await tell("registry", await benchRegistry(options), options.save);
  });
await program.parseAsync();
