/** Times retention over a large cache: its work in all, and the longest time that it keeps builds waiting. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { BlobHealer } from "../proxy/cache/blob-healer.js";
import { BlobHolds } from "../proxy/cache/blob-holds.js";
import type { Digest } from "../proxy/cache/digest.js";
import { RetentionMetrics } from "../proxy/cache/retention-metrics.js";
import { Retention } from "../proxy/cache/retention.js";
import { openDatabase } from "../proxy/database/open-database.js";
import { SqliteIndex } from "../proxy/cache/sqlite-index.js";
import { verifyCache } from "../proxy/cache/verify-cache.js";
import { createLogger, type Logger } from "../proxy/log/create-logger.js";
import { ROOT, runOk } from "../proxy/test/support/command.js";
import { MemoryBlobStore } from "../proxy/test/support/memory-blob-store.js";
import { quantile } from "./stats.js";

const FILE = join(ROOT, "docs/benchmarks/retention.json");
const BLOBS = 1_000_000;
const BLOBS_PER_EXPORT = 50;
/** Which of the blobs a pass has to remove when the limit is exceeded. */
const EXCESS = 0.05;
const BLOB_BYTES = 20_000;
const TARGET_WORK_MS = 5000;
const TARGET_SLICE_MS = 20;

interface Row {
  readonly what: string;
  readonly wallMs: number;
  /** CPU time of the process. */
  readonly workMs: number;
  readonly slices: number;
  readonly longestSliceMs: number;
  readonly slice99Ms: number;
  /** Of the process, which others on the machine do not lengthen. */
  readonly longestSliceWorkMs: number;
  readonly removedBlobs: number;
}

