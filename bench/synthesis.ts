/** Times what an import costs the event loop: from the question to the index to the bytes for the builder. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { BlobHolds } from "../proxy/cache/blob-holds.js";
import type { BlobStore } from "../proxy/cache/blob-store.js";
import { BuildOverlap } from "../proxy/cache/build-overlap.js";
import type { BuildIdentity } from "../proxy/cache/cache-index.js";
import { CacheRegistry } from "../proxy/cache/cache-registry.js";
import type { Digest } from "../proxy/cache/digest.js";
import { ImportMetrics } from "../proxy/cache/import-metrics.js";
import { SharedCache } from "../proxy/cache/shared-cache.js";
import { openSqliteIndex, type SqliteIndex } from "../proxy/cache/sqlite-index.js";
import { SYNTHESIS_MAX_RECORDS } from "../proxy/cache/synthesize.js";
import { createLogger } from "../proxy/log/create-logger.js";
import { projectExport } from "../proxy/test/support/cache-graphs.js";
import { ROOT, runOk } from "../proxy/test/support/command.js";
import { median, quantile } from "./stats.js";

const FILE = join(ROOT, "docs/benchmarks/synthesis.json");
const PROJECTS = 10;
const EXPORTS_PER_PROJECT = 100;
/** A hundred records in each export make 100,000. */
const EXPORT = { records: 100, sharedRecords: 80 };
const VERSION = "1";
const ROUNDS = 40;
const TARGET_MS = 20;

const STATES = ["cold", "warm", "kept"] as const;

interface Row {
  readonly round: number;
  /** Cold: nothing of the project was read before by this process. Warm: all but a new export. Kept: nothing is new. */
  readonly state: (typeof STATES)[number];
  readonly ms: number;
  readonly records: number;
}

const identityOf = (project: number): BuildIdentity => ({
  ...{ tenant: "", project: `git.example/project-${project}`, dockerfile: "Dockerfile", target: "", platform: "" },
});

interface Filled {
  /** Sizes of the blobs. */
  readonly blobs: Map<Digest, number>;
}

async function addExport(index: SqliteIndex, { blobs }: Filled, project: number, number: number): Promise<void> {
  const graph = projectExport({ ...EXPORT, variant: `${project} ${number}` });
  for (const { blob } of graph.layers) {
    if (blobs.has(blob.digest)) continue;
    blobs.set(blob.digest, blob.sizeBytes);
    await index.addBlob(blob.digest, { sizeBytes: blob.sizeBytes, version: VERSION }, 0);
  }
  const source = { revision: `${number}`, builder: "unix:///builder", ref: `${project}-${number}` };
  await index.publish({ ...identityOf(project), ...source, createdAtMs: number, graph });
}

async function fill(index: SqliteIndex): Promise<Filled> {
  const filled = { blobs: new Map<Digest, number>() };
  for (let project = 0; project < PROJECTS; project++) {
    for (let number = 0; number < EXPORTS_PER_PROJECT; number++) await addExport(index, filled, project, number);
  }
  return filled;
}

/** Knows the sizes of the blobs, of which an import asks for nothing else. */
function storeOf({ blobs }: Filled): BlobStore {
  const unused = (): Promise<never> => Promise.reject(new Error("an import reads no blob"));
  return {
    put: unused,
    get: unused,
    delete: unused,
    stat: (digest) => {
      const sizeBytes = blobs.get(digest);
      return Promise.resolve(sizeBytes === undefined ? undefined : { sizeBytes, version: VERSION });
    },
    list: async function* () {
      for (const [digest, sizeBytes] of blobs) yield { digest, sizeBytes, version: VERSION, storedAtMs: 0 };
      await Promise.resolve();
    },
  };
}

/** All that stands between a build's request and its import, but for the HTTP listener. */
function createCache(
  index: SqliteIndex,
  filled: Filled,
): { readonly cache: SharedCache; readonly records: () => Promise<number> } {
  const registry = new Registry();
  const holds = new BlobHolds();
  const store = storeOf(filled);
  const metrics = new ImportMetrics(registry);
  const log = createLogger({ level: "error", format: "text", stream: process.stderr });
  const address = { host: "127.0.0.1", port: 0 };
  const served = { address, store, index, holds, registry, log, now: Date.now, onNoSpace: () => undefined };
  const cache = new SharedCache({
    ...{ store, index, holds, metrics, logger: log },
    registry: new CacheRegistry(served),
    recheck: () => Promise.resolve(),
    onPublished: () => undefined,
    maxRecords: SYNTHESIS_MAX_RECORDS,
    compression: "gzip",
    now: () => performance.now(),
    wallClock: Date.now,
  });
  const records = async (): Promise<number> => {
    const metric = await registry.getSingleMetric("memobuild_cache_injected_records_total")?.get();
    return metric?.values[0]?.value ?? 0;
  };
  return { cache, records };
}

async function rounds(path: string, filled: Filled): Promise<Row[]> {
  const rows: Row[] = [];
  const logger = createLogger({ level: "error", format: "text", stream: process.stderr });
  for (let round = 0; round < ROUNDS; round++) {
    const index = openSqliteIndex({ path, logger });
    const { cache, records } = createCache(index, filled);
    const overlap = new BuildOverlap(0);
    const project = round % PROJECTS;
    for (const state of STATES) {
      if (state === "warm") await addExport(index, filled, project, EXPORTS_PER_PROJECT + round);
      const build = overlap.begin();
      const before = await records();
      const startedAt = performance.now();
      const entry = await cache.importFor(identityOf(project), "127.0.0.1:1", build);
      const ms = performance.now() - startedAt;
      if (entry === undefined) throw new Error("the exports have results");
      rows.push({ round, state, ms, records: (await records()) - before });
      build.end();
    }
    overlap.close();
    await index.close();
  }
  return rows;
}

function report(rows: readonly Row[]): string {
  const lines = STATES.map((state) => {
    const mine = rows.filter((row) => row.state === state);
    const times = mine.map(({ ms }) => ms);
    const shown = [Math.min(...times), median(times), quantile(times, 0.95), times[0] ?? NaN].map((ms) =>
      ms.toFixed(1),
    );
    const [fastest, middle, slow, first] = shown;
    const records = median(mine.map((row) => row.records));
    return `${state}: fastest ${fastest} ms, median ${middle} ms, 95 % ${slow} ms, first ${first} ms; ${records} records`;
  });
  const total = PROJECTS * EXPORTS_PER_PROJECT * EXPORT.records;
  return [`import from an index of ${total} records (target ${TARGET_MS} ms)`, ...lines].join("\n");
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
    const filled = await fill(index);
    await index.close();
    const loadBefore = loadavg()[0] ?? NaN;
    const rows = await rounds(path, filled);
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
