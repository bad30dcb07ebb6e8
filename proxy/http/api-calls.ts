/** The one table of what the API can be asked: server, client and `docs/openapi.yaml` are made from it. */
import { z } from "zod";
import type { BuildEvent, Comparison, EventPage, Explanation } from "../builds/build-desk.js";
import type { BuildRecord } from "../builds/build-record.js";
import type { BuildPage, Figures, LogPage, Trend } from "../builds/history.js";
import type { CacheUsage, ListOptions, PruneOptions, PruneResult } from "../cache/cache-admin.js";
import type { ExportSummary } from "../cache/cache-index.js";
import type { BuilderDetails, BuilderReport, FarmReport, UsageHistory } from "../farm/builder-desk.js";
import type { ApiErrorCode } from "./api-error.js";
import type { BuildGraph } from "./build-graph.js";
import { buildRecord } from "./build-messages.js";
import * as farm from "./builder-messages.js";
import * as cache from "./cache-messages.js";
import * as desk from "./desk-messages.js";
import { type MetricsReport, metricsReport } from "./metrics-messages.js";
import * as config from "./settings-messages.js";
import { type StatusReport, statusReport } from "./status-messages.js";

export const API_PREFIX = "/api/v1";

export const API_AREAS = ["status", "settings", "builders", "builds", "events", "cache"] as const;

/** `lines`: one JSON text on each; `events`: server-sent events, each with such a text. */
export type AnswerForm = "json" | "lines" | "events";

export interface ApiCall<Input, Answer> {
  readonly id: string;
  readonly area: (typeof API_AREAS)[number];
  readonly method: "GET" | "POST" | "DELETE";
  /** Below `API_PREFIX`, with `:name` for a part that is a value. */
  readonly path: string;
  readonly summary: string;
  /** Of the path's and the query's values together, or of the body. */
  readonly input: z.ZodType<Input>;
  readonly inputFrom: "url" | "body";
  readonly answer: z.ZodType<Answer>;
  readonly form: AnswerForm;
  /** Besides those that every call may have. */
  readonly errors: readonly ApiErrorCode[];
}

export type Nothing = Readonly<Record<string, never>>;

const nothing: z.ZodType<Nothing> = z.strictObject({});

const get = { method: "GET", inputFrom: "url", form: "json" } as const;

export const getStatus: ApiCall<Nothing, StatusReport> = {
  ...get,
  id: "getStatus",
  area: "status",
  path: "/status",
  summary: "How this MemoBuild runs",
  input: nothing,
  answer: statusReport,
  errors: [],
};

export const getMetrics: ApiCall<Nothing, MetricsReport> = {
  ...get,
  id: "getMetrics",
  area: "status",
  path: "/metrics",
  summary: "The metrics of MemoBuild that Prometheus is given, as they are now",
  input: nothing,
  answer: metricsReport,
  errors: [],
};

export const getSettings: ApiCall<Nothing, config.SettingsReport> = {
  ...get,
  id: "getSettings",
  area: "settings",
  path: "/settings",
  summary: "Every option: its value, where that is from, and whether it can be changed at run time",
  input: nothing,
  answer: config.settingsReport,
  errors: [],
};

export const changeSettings: ApiCall<config.SettingsChange, config.SettingsReport> = {
  ...getSettings,
  id: "changeSettings",
  method: "POST",
  summary: "Changes options, all or none; kept across restarts, before flags, environment and file",
  input: config.settingsChange,
  inputFrom: "body",
};

const builders = { ...get, area: "builders" } as const;

export const listBuilders: ApiCall<Nothing, FarmReport> = {
  ...builders,
  id: "listBuilders",
  path: "/builders",
  summary: "The builders: how they do, what they use, how many builds they have, and how many wait for one",
  input: nothing,
  answer: farm.farmReport,
  errors: [],
};

export const addBuilder: ApiCall<farm.NewBuilder, BuilderReport> = {
  ...builders,
  id: "addBuilder",
  method: "POST",
  path: "/builders",
  summary: "Adds a builder, which is kept across restarts; whether it answers is seen in its state",
  input: farm.newBuilder,
  inputFrom: "body",
  answer: farm.builderReport,
  errors: ["exists"],
};

export const getBuilder: ApiCall<farm.BuilderName, BuilderDetails> = {
  ...builders,
  id: "getBuilder",
  path: "/builders/:name",
  summary: "All that is known of a builder",
  input: farm.builderNameQuestion,
  answer: farm.builderDetails,
  errors: ["not_found"],
};