/** By SQL, since a million calls would take minutes; each export shares half of its blobs with the next one. */
function fill(path: string, blobs: number, logger: Logger): SqliteIndex {
  const database = openDatabase({ path, logger });
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)`;
  const exports = blobs / BLOBS_PER_EXPORT;
  database.run(
    `${numbers} INSERT INTO blobs (id, digest, size, version, stored_at)
      SELECT i, randomblob(32), ${BLOB_BYTES}, i, i FROM n`,
    [blobs],
  );
  database.run(
    `${numbers} INSERT INTO exports (tenant, project, dockerfile, target, platform, revision, builder, ref, created_at,
        last_used_at, size, records, results, blobs, content)
      SELECT '', 'project ' || i % 100, 'Dockerfile', '', 'linux/amd64', 'revision', 'builder', 'ref ' || i, i, i,
        ${BLOBS_PER_EXPORT * 1.5 * BLOB_BYTES}, 100, 100, ${BLOBS_PER_EXPORT * 1.5}, randomblob(32) FROM n`,
    [exports],
  );
  const each = `SELECT id, (id - 1) * ${BLOBS_PER_EXPORT} AS first FROM exports`;
  database.run(`INSERT INTO export_blobs SELECT e.id, b.id FROM (${each}) AS e JOIN blobs AS b
    ON b.id >= e.first AND b.id < e.first + ${BLOBS_PER_EXPORT * 1.5}`);
  return new SqliteIndex(database);
}

/** The same blobs, without their bytes. */
async function mirror(index: SqliteIndex): Promise<MemoryBlobStore> {
  const store = new MemoryBlobStore();
  const bytes = Buffer.alloc(0);
  let after: Digest | undefined;
  for (;;) {
    const page = await index.blobsAfter(after, 1000);
    if (page.length === 0) return store;
    for (const { digest, sizeBytes, storedAtMs } of page) {
      const { version } = store.keep(digest, bytes, sizeBytes);
      await index.addBlob(digest, { sizeBytes, version }, storedAtMs);
    }
    after = page.at(-1)?.digest;
  }
}

/** Each turn of the event loop is a slice: what else is to be done waits for its end. */
async function time(what: string, index: SqliteIndex, work: () => Promise<unknown>): Promise<Row> {
  const before = await index.totals();
  const slices: number[] = [];
  let longestSliceWorkMs = 0;
  let turnedMs = performance.now();
  let turnedCpu = process.cpuUsage();
  const turn = (): void => {
    const nowMs = performance.now();
    slices.push(nowMs - turnedMs);
    turnedMs = nowMs;
    const { user, system } = process.cpuUsage(turnedCpu);
    turnedCpu = process.cpuUsage();
    longestSliceWorkMs = Math.max(longestSliceWorkMs, (user + system) / 1000);
    immediate = setImmediate(turn);
  };
  let immediate = setImmediate(turn);
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  clearImmediate(immediate);
  turn();
  clearImmediate(immediate);
  const wallMs = performance.now() - startedMs;
  return {
    ...{ what, wallMs, workMs: (user + system) / 1000, slices: slices.length },
    ...{ longestSliceMs: Math.max(...slices), slice99Ms: quantile(slices, 0.99), longestSliceWorkMs },
    removedBlobs: before.blobs - (await index.totals()).blobs,
  };
}

async function measure(dir: string, blobs: number): Promise<Row[]> {
  const signal = new AbortController().signal;
  const logger = createLogger({ level: "error", format: "text", stream: process.stderr });
  const index = fill(join(dir, "index.db"), blobs, logger);
  try {
    const store = await mirror(index);
    const total = store.storeBytes;
    const space = {
      get storeBytes() {
        return store.storeBytes;
      },
      ...{ softMaxBytes: total, hardMaxBytes: 2 * total, minFreeBytes: 0 },
      freeBytes: () => Promise.resolve(total),
    };
    const metrics = new RetentionMetrics({ registry: new Registry(), levels: space, totals: () => index.totals() });
    const parts = { index, store, holds: new BlobHolds(), metrics, logger, now: () => blobs + 1 };
    const monotonicNow = (): number => performance.now();
    const retention = new Retention({ ...parts, space, maxAgeMs: blobs + 1, monotonicNow });
    const verification = { index, store, healer: new BlobHealer(parts), now: monotonicNow };
    const check = { isThorough: false, isGentle: false, onProgress: () => undefined };
    const rows = [
      await time("pass with nothing to do", index, () => retention.pass(signal)),
      await time("check at start", index, () => verifyCache(verification, check, signal)),
    ];
    space.softMaxBytes = total * (1 - EXCESS);
    rows.push(await time(`pass that removes ${EXCESS * 100} %`, index, () => retention.pass(signal)));
    await retention.close();
    return rows;
  } finally {
    await index.close();
  }
}

const report = (blobs: number, rows: readonly Row[]): string =>
  [
    `retention over ${blobs} blobs (target ${TARGET_WORK_MS} ms of work in slices of ${TARGET_SLICE_MS} ms)`,
    ...rows.map(
      ({ what, wallMs, workMs, longestSliceMs, slice99Ms, longestSliceWorkMs, removedBlobs }) =>
        `${what}: ${workMs.toFixed(0)} ms of work in ${wallMs.toFixed(0)} ms, longest slice ${longestSliceMs.toFixed(1)} ms ` +
        `(${longestSliceWorkMs.toFixed(1)} ms of work), ` +
        `99 % ${slice99Ms.toFixed(1)} ms, ${removedBlobs} blobs removed`,
    ),
  ].join("\n");

/** `npm run bench -- retention`: keeps the rows in docs/ and returns the report. */
export async function benchRetention(isSaved: boolean, blobs: number = BLOBS): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bench-retention-"));
  try {
    const loadBefore = loadavg()[0] ?? NaN;
    const rows = await measure(dir, blobs);
    const record = {
      ...{ case: "retention", node: process.version, date: new Date().toISOString(), loadBefore, blobs },
      commit: (await runOk("git", ["describe", "--always", "--dirty"], { cwd: ROOT })).trim(),
      ...{ cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, rows },
    };
    if (isSaved) await writeFile(FILE, `${JSON.stringify([record], null, 1)}\n`);
    return report(blobs, rows);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
