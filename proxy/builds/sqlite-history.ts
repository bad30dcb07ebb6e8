/** The history of builds in SQLite. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import type { BuildIdentity } from "../cache/cache-index.js";
import { settle } from "../database/settle.js";
import type { SqliteDatabase, Value } from "../database/sqlite-database.js";
import { formatCursor, parseCursor } from "./build-cursor.js";
import type { BuildRecord, BuildSummary, ExportNote, FileList, StepRecord, TransferRecord } from "./build-record.js";
import * as history from "./history.js";
import { InOrder } from "./in-order.js";
import { jsonLines, pack, slices, unpack } from "./packed-lines.js";
import { RECORD_HEAD, STEPS, type RecordHead, type StepTime } from "./parse-record.js";
import {
  SUMMARY_COLUMNS,
  exportOf,
  storedBuildOf,
  summaryOf,
  summaryRowOf,
  textOf,
  upsertBuild,
  type StoredBuild,
} from "./sqlite-build-rows.js";
import { SqliteCompletions } from "./sqlite-completions.js";
import { countCauses, readFigures, slowSteps } from "./sqlite-figures.js";
import { SqliteFileLists } from "./sqlite-file-lists.js";
import { SqliteLogs } from "./sqlite-logs.js";
import { readTrend } from "./sqlite-trend.js";

const RECORDS_MAX_BYTES = 4 * 2 ** 30;
const STEPS_PER_LINE = 100;
const REFS_PER_TURN = 500;
const REMOVED_PER_SELECT = 100;

const SELECT_SUMMARY = `SELECT ${SUMMARY_COLUMNS} AS row FROM builds CROSS JOIN summaries ON build_id = builds.id`;
const EMPTY_HEAD: RecordHead = { transfers: [], argumentNames: [], noCache: [], baseline: "", isCut: false };
const TOTALS = z.tuple([z.number(), z.number()]);

export interface SqliteHistoryDeps {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Of all builds together, as they are stored: beyond that, the oldest go, however few there are. */
  readonly recordsMaxBytes?: number;
}

export class SqliteHistory implements history.History {
  readonly #database: SqliteDatabase;
  readonly #now: () => number;
  readonly #recordsMaxBytes: number;
  readonly #inOrder = new InOrder();
  readonly #logs: SqliteLogs;
  readonly #fileLists: SqliteFileLists;
  readonly #completions: SqliteCompletions;

  /** The database is closed by its owner, when all calls have ended. */
  constructor(database: SqliteDatabase, { now, recordsMaxBytes = RECORDS_MAX_BYTES }: SqliteHistoryDeps) {
    this.#database = database;
    this.#now = now;
    this.#recordsMaxBytes = recordsMaxBytes;
    this.#logs = new SqliteLogs(database);
    this.#fileLists = new SqliteFileLists(database, { now });
    this.#completions = new SqliteCompletions(database);
  }

