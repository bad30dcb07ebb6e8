/** Times what an import costs the event loop: from the question to the index to the bytes for the builder. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildIdentity } from "../proxy/cache/cache-index.js";
import { rankExports } from "../proxy/cache/import-rank.js";
import { openSqliteIndex, type SqliteIndex } from "../proxy/cache/sqlite-index.js";
import { synthesize } from "../proxy/cache/synthesize.js";
import { writeCacheManifest } from "../proxy/cache/write-cache-manifest.js";
import { createLogger } from "../proxy/log/create-logger.js";
import { projectExport } from "../proxy/test/support/cache-graphs.js";
import { ROOT, runOk } from "../proxy/test/support/command.js";
import { median, quantile } from "./stats.js";

const FILE = join(ROOT, "docs/benchmarks/synthesis.json");
const PROJECTS = 10;
const EXPORTS_PER_PROJECT = 100;
/** A hundred records in each export make 100,000. */
const EXPORT = { records: 100, sharedRecords: 80 };
/** As many as an import looks at. */
const CANDIDATES = 64;
const ROUNDS = 40;
const TARGET_MS = 20;

interface Row {
  readonly round: number;
  /** Cold: no graph of the project was read before by this process. Warm: all were. */
  readonly state: "cold" | "warm";
  readonly queryMs: number;
  readonly synthesizeMs: number;
  readonly writeMs: number;
  readonly records: number;
  readonly bytes: number;
}

const totalMs = ({ queryMs, synthesizeMs, writeMs }: Row): number => queryMs + synthesizeMs + writeMs;

const identityOf = (project: number): BuildIdentity => ({
  ...{ tenant: "", project: `git.example/project-${project}`, dockerfile: "Dockerfile", target: "", platform: "" },
});

async function fill(index: SqliteIndex): Promise<void> {
  const known = new Set<string>();
  for (let project = 0; project < PROJECTS; project++) {
    for (let number = 0; number < EXPORTS_PER_PROJECT; number++) {
      const graph = projectExport({ ...EXPORT, variant: `${project} ${number}` });
      for (const { blob } of graph.layers) {
        if (known.has(blob.digest)) continue;
        known.add(blob.digest);
        await index.addBlob(blob.digest, { sizeBytes: blob.sizeBytes, version: "1" }, 0);
      }
      const source = { revision: `${number}`, builder: "unix:///builder", ref: `${project}-${number}` };
      await index.publish({ ...identityOf(project), ...source, createdAtMs: number, graph });
    }
  }
}

async function measure(index: SqliteIndex, project: number): Promise<Omit<Row, "round" | "state">> {
  const identity = identityOf(project);
  const startMs = performance.now();
  const summaries = await index.exports({ scope: identity, order: "newest-export", limit: CANDIDATES });
  const ranked = rankExports(identity, summaries).map(({ id }) => id);
  const graphs = [...(await index.graphs(ranked)).values()].map((graph) => ({ graph }));
  const digests = new Set(graphs.flatMap(({ graph }) => graph.layers.map(({ blob }) => blob.digest)));
  const present = await index.blobs([...digests]);
  const queriedMs = performance.now();
  const graph = synthesize({ graphs, isUsable: ({ digest }) => present.has(digest) });
  const synthesizedMs = performance.now();
  if (graph === undefined) throw new Error("the exports have results");
  const { manifest, config } = writeCacheManifest(graph);
  return {
    queryMs: queriedMs - startMs,
    synthesizeMs: synthesizedMs - queriedMs,
    writeMs: performance.now() - synthesizedMs,
    records: graph.records.length,
    bytes: manifest.bytes.length + config.bytes.length,
  };
}

async function rounds(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  const logger = createLogger({ level: "error", format: "text", stream: process.stderr });
  for (let round = 0; round < ROUNDS; round++) {
    const index = openSqliteIndex({ path, logger });
    for (const state of ["cold", "warm"] as const) {
      rows.push({ round, state, ...(await measure(index, round % PROJECTS)) });
    }
    await index.close();
  }
  return rows;
}

function report(rows: readonly Row[]): string {
  const lines = (["cold", "warm"] as const).map((state) => {
    const totals = rows.filter((row) => row.state === state).map(totalMs);
    const medianOf = (part: (row: Row) => number): string =>
      median(rows.filter((row) => row.state === state).map(part)).toFixed(1);
    const parts = `query ${medianOf((row) => row.queryMs)}, synthesis ${medianOf((row) => row.synthesizeMs)}, bytes ${medianOf((row) => row.writeMs)}`;
    return `${state} (${parts}): fastest ${Math.min(...totals).toFixed(1)} ms, median ${median(totals).toFixed(1)} ms, 95 % ${quantile(totals, 0.95).toFixed(1)} ms, first ${(totals[0] ?? NaN).toFixed(1)} ms`;
  });
  return [
    `import from ${PROJECTS * EXPORTS_PER_PROJECT * EXPORT.records} records (target ${TARGET_MS} ms)`,
    ...lines,
  ].join("\n");
}

/** `npm run bench -- synthesis`: keeps the rows in docs/ and returns the report. */
export async function benchSynthesis(isSaved: boolean): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bench-synthesis-"));
  try {
    const path = join(dir, "index.sqlite");
    const index = openSqliteIndex({
      path,
      logger: createLogger({ level: "error", format: "text", stream: process.stderr }),
    });
    await fill(index);
    await index.close();
    const loadBefore = loadavg()[0] ?? NaN;
    const rows = await rounds(path);
    const record = {
      ...{ case: "synthesis", node: process.version, date: new Date().toISOString(), loadBefore },
      commit: (await runOk("git", ["describe", "--always", "--dirty"], { cwd: ROOT })).trim(),
      ...{ cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, rows },
    };
    if (isSaved) await writeFile(FILE, `${JSON.stringify([record], null, 1)}\n`);
    return report(rows);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
