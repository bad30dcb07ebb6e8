/** `npm run bench -- cache`: sharing a cache through MemoBuild beside what stock BuildKit offers, on one daemon. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { ROOT } from "../proxy/test/support/command.js";
import { buildxBuild } from "./buildx-build.js";
import {
  createCacheWorld,
  publishedExports,
  untilPublished,
  wipeCache,
  writeLargeProject,
  type CacheWay,
  type CacheWorld,
} from "./cache-world.js";
import { describeSurroundings } from "./relay.js";
import { median, quantile, shuffled } from "./stats.js";

const FILE = join(ROOT, "docs/benchmarks/cache.json");

export interface CacheBenchOptions {
  readonly runs: number;
  readonly only?: readonly string[];
  readonly save: boolean;
}

interface Row {
  readonly case: string;
  readonly variant: string;
  readonly round: number;
  /** What the client waits. */
  readonly ms: number;
  /** From then until the cache is complete. */
  readonly lagMs?: number;
}

type Measured = Omit<Row, "case" | "variant" | "round">;

interface Variant {
  readonly name: string;
  /** Rounds in which it takes part; default: all. */
  readonly roundsMax?: number;
  readonly run: (round: number) => Promise<Measured>;
}

interface Case {
  readonly name: string;
  readonly title: string;
  /** Runs before those that count. */
  readonly warmUpRounds: number;
  /** Rounds for each one that was asked for: short runs need more. */
  readonly roundsFactor: number;
  /** Variant that is compared, the one that it is compared with, and the highest ratio. */
  readonly targets: readonly (readonly [variant: string, base: string, ratio: number | undefined])[];
  prepare(world: CacheWorld, signal: AbortSignal): Promise<readonly Variant[]>;
}

const salt = (): string => `${Date.now()}-${Math.random()}`;

/** A build with nothing in any cache: what the client waits, and until when the cache is complete. */
const exporting: Case = {
  name: "export",
  title: "600 MB build, empty builder",
  warmUpRounds: 0,
  roundsFactor: 1,
  targets: [
    ["write-behind gzip", "no export", 1.03],
    ["write-behind zstd", "no export", 1.03],
    ["attached gzip", "no export", undefined],
    ["attached zstd", "no export", undefined],
  ],
  prepare: async (world, signal) => {
    const context = await writeLargeProject(world.dir);
    const direct = await world.direct();
    const build = async ({ buildx }: CacheWay, ...args: string[]): Promise<number> => {
      await world.wipeBuilder();
      return (await buildxBuild(buildx, ["--build-arg", `SALT=${salt()}`, ...args, context], signal)).wallMs;
    };
    const attached = (compression: string): Variant => ({
      name: `attached ${compression}`,
      run: async (round) => {
        const ref = `${world.registry}/${compression}-${round}:cache`;
        const to = `type=registry,ref=${ref},mode=max,compression=${compression}`;
        return { ms: await build(direct, "--cache-to", to), lagMs: 0 };
      },
    });
    const behind = (compression: string): Variant => ({
      name: `write-behind ${compression}`,
      run: async () => {
        const way = await world.way(compression, ["--cache-compression", compression]);
        if (way.memobuild === undefined) throw new Error("a way through MemoBuild");
        await wipeCache(way.memobuild);
        const before = await publishedExports(way.memobuild);
        const ms = await build(way);
        return { ms, lagMs: await untilPublished(way.memobuild, before) };
      },
    });
    const plain = { name: "no export", run: async () => ({ ms: await build(direct) }) };
    return [plain, attached("gzip"), attached("zstd"), behind("gzip"), behind("zstd")];
  },
};

/** A builder with nothing in its cache, and a cache that has all. */
function importing(name: string, title: string, output: readonly string[]): Case {
  return {
    name,
    title,
    warmUpRounds: 1,
    roundsFactor: 1,
    targets: [
      ["MemoBuild", "stock registry", 1.0],
      ["MemoBuild", "from scratch", undefined],
    ],
    prepare: async (world, signal) => {
      const context = await writeLargeProject(world.dir);
      const [direct, through] = [await world.direct(), await world.way("gzip", ["--cache-compression", "gzip"])];
      const { memobuild } = through;
      if (memobuild === undefined) throw new Error("a way through MemoBuild");
      const args = ["--build-arg", `SALT=${salt()}`, context];
      const ref = `type=registry,ref=${world.registry}/${name}:cache`;
      await world.wipeBuilder();
      // Both caches are of one run of the steps, so that they hold the same layers.
      const before = await publishedExports(memobuild);
      await buildxBuild(through.buildx, args, signal);
      await untilPublished(memobuild, before);
      await buildxBuild(direct.buildx, ["--cache-to", `${ref},mode=max`, ...args], signal);
      const cold = async ({ buildx }: CacheWay, ...more: string[]): Promise<Measured> => {
        await world.wipeBuilder();
        return { ms: (await buildxBuild(buildx, [...output, ...more, ...args], signal)).wallMs };
      };
      return [
        { name: "from scratch", roundsMax: 3, run: () => cold(direct) },
        { name: "stock registry", run: () => cold(direct, "--cache-from", ref) },
        { name: "MemoBuild", run: () => cold(through) },
      ];
    },
  };
}

