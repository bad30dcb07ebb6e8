/** Reads what is kept of a build: values that another version of MemoBuild wrote, or a disk damaged, are not believed. */
import { z } from "zod";
import * as record from "./build-record.js";
import type { LogPiece } from "./history.js";

const text = z.string();
const texts = z.array(z.string());
const number = z.number();
const flag = z.boolean();
const cause = z.enum(record.CAUSE_KINDS);

export const SUMMARY: z.ZodType<record.BuildSummary> = z.object({
  ...{ tenant: text, project: text, dockerfile: text, target: text, platform: text },
  ...{ ref: text, group: text, revision: text, builder: text, worker: text.optional(), outputs: texts },
  startedAtMs: number,
  endedAtMs: number.optional(),
  outcome: z.enum(record.BUILD_OUTCOMES),
  error: text,
  counts: z.object({
    ...{ total: number, completed: number, user: number, cacheable: number, cached: number },
    ...{ cachedBuilder: number, cachedShared: number, ran: number, warnings: number },
  }),
  ...{ savedMs: number, addedMs: number, contextBytes: number },
  import: z.object({ result: text, from: texts, records: number, fetchedLayers: number, fetchedBytes: number }),
  export: z.object({ result: text, bytes: number, durationMs: number }),
  firstMiss: z.object({ step: text, kind: cause, text }).optional(),
});

const CAUSE: z.ZodType<record.StepCause> = z.object({
  kind: cause,
  text,
  hint: text,
  root: number.optional(),
  before: text.optional(),
  after: text.optional(),
  names: texts.optional(),
  files: z.array(z.object({ path: text, change: z.enum(record.FILE_CHANGES), before: text, after: text })).optional(),
  fileCount: number.optional(),
  cascade: z.object({ steps: number, durationMs: number }).optional(),
});

const SELECTION = z.object({ source: number, path: text, includePatterns: texts, excludePatterns: texts });
const PROGRESS = z.object({ id: text, name: text, current: number, total: number, isDone: flag });

const STEP: z.ZodType<record.StepRecord> = z.object({
  ...{ digest: text, key: text, name: text, kind: z.enum(record.STEP_KINDS), inputs: z.array(number), isUser: flag },
  ...{ stage: text, instruction: text, platform: text, ignoresCache: flag },
  lines: z.object({ file: text, first: number, last: number }).optional(),
  parts: z.record(z.string(), z.string()),
  shown: z.record(z.string(), z.string()),
  contentInputs: z.array(number).optional(),
  selections: z.array(SELECTION),
  result: z.enum(record.STEP_RESULTS),
  cachedFrom: z.enum(record.CACHE_SOURCES).optional(),
  startedAtMs: number.optional(),
  completedAtMs: number.optional(),
  durationMs: number,
  error: text,
  progress: z.array(PROGRESS),
  warnings: texts,
  logBytes: number,
  isLogCut: flag,
  cause: CAUSE.optional(),
});

export const STEPS: z.ZodType<record.StepRecord[]> = z.array(STEP);

export const TRANSFER: z.ZodType<record.TransferRecord> = z.object({
  ...{ name: text, fileList: text, fileCount: number, isComplete: flag, requestedFiles: number, sentBytes: number },
});

/** A record without its summary and its steps. */
export type RecordHead = Omit<record.BuildRecord, keyof record.BuildSummary | "steps">;

export const RECORD_HEAD: z.ZodType<RecordHead> = z.object({
  transfers: z.array(TRANSFER),
  ...{ argumentNames: texts, noCache: texts, baseline: text, isCut: flag },
});

const FILE = z
  .tuple([text, number, number, number, number, number, text, text, flag])
  .transform(([path, mode, uid, gid, sizeBytes, modifiedAtMs, linkname, contentHash, wasRequested]) => {
    return { path, mode, uid, gid, sizeBytes, modifiedAtMs, linkname, contentHash, wasRequested };
  });

/** Lists are long: a file is kept without the names of its fields. */
export const FILES: z.ZodType<record.ListedFile[]> = z.array(FILE);

type FileTuple = [string, number, number, number, number, number, string, string, boolean];

export const tupleOfFile = (file: record.ListedFile): FileTuple => [
  ...([file.path, file.mode, file.uid, file.gid, file.sizeBytes, file.modifiedAtMs] as const),
  ...([file.linkname, file.contentHash, file.wasRequested] as const),
];

const PIECE = z.tuple([text, number, number, text]).transform(([step, stream, atMs, said]) => {
  return { step, stream, atMs, text: said };
});

export const PIECES: z.ZodType<LogPiece[]> = z.array(PIECE);

export const tupleOfPiece = (piece: LogPiece): [string, number, number, string] => [
  piece.step,
  piece.stream,
  piece.atMs,
  piece.text,
];

export interface StepTime {
  readonly name: string;
  readonly durationMs: number;
}

export const SLOW_STEPS: z.ZodType<StepTime[]> = z.array(z.object({ name: text, durationMs: number }));

/** What the parser makes of JSON; undefined where it is none, or something else. */
export function readJson<T>(json: string, parser: z.ZodType<T>): T | undefined {
  try {
    return parser.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