  begin(build: BuildSummary): Promise<void> {
    return this.#inOrder.run(build.ref, async () => {
      const earlier = this.#database.value("SELECT id FROM builds WHERE ref = ?", [build.ref]);
      if (typeof earlier === "number") await this.#remove(earlier);
      this.#database.transaction(() => {
        this.#writeSummary(build, [], 0);
        this.#completions.noteBuilder(history.builderKeyOf(build), build.startedAtMs);
      });
    });
  }

  checkpoint(record: BuildRecord): Promise<void> {
    return this.#inOrder.run(record.ref, async () => {
      await this.#write(record);
    });
  }

  finish(record: BuildRecord): Promise<void> {
    return this.#inOrder.run(record.ref, async () => {
      const id = await this.#write(record);
      // Behind the record, which is worth more should we be killed in between.
      if (id !== undefined) await this.#completions.note(id, record);
    });
  }

  noteExport(ref: string, { result, bytes, durationMs }: ExportNote): Promise<void> {
    const sql = "UPDATE builds SET export_result = ?, export_bytes = ?, export_ms = ? WHERE ref = ?";
    return this.#inOrder.run(ref, () =>
      settle(() => {
        this.#database.run(sql, [result, bytes, Math.round(durationMs), ref]);
      }),
    );
  }

  async noteRemoval(refs: readonly string[], rule: history.RemovalRule, atMs: number): Promise<void> {
    const sql = `UPDATE builds SET export_removed_by = ?, export_removed_at = ?
      WHERE ref IN (SELECT value FROM json_each(?))`;
    for (const slice of slices(refs, REFS_PER_TURN)) {
      this.#database.run(sql, [rule, Math.round(atMs), JSON.stringify(slice)]);
      await nextTurn();
    }
  }

  appendLog(ref: string, pieces: readonly history.LogPiece[]): Promise<void> {
    return this.#inOrder.run(ref, () => this.#logs.append(ref, pieces));
  }

  keepFileList(files: FileList): Promise<string> {
    return this.#fileLists.keep(files);
  }

  async build(ref: string): Promise<BuildRecord | undefined> {
    const [row] = this.#database.rows(`${SELECT_SUMMARY} WHERE ref = ?`, [ref], summaryRowOf);
    if (row?.summary === undefined) return undefined;
    const bytes = this.#database.value("SELECT bytes FROM records WHERE build_id = ?", [row.id]);
    if (!(bytes instanceof Uint8Array)) return { ...row.summary, ...EMPTY_HEAD, steps: [] };
    const rest = await readRecord(bytes);
    if (rest === undefined) return undefined;
    const steps = row.summary.outcome === "lost" ? rest.steps.map(lostStep) : rest.steps;
    return { ...row.summary, ...rest, steps };
  }

  async logs(ref: string, query: history.LogQuery): Promise<history.LogPage | undefined> {
    const id = this.#database.value("SELECT id FROM builds WHERE ref = ?", [ref]);
    return typeof id === "number" ? await this.#logs.page(id, query) : undefined;
  }

  list({ limit, cursor, ...query }: history.BuildQuery): Promise<history.BuildPage> {
    const select = `${SELECT_SUMMARY} WHERE (started_at, builds.id) < (?1, ?2) AND started_at >= ?3
      AND (?4 IS NULL OR instr(project, ?4) > 0) AND (?5 IS NULL OR builder = ?5)
      AND (?6 IS NULL OR outcome = ?6) AND (?7 IS NULL OR build_group = ?7)
      ORDER BY started_at DESC, builds.id DESC LIMIT ?8`;
    return settle(() => {
      const from = cursor === undefined ? { startedAtMs: Number.MAX_SAFE_INTEGER, id: 0 } : parseCursor(cursor);
      const { project = null, builder = null, outcome = null, group = null } = query;
      const values = [from.startedAtMs, from.id, query.sinceMs ?? 0, project, builder, outcome, group, limit + 1];
      const rows = this.#database.rows(select, values, summaryRowOf);
      const page = rows.slice(0, limit);
      const builds = page.flatMap(({ summary }) => (summary === undefined ? [] : [summary]));
      const last = page.at(-1);
      return rows.length > limit && last !== undefined ? { builds, cursor: formatCursor(last) } : { builds };
    });
  }

  refs(prefix: string, limit: number): Promise<readonly string[]> {
    // A range, for which the index of refs serves; no ref has a character behind the last one of Unicode.
    const select = `SELECT json_quote(ref) AS row FROM builds WHERE ref >= ? AND ref < ?
      ORDER BY started_at DESC, id DESC LIMIT ?`;
    return this.#texts(select, [prefix, `${prefix}\u{10ffff}`, limit]);
  }

  async latest(n: number): Promise<string | undefined> {
    const select = "SELECT json_quote(ref) AS row FROM builds ORDER BY started_at DESC, id DESC LIMIT 1 OFFSET ?";
    return (await this.#texts(select, [n - 1]))[0];
  }

  fileList(name: string): Promise<FileList | undefined> {
    return this.#fileLists.read(name);
  }

  alike(identity: BuildIdentity, beforeMs: number, limit: number): Promise<readonly string[]> {
    const { tenant, project, dockerfile, target, platform } = identity;
    const select = `SELECT json_quote(ref) AS row FROM builds WHERE tenant = ? AND project = ? AND dockerfile = ?
      AND target = ? AND platform = ? AND started_at < ? AND outcome <> 'running'
      ORDER BY started_at DESC, id DESC LIMIT ?`;
    return this.#texts(select, [tenant, project, dockerfile, target, platform, beforeMs, limit]);
  }

  latestTransfer(
    build: Pick<BuildSummary, "tenant" | "project" | "builder">,
    name: string,
  ): Promise<TransferRecord | undefined> {
    return settle(() => this.#fileLists.latestTransfer(build, name));
  }

  stepHistory(keys: readonly string[], builder: string): Promise<ReadonlyMap<string, history.StepHistory>> {
    return this.#completions.find(keys, builder);
  }

  async exportsOf(refs: readonly string[]): Promise<readonly history.ExportHistory[]> {
    const select = `SELECT json_array(ref, export_result, export_bytes, export_ms, export_removed_at, export_removed_by)
      AS row FROM json_each(?) AS asked CROSS JOIN builds ON ref = asked.value`;
    const found: history.ExportHistory[] = [];
    for (const slice of slices(refs, REFS_PER_TURN)) {
      found.push(...this.#database.rows(select, [JSON.stringify(slice)], exportOf));
      await nextTurn();
    }
    return found;
  }

  figures(query: history.FiguresQuery): Promise<history.Figures> {
    return readFigures(this.#database, query);
  }

  trend(query: history.TrendQuery): Promise<history.Trend> {
    return readTrend(this.#database, query);
  }

  async remove(refs: readonly string[]): Promise<number> {
    const select = "SELECT id FROM builds WHERE ref = ? AND outcome <> 'running'";
    let removed = 0;
    for (const ref of refs) {
      removed += await this.#inOrder.run(ref, async () => {
        const id = this.#database.value(select, [ref]);
        return typeof id === "number" ? await this.#remove(id) : 0;
      });
    }
    return removed;
  }

  async retain(limits: Parameters<history.History["retain"]>[0]): Promise<number> {
    let removed = 0;
    for (;;) {
      const excess = this.#excess(limits);
      if (excess.length === 0) break;
      for (const { id, ref } of excess) removed += await this.#inOrder.run(ref, () => this.#remove(id));
    }
    await this.#logs.retain();
    await this.#fileLists.retain();
    return removed;
  }

  markLost(): Promise<number> {
    const lost = "UPDATE builds SET outcome = 'lost', ended_at = max(seen_at, started_at) WHERE outcome = 'running'";
    const lostExports = "UPDATE builds SET export_result = 'lost' WHERE export_result = 'pending'";
    return settle(() =>
      this.#database.transaction(() => {
        this.#database.run(lostExports);
        return this.#database.run(lost);
      }),
    );
  }

  #texts(select: string, values: Value[]): Promise<readonly string[]> {
    return settle(() => this.#database.rows(select, values, textOf));
  }

  /** The oldest builds that are too many, or some of them. */
  #excess({ maxBuilds, startedAfterMs }: Parameters<history.History["retain"]>[0]): readonly StoredBuild[] {
    const totals = "SELECT json_array(count(*), coalesce(sum(record_bytes), 0)) AS row FROM builds";
    const oldest = `SELECT json_array(id, ref, started_at, record_bytes) AS row FROM builds WHERE outcome <> 'running'
      ORDER BY started_at, id LIMIT ${REMOVED_PER_SELECT}`;
    let [[builds, bytes] = [0, 0]] = this.#database.rows(totals, [], (row) => TOTALS.parse(row));
    const excess: StoredBuild[] = [];
    for (const build of this.#database.rows(oldest, [], storedBuildOf)) {
      if (builds <= maxBuilds && bytes <= this.#recordsMaxBytes && build.startedAtMs >= startedAfterMs) break;
      excess.push(build);
      builds -= 1;
      bytes -= build.recordBytes;
    }
    return excess;
  }

  /** Returns the row's id; undefined for a checkpoint of a build that has ended. */
  async #write(record: BuildRecord): Promise<number | undefined> {
    const { transfers, argumentNames, noCache, baseline, isCut } = record;
    const head: RecordHead = { transfers, argumentNames, noCache, baseline, isCut };
    const bytes = await pack(await jsonLines(linesOf(head, record.steps)));
    return this.#database.transaction(() => {
      const id = this.#writeSummary(record, slowSteps(record), bytes.length);
      if (id === undefined) return undefined;
      this.#completions.noteBuilder(history.builderKeyOf(record), record.startedAtMs);
      this.#database.run("INSERT OR REPLACE INTO records VALUES (?, ?)", [id, bytes]);
      this.#fileLists.refer(id, transfers);
      if (record.outcome !== "running") this.#writeCauses(id, record);
      return id;
    });
  }

  #writeSummary(build: BuildSummary, slowest: readonly StepTime[], recordBytes: number): number | undefined {
    const extent = { slowestStepMs: slowest[0]?.durationMs ?? 0, recordBytes, seenAtMs: this.#now() };
    const { sql, values } = upsertBuild(build, extent);
    const id = this.#database.value(sql, values);
    if (typeof id !== "number") return undefined;
    const texts = [JSON.stringify(summaryOf(build)), JSON.stringify(slowest)];
    this.#database.run("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)", [id, ...texts]);
    return id;
  }

  #writeCauses(id: number, record: BuildRecord): void {
    this.#database.run("DELETE FROM causes WHERE build_id = ?", [id]);
    for (const { kind, count, steps, durationMs } of countCauses(record)) {
      this.#database.run("INSERT INTO causes VALUES (?, ?, ?, ?, ?)", [id, kind, count, steps, Math.round(durationMs)]);
    }
  }

  /** What is long goes first, in slices; a trigger takes the rest along. Returns how many there were. */
  async #remove(id: number): Promise<number> {
    await this.#logs.remove(id);
    await this.#completions.remove(id);
    return this.#database.transaction(() => this.#database.run("DELETE FROM builds WHERE id = ?", [id]));
  }
}

function* linesOf(head: RecordHead, steps: readonly StepRecord[]): Generator {
  yield head;
  yield* slices(steps, STEPS_PER_LINE);
}

/** Undefined where it cannot be read. */
async function readRecord(bytes: Uint8Array): Promise<(RecordHead & Pick<BuildRecord, "steps">) | undefined> {
  try {
    let head: RecordHead | undefined;
    const steps: StepRecord[] = [];
    for await (const line of unpack(bytes)) {
      if (head === undefined) head = RECORD_HEAD.parse(line);
      else steps.push(...STEPS.parse(line));
    }
    return head && { ...head, steps };
  } catch {
    return undefined;
  }
}

/** What was kept of it is how it stood when MemoBuild ended. */
function lostStep(step: StepRecord): StepRecord {
  if (step.result === "running") return { ...step, result: "canceled" };
  return step.result === "waiting" ? { ...step, result: "skipped" } : step;
}
