/** The JSON about MemoBuild itself: how it runs. */
import { z } from "zod";
import type { CacheMode } from "../config/config.js";
import { CACHE_MODES } from "../config/options.js";
import type { BuilderReport } from "../farm/builder-desk.js";
import { builderReport } from "./builder-messages.js";
import { amount, count } from "./message-values.js";

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
  /** Where the web page is, with its token; undefined where it is not served. */
  readonly page?: string | undefined;
  readonly cacheMode: CacheMode;
  /** Undefined where the cache is off. */
  readonly cacheBytes?: number | undefined;
  readonly cacheMaxBytes?: number | undefined;
  readonly runningBuilds: number;
  /** Builds whose cache is being added, behind them. */
  readonly runningExports: number;
  readonly builders: readonly BuilderReport[];
}

export const statusReport: z.ZodType<StatusReport> = z.object({
  version: z.string(),
  startedAtMs: z.number(),
  uptimeMs: amount,
  isDraining: z.boolean(),
  listen: z.array(z.string()),
  api: z.array(z.string()),
  http: z.string(),
  page: z.string().optional(),
  cacheMode: z.enum(CACHE_MODES),
  cacheBytes: amount.optional(),
  cacheMaxBytes: amount.optional(),
  runningBuilds: count,
  runningExports: count,
  builders: z.array(builderReport),
});