/** What the cache costs where it can give nothing: all steps are cached on the builder. */
const warm: Case = {
  name: "warm",
  title: "no-op build, warm builder",
  warmUpRounds: 20,
  roundsFactor: 3,
  targets: [
    ["MemoBuild", "direct", undefined],
    ["MemoBuild", "cache off", undefined],
  ],
  prepare: async (world, signal) => {
    const context = join(world.dir, "warm");
    await mkdir(context, { recursive: true });
    const dockerfile = "FROM scratch AS a\nCOPY one /\nFROM scratch\nCOPY two /\nCOPY --from=a /one /copied\n";
    for (const [file, text] of Object.entries({ Dockerfile: dockerfile, one: "1\n", two: "2\n" })) {
      await writeFile(join(context, file), text);
    }
    const by = (name: string, { buildx }: CacheWay): Variant => ({
      name,
      run: async () => ({ ms: (await buildxBuild(buildx, [context], signal)).wallMs }),
    });
    return [
      by("direct", await world.direct()),
      by("cache off", await world.way("off", ["--cache", "off"])),
      by("MemoBuild", await world.way("on")),
    ];
  },
};

export const CACHE_CASES: readonly Case[] = [
  exporting,
  importing("import", "empty builder, all in the cache, no output", []),
  importing("import-oci", "empty builder, all in the cache, `type=oci`", ["--output", "type=oci,dest=/dev/null"]),
  warm,
];

async function runCase(world: CacheWorld, bench: Case, runs: number, signal: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  const variants = await bench.prepare(world, signal);
  for (let round = 1 - bench.warmUpRounds; round <= runs * bench.roundsFactor; round++) {
    for (const { name, roundsMax = Infinity, run } of shuffled(variants)) {
      signal.throwIfAborted();
      if (round > roundsMax || (round < 1 && Number.isFinite(roundsMax))) continue;
      const measured = await run(round);
      process.stderr.write(`${bench.name} ${round}: ${name} ${measured.ms.toFixed(0)} ms\n`);
      if (round > 0) rows.push({ case: bench.name, variant: name, round, ...measured });
    }
  }
  return rows;
}

function seconds(values: readonly number[]): string {
  if (values.length === 0) return "";
  const ms = median(values);
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function formatCase(bench: Case, rows: readonly Row[]): string[] {
  const names = [...new Set(rows.map(({ variant }) => variant))].sort();
  return names.map((name) => {
    const mine = rows.filter(({ variant }) => variant === name);
    const ratios = bench.targets
      .filter(([variant]) => variant === name)
      .map(([, base, target]) => {
        const others = new Map(rows.filter(({ variant }) => variant === base).map(({ ms, round }) => [round, ms]));
        // Of each round that has both, because they met the same machine.
        const each = mine.flatMap(({ ms, round }) => (others.has(round) ? [ms / (others.get(round) ?? NaN)] : []));
        const middle = median(each);
        const verdict = target === undefined ? "" : ` (≤ ${target}: ${middle <= target ? "met" : "missed"})`;
        const spread = `${quantile(each, 0.25).toFixed(2)}–${quantile(each, 0.75).toFixed(2)}`;
        return `${middle.toFixed(2)} [${spread}] of ${base}${verdict}`;
      });
    const lags = mine.flatMap(({ lagMs }) => lagMs ?? []);
    const cells = [bench.title, name, String(mine.length), seconds(mine.map(({ ms }) => ms)), seconds(lags)];
    return `| ${[...cells, ratios.join("; ")].join(" | ")} |`;
  });
}

function formatRows(rows: readonly Row[]): string {
  const lines = CACHE_CASES.flatMap((bench) =>
    formatCase(
      bench,
      rows.filter((row) => row.case === bench.name),
    ),
  );
  const columns = "| case | way | runs | client waits | until the cache is complete | ratio of each round |";
  return [columns, "| --- | --- | --: | --: | --: | --- |", ...lines].join("\n");
}

interface Record {
  readonly case: string;
  readonly rows: readonly Row[];
}

/** One record for each case: of this run, else of the one before. */
async function keep(run: object, rows: readonly Row[]): Promise<readonly Record[]> {
  const text = await readFile(FILE, "utf8").catch(() => "[]");
  const old = JSON.parse(text) as readonly Record[];
  const records = CACHE_CASES.flatMap(({ name }) => {
    const mine = rows.filter((row) => row.case === name);
    return mine.length > 0 ? [{ case: name, ...run, rows: mine }] : old.filter((record) => record.case === name);
  });
  const written = records.map(({ rows: itsRows, ...rest }) => {
    const lines = itsRows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
    return `${JSON.stringify(rest, null, 2).replace(/\n}$/, "")},\n  "rows": [\n${lines}\n  ]\n}`;
  });
  await writeFile(FILE, `[\n${written.join(",\n")}\n]\n`);
  return records;
}

/** Runs the cases, keeps rows and report in docs/ where that is wanted, and returns the report. */
export async function benchCache({ only, runs, save }: CacheBenchOptions, signal: AbortSignal): Promise<string> {
  const surroundings = await describeSurroundings(["npm run bench --", ...process.argv.slice(2)].join(" "));
  const rows: Row[] = [];
  const loadBefore = loadavg()[0];
  for (const bench of CACHE_CASES.filter(({ name }) => only?.includes(name) ?? true)) {
    // A world for each: what one case leaves behind does not meet the next.
    const world = await createCacheWorld();
    try {
      rows.push(...(await runCase(world, bench, runs, signal)));
    } finally {
      await world.close();
    }
  }
  if (!save) return formatRows(rows);
  const run = { ...surroundings, date: new Date().toISOString(), loadBefore, loadAfter: loadavg()[0] };
  return formatRows((await keep(run, rows)).flatMap((record) => record.rows));
}
