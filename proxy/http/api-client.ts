/** The other end of the API: what it can be asked, as methods. */
import type { Comparison, EventPage, Explanation } from "../builds/build-desk.js";
import type { BuildRecord } from "../builds/build-record.js";
import type {
  BuildPage,
  BuildQuery,
  Figures,
  FiguresQuery,
  LogPage,
  LogQuery,
  Trend,
  TrendQuery,
} from "../builds/history.js";
import type { CacheAdmin } from "../cache/cache-admin.js";
import type { BuilderDesk } from "../farm/builder-desk.js";
import * as calls from "./api-calls.js";
import { ApiConnection, apiErrorOf, type ApiTarget, understand } from "./api-connection.js";
import { ApiError } from "./api-error.js";
import type { BuildGraph } from "./build-graph.js";
import { type VerifyLine, verifyLine } from "./cache-messages.js";
import { buildEvent, EVENTS_LIMIT_MAX } from "./desk-messages.js";
import { EventLines } from "./event-lines.js";
import type { MetricsReport } from "./metrics-messages.js";
import type { SettingsChange, SettingsReport } from "./settings-messages.js";
import type { StatusReport } from "./status-messages.js";

export { type ApiTarget, ApiUnreachableError } from "./api-connection.js";

/**
 * A build is named as `BuildDesk` says. A name that names none is rejected with an ApiError of code `not_found`, one
 * that names several with `ambiguous`.
 */
export interface BuildClient {
  list(query: BuildQuery): Promise<BuildPage>;
  build(name: string): Promise<BuildRecord>;
  graph(name: string): Promise<BuildGraph>;
  logs(name: string, query: LogQuery): Promise<LogPage>;
  explain(name: string): Promise<Explanation>;
  compare(before: string, after: string): Promise<Comparison>;
  /** Returns how many there were. A build that runs is rejected with `running`. */
  remove(name: string): Promise<number>;
  figures(query: FiguresQuery): Promise<Figures>;
  /** Up to now, whatever `untilMs`. */
  trend(query: Omit<TrendQuery, "untilMs">): Promise<Trend>;
  /** Events after the cursor; without one, from now on. Waits so long for the first; 0 answers at once. */
  eventsAfter(cursor: string | undefined, waitMs: number, signal?: AbortSignal): Promise<EventPage>;
  /**
   * Hands over events as they happen, mostly one by one; a first page without any tells that it listens, and from
   * where. Goes on until the signal aborts or MemoBuild goes away; the last page's cursor continues then.
   */
  followEvents(cursor: string | undefined, onPage: (page: EventPage) => void, signal: AbortSignal): Promise<void>;
}

export interface ApiClient {
  readonly cache: CacheAdmin;
  readonly builds: BuildClient;
  /** Where BuilderDesk says BuilderError, it is an ApiError: `not_found`, `bad_request`, `exists` or `last_builder`. */
  readonly builders: BuilderDesk;
  status(): Promise<StatusReport>;
  metrics(): Promise<MetricsReport>;
  settings(): Promise<SettingsReport>;
  /** A change that cannot be made is rejected with `bad_request`, and nothing is changed. */
  changeSettings(changes: SettingsChange["changes"]): Promise<SettingsReport>;
}

/** Every method rejects with ApiError, ApiUnreachableError or, where it was aborted, the signal's reason. */
export function createApiClient(target: ApiTarget): ApiClient {
  const connection = new ApiConnection(target);
  return {
    cache: cacheClient(connection),
    builds: buildClient(connection),
    builders: builderClient(connection),
    status: () => connection.ask(calls.getStatus, {}),
    metrics: () => connection.ask(calls.getMetrics, {}),
    settings: () => connection.ask(calls.getSettings, {}),
    changeSettings: (changes) => connection.ask(calls.changeSettings, { changes }),
  };
}

function buildClient(connection: ApiConnection): BuildClient {
  return {
    list: ({ sinceMs, ...query }) =>
      connection.ask(calls.listBuilds, { ...query, ...(sinceMs !== undefined && { since: instant(sinceMs) }) }),
    build: (name) => connection.ask(calls.getBuild, { name }),
    graph: (name) => connection.ask(calls.getGraph, { name }),
    logs: (name, query) => connection.ask(calls.getLogs, { name, ...query }),
    explain: (name) => connection.ask(calls.explainBuild, { name }),
    compare: (before, after) => connection.ask(calls.compareBuilds, { before, after }),
    remove: async (name) => (await connection.ask(calls.removeBuild, { name })).removed,
    figures: ({ sinceMs, project }) => connection.ask(calls.getFigures, { since: instant(sinceMs), project }),
    trend: ({ sinceMs, project, buckets }) =>
      connection.ask(calls.getTrend, { since: instant(sinceMs), project, buckets }),
    eventsAfter: (cursor, waitMs, signal) =>
      connection.ask(calls.pollEvents, { cursor, limit: EVENTS_LIMIT_MAX, wait: waitMs }, signal),
    followEvents: (cursor, onPage, signal) => {
      const events = new EventLines(cursor);
      return connection.askForLines(
        calls.followEvents,
        { cursor },
        (line) => {
          const event = events.add(line);
          if (event === undefined) return;
          const isReset = event.type === "reset";
          const isPlain = !isReset && event.data !== "";
          onPage({ events: isPlain ? [understand(buildEvent, event.data)] : [], cursor: event.id, isReset });
        },
        signal,
      );
    },
  };
}

function builderClient(connection: ApiConnection): BuilderDesk {
  return {
    report: () => connection.ask(calls.listBuilders, {}),
    usageHistory: () => connection.ask(calls.getUsageHistory, {}),
    inspect: (name) => connection.ask(calls.getBuilder, { name }),
    add: (address) => connection.ask(calls.addBuilder, { address }),
    drain: (name) => connection.ask(calls.drainBuilder, { name }),
    undrain: (name) => connection.ask(calls.undrainBuilder, { name }),
    async remove(name, { isForced }, signal) {
      await connection.ask(calls.removeBuilder, { name, force: isForced ? "true" : "false" }, signal);
    },
  };
}

/** Whole milliseconds since 1970, as the API takes them. */
const instant = (ms: number): string => String(Math.max(0, Math.floor(ms)));

function cacheClient(connection: ApiConnection): CacheAdmin {
  return {
    list: async (options) => (await connection.ask(calls.listExports, options)).exports,
    usage: () => connection.ask(calls.getCacheUsage, {}),
    projects: async () => (await connection.ask(calls.listCacheProjects, {})).projects,
    removals: async (limit) => (await connection.ask(calls.listRemovals, { limit })).removals,
    prune: (options, signal) => connection.ask(calls.pruneCache, options, signal),
    async setPinned(id, isPinned) {
      try {
        return await connection.ask(isPinned ? calls.pinExport : calls.unpinExport, { id });
      } catch (error) {
        if (error instanceof ApiError && error.code === "not_found") return undefined;
        throw error;
      }
    },
    async verify(onProgress, signal) {
      let last: VerifyLine | undefined;
      const onLine = (text: string): void => {
        const line = understand(verifyLine, text);
        last = line;
        if ("progress" in line) onProgress(line.progress);
      };
      await connection.askForLines(calls.verifyCache, {}, onLine, signal);
      if (last !== undefined && "result" in last) return last.result;
      throw last !== undefined && "error" in last
        ? apiErrorOf(last)
        : new ApiError("internal", "the verification ended without a result");
    },
  };
}