export const getUsageHistory: ApiCall<Nothing, UsageHistory> = {
  ...builders,
  id: "getUsageHistory",
  path: "/usage",
  summary: "What builders and MemoBuild used over the last hours, and how many builds ran and waited",
  input: nothing,
  answer: farm.usageHistory,
  errors: [],
};

export const drainBuilder: ApiCall<farm.BuilderName, BuilderReport> = {
  ...builders,
  id: "drainBuilder",
  method: "POST",
  path: "/builders/:name/drain",
  summary: "Gives a builder no more builds; it finishes those that it has",
  input: farm.builderNameQuestion,
  answer: farm.builderReport,
  errors: ["not_found"],
};

export const undrainBuilder: ApiCall<farm.BuilderName, BuilderReport> = {
  ...drainBuilder,
  id: "undrainBuilder",
  method: "DELETE",
  summary: "Gives a drained builder builds again",
};

export const removeBuilder: ApiCall<farm.BuilderRemoval, desk.Removed> = {
  ...builders,
  id: "removeBuilder",
  method: "DELETE",
  path: "/builders/:name",
  summary:
    "Drains a builder and removes it when its builds have ended, as long as the client waits for it; it stays drained " +
    "where the client does not. One that MemoBuild runs itself ends, with its state",
  input: farm.builderRemoval,
  answer: desk.removed,
  errors: ["not_found", "last_builder"],
};

const builds = { ...get, area: "builds" } as const;
const NAME_ERRORS = ["not_found", "ambiguous"] as const;

export const listBuilds: ApiCall<desk.BuildQuestion, BuildPage> = {
  ...builds,
  id: "listBuilds",
  path: "/builds",
  summary: "Builds, running and ended, latest start first",
  input: desk.buildQuestion,
  answer: desk.buildPage,
  errors: [],
};

export const getBuild: ApiCall<desk.BuildName, BuildRecord> = {
  ...builds,
  id: "getBuild",
  path: "/builds/:name",
  summary: "All that is recorded of a build, but its logs",
  input: desk.buildNameQuestion,
  answer: buildRecord,
  errors: NAME_ERRORS,
};

export const removeBuild: ApiCall<desk.BuildName, desk.Removed> = {
  ...builds,
  id: "removeBuild",
  method: "DELETE",
  path: "/builds/:name",
  summary: "Removes the record of an ended build",
  input: desk.buildNameQuestion,
  answer: desk.removed,
  errors: [...NAME_ERRORS, "running"],
};

export const getGraph: ApiCall<desk.BuildName, BuildGraph> = {
  ...builds,
  id: "getGraph",
  path: "/builds/:name/graph",
  summary: "The steps of a build and what they need, to be drawn",
  input: desk.buildNameQuestion,
  answer: desk.buildGraph,
  errors: NAME_ERRORS,
};

export const getLogs: ApiCall<desk.LogQuestion, LogPage> = {
  ...builds,
  id: "getLogs",
  path: "/builds/:name/logs",
  summary: "What the steps of a build printed; of a running one, ask again after `next`",
  input: desk.logQuestion,
  answer: desk.logPage,
  errors: NAME_ERRORS,
};

export const explainBuild: ApiCall<desk.BuildName, Explanation> = {
  ...builds,
  id: "explainBuild",
  path: "/builds/:name/explain",
  summary: "Why the steps of a build ran that were not cached",
  input: desk.buildNameQuestion,
  answer: desk.explanation,
  errors: NAME_ERRORS,
};

export const compareBuilds: ApiCall<desk.CompareQuestion, Comparison> = {
  ...builds,
  id: "compareBuilds",
  path: "/compare",
  summary: "Two builds, step by step",
  input: desk.compareQuestion,
  answer: desk.comparison,
  errors: NAME_ERRORS,
};

export const getFigures: ApiCall<desk.FiguresQuestion, Figures> = {
  ...builds,
  id: "getFigures",
  path: "/figures",
  summary: "What builds did within a window: hit rate, time saved, bytes, slowest steps, causes of misses",
  input: desk.figuresQuestion,
  answer: desk.figures,
  errors: [],
};

