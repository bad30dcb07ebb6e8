/** When steps were last complete, and last ran, on which builder: by key of the step, in SQLite. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import type { BuildRecord, StepRecord } from "./build-record.js";
import { builderKeyOf, type StepHistory } from "./history.js";
import { slices } from "./packed-lines.js";

/** Each takes some 50 µs. */
const KEYS_PER_TURN = 100;
const REMOVED_PER_TURN = 200;
const KEY = /^[0-9a-f]{64}$/;

const text = z.string();
const number = z.number();
const ROW = z.tuple([text, text, text.nullable(), number, text.nullable(), number.nullable(), number.nullable()]);

/** Later news of a step replace earlier ones, in whatever order they come. */
const NOTE = `INSERT INTO completions
  SELECT unhex(value ->> 0), ?2, ?3, ?4, iif(value ->> 1 IS NULL, NULL, ?3), iif(value ->> 1 IS NULL, NULL, ?4), value ->> 1
    FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM builds WHERE id = ?3)
  ON CONFLICT (step_key, builder_id) DO UPDATE SET
    build_id = iif(excluded.at >= at, excluded.build_id, build_id),
    at = max(excluded.at, at),
    run_build_id = iif(excluded.run_at >= coalesce(run_at, 0), excluded.run_build_id, run_build_id),
    run_ms = iif(excluded.run_at >= coalesce(run_at, 0), excluded.run_ms, run_ms),
    run_at = iif(excluded.run_at >= coalesce(run_at, 0), excluded.run_at, run_at)`;

const FIND = `SELECT json_array(lower(hex(step_key)), address, latest.ref, at, run.ref, run_at, run_ms) AS row
  FROM json_each(?) AS asked
  CROSS JOIN completions ON step_key = unhex(asked.value)
  CROSS JOIN builders ON builders.id = builder_id
  LEFT JOIN builds AS latest ON latest.id = completions.build_id
  LEFT JOIN builds AS run ON run.id = run_build_id`;

export class SqliteCompletions {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** The builder is used for a build that began at that time. */
  noteBuilder(address: string, startedAtMs: number): void {
    const sql = `INSERT INTO builders (address, first_seen_at) VALUES (?, ?)
      ON CONFLICT (address) DO UPDATE SET first_seen_at = min(first_seen_at, excluded.first_seen_at)`;
    this.#database.run(sql, [address, Math.round(startedAtMs)]);
  }

  /** All steps count as complete when the build ended: by our clock, which is the same for all builders. */
  async note(buildId: number, { builder, endedAtMs = 0, steps, worker }: BuildRecord): Promise<void> {
    const address = builderKeyOf({ builder, worker });
    const builderId = Number(this.#database.value("SELECT id FROM builders WHERE address = ?", [address]));
    const at = Math.round(endedAtMs);
    for (const slice of slices(steps.filter(isComplete), KEYS_PER_TURN)) {
      const rows = slice.map(({ key, result, durationMs }) => [key, result === "ran" ? Math.round(durationMs) : null]);
      this.#database.run(NOTE, [JSON.stringify(rows), builderId, buildId, at]);
      await nextTurn();
    }
  }

  async find(keys: readonly string[], builder: string): Promise<ReadonlyMap<string, StepHistory>> {
    const found = new Map<string, StepHistory>();
    for (const slice of slices(keys, KEYS_PER_TURN)) {
      for (const completion of this.#database.rows(FIND, [JSON.stringify(slice)], completionOf)) {
        found.set(completion.key, withCompletion(found.get(completion.key), completion, builder));
      }
      await nextTurn();
    }
    return found;
  }

  async remove(buildId: number): Promise<void> {
    const sql = `DELETE FROM completions WHERE (step_key, builder_id) IN
      (SELECT step_key, builder_id FROM completions WHERE build_id = ? LIMIT ${REMOVED_PER_TURN})`;
    while (this.#database.run(sql, [buildId]) > 0) await nextTurn();
  }
}

/** What came from the shared cache, a builder need not have for itself. */
const isComplete = ({ cachedFrom, key, result }: StepRecord): boolean =>
  KEY.test(key) && (result === "ran" || (result === "cached" && cachedFrom === "builder"));

interface Completion {
  readonly key: string;
  readonly builder: string;
  readonly latest: { readonly ref: string; readonly atMs: number };
  readonly run: StepHistory["run"] | undefined;
}

function completionOf(row: unknown): Completion {
  const [key, builder, ref, atMs, runRef, runAtMs, durationMs] = ROW.parse(row);
  const hasRun = runAtMs !== null && durationMs !== null;
  const run = hasRun ? { ref: runRef ?? "", atMs: runAtMs, builder, durationMs } : undefined;
  return { key, builder, latest: { ref: ref ?? "", atMs }, run };
}

/** What is known of a step, with what another builder adds to it. */
function withCompletion(
  known: StepHistory = {},
  { latest, run, ...completion }: Completion,
  asked: string,
): StepHistory {
  const isLater = run !== undefined && run.atMs >= (known.run?.atMs ?? 0);
  return {
    ...known,
    ...(completion.builder === asked ? { onBuilder: latest } : {}),
    ...(isLater ? { run } : {}),
  };
}
