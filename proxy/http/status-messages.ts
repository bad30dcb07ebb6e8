/** The JSON about MemoBuild itself: how it runs, and what its builders do. */
import { z } from "zod";
import type { CacheMode } from "../config/config.js";
import { CACHE_MODES } from "../config/options.js";
import { amount, count } from "./message-values.js";

export const BUILDER_STATES = ["up", "down", "unknown"] as const;
export type BuilderState = (typeof BUILDER_STATES)[number];

export interface BuilderReport {
  readonly address: string;
  readonly state: BuilderState;
  /** Of a builder that is down. */
  readonly cause?: string | undefined;
  readonly runningBuilds: number;
}

export interface StatusReport {
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly uptimeMs: number;
  /** It takes no new calls and ends when those that run have. */
  readonly isDraining: boolean;
  /** Where clients connect, such as "tcp://127.0.0.1:8372". */
  readonly listen: readonly string[];
  /** Where this API is served, such as "unix:///…/api.sock". */
  readonly api: readonly string[];
  /** Where metrics and health are served, as a URL. */
  readonly http: string;
  readonly cacheMode: CacheMode;
  /** Undefined where the cache is off. */
  readonly cacheBytes?: number | undefined;
  readonly cacheMaxBytes?: number | undefined;
  readonly runningBuilds: number;
  /** Builds whose cache is being added, behind them. */
  readonly runningExports: number;
  readonly builders: readonly BuilderReport[];
}

export const builderReport: z.ZodType<BuilderReport> = z.object({
  address: z.string(),
  state: z.enum(BUILDER_STATES),
  cause: z.string().optional(),
  runningBuilds: count,
});

export const statusReport: z.ZodType<StatusReport> = z.object({
  version: z.string(),
  startedAtMs: z.number(),
  uptimeMs: amount,
  isDraining: z.boolean(),
  listen: z.array(z.string()),
  api: z.array(z.string()),
  http: z.string(),
  cacheMode: z.enum(CACHE_MODES),
  cacheBytes: amount.optional(),
  cacheMaxBytes: amount.optional(),
  runningBuilds: count,
  runningExports: count,
  builders: z.array(builderReport),
});

export interface BuilderList {
  readonly builders: readonly BuilderReport[];
}

export const builderList: z.ZodType<BuilderList> = z.object({ builders: z.array(builderReport) });