export const getTrend: ApiCall<desk.TrendQuestion, Trend> = {
  ...builds,
  id: "getTrend",
  path: "/trend",
  summary: "How builds went over time: how many, hit rate, time saved, what clients and exports took",
  input: desk.trendQuestion,
  answer: desk.trend,
  errors: [],
};

export const followEvents: ApiCall<desk.FollowQuestion, BuildEvent> = {
  ...get,
  id: "followEvents",
  area: "events",
  path: "/events",
  summary:
    "Events of builds as they happen, with `started`, `changed`, `ended`, `exported` or `removed` as type; after one " +
    "of type `reset`, events are missing, and what is shown must be read anew. `Last-Event-ID` continues",
  input: desk.followQuestion,
  answer: desk.buildEvent,
  form: "events",
  errors: ["busy"],
};

export const pollEvents: ApiCall<desk.PollQuestion, EventPage> = {
  ...get,
  id: "pollEvents",
  area: "events",
  path: "/events/poll",
  summary: "The same events where there are no streams: waits for the next ones, and tells where to continue",
  input: desk.pollQuestion,
  answer: desk.eventPage,
  errors: ["busy"],
};

const exports = { ...get, area: "cache" } as const;

export const listExports: ApiCall<ListOptions, cache.ExportList> = {
  ...exports,
  id: "listExports",
  path: "/cache/exports",
  summary: "What builds added to the cache, last used first",
  input: cache.listOptions,
  answer: cache.exportList,
  errors: ["cache_off"],
};

export const getCacheUsage: ApiCall<Nothing, CacheUsage> = {
  ...exports,
  id: "getCacheUsage",
  path: "/cache/usage",
  summary: "Counts, sizes and limits",
  input: nothing,
  answer: cache.cacheUsage,
  errors: ["cache_off"],
};

export const listCacheProjects: ApiCall<Nothing, cache.CacheProjects> = {
  ...exports,
  id: "listCacheProjects",
  path: "/cache/projects",
  summary: "What the cache holds of each project",
  input: nothing,
  answer: cache.cacheProjects,
  errors: ["cache_off"],
};

export const listRemovals: ApiCall<cache.RemovalsQuestion, cache.Removals> = {
  ...exports,
  id: "listRemovals",
  path: "/cache/removals",
  summary: "Exports that were removed lately, and by which rule",
  input: cache.removalsQuestion,
  answer: cache.removals,
  errors: ["cache_off"],
};

export const pinExport: ApiCall<{ readonly id: number }, ExportSummary> = {
  ...exports,
  id: "pinExport",
  method: "POST",
  path: "/cache/exports/:id/pin",
  summary: "Keeps an export whatever its age",
  input: cache.exportName,
  answer: cache.exportSummary,
  errors: ["cache_off", "not_found"],
};

export const unpinExport: ApiCall<{ readonly id: number }, ExportSummary> = {
  ...pinExport,
  id: "unpinExport",
  method: "DELETE",
  summary: "Lets a pinned export go in its time",
};

export const pruneCache: ApiCall<PruneOptions, PruneResult> = {
  ...exports,
  id: "pruneCache",
  method: "POST",
  path: "/cache/prune",
  summary: "Removes exports, as long as the client waits for it",
  input: cache.pruneOptions,
  inputFrom: "body",
  answer: cache.pruneResult,
  errors: ["cache_off", "busy"],
};

export const verifyCache: ApiCall<Nothing, cache.VerifyLine> = {
  ...exports,
  id: "verifyCache",
  method: "POST",
  path: "/cache/verify",
  summary: "Reads every blob and heals what disagrees, as long as the client waits for it; tells its progress",
  input: nothing,
  answer: cache.verifyLine,
  form: "lines",
  errors: ["cache_off", "busy"],
};

export const API_CALLS: readonly ApiCall<unknown, unknown>[] = [
  getStatus,
  getMetrics,
  getSettings,
  changeSettings,
  listBuilders,
  getUsageHistory,
  addBuilder,
  getBuilder,
  drainBuilder,
  undrainBuilder,
  removeBuilder,
  listBuilds,
  getBuild,
  removeBuild,
  getGraph,
  getLogs,
  explainBuild,
  compareBuilds,
  getFigures,
  getTrend,
  followEvents,
  pollEvents,
  listExports,
  getCacheUsage,
  listCacheProjects,
  listRemovals,
  pinExport,
  unpinExport,
  pruneCache,
  verifyCache,
];
