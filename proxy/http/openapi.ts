/** The OpenAPI description of the API, made from its table of calls and the schemas of its messages. */
import { z } from "zod";
import { API_AREAS, API_CALLS, API_PREFIX, type AnswerForm, type ApiCall } from "./api-calls.js";
import { type ApiErrorCode, apiFailure, STATUS_OF_CODE } from "./api-error.js";
import * as builds from "./build-messages.js";
import * as farm from "./builder-messages.js";
import * as cache from "./cache-messages.js";
import * as desk from "./desk-messages.js";
import * as metrics from "./metrics-messages.js";
import * as settings from "./settings-messages.js";
import * as status from "./status-messages.js";

type Json = Readonly<Record<string, unknown>>;

const TITLE = "MemoBuild";
const VERSION = "1";
const ABOUT =
  "Builds, events, figures, cache and builders of one MemoBuild. JSON over HTTP on the unix socket --api-socket, on " +
  "the loopback port --api-listen where that is given, and at --http with the token of the page. Times are milliseconds, points in time milliseconds since 1970. " +
  "More properties may come: clients ignore those that they do not know.";

const MEDIA_TYPES: Readonly<Record<AnswerForm, string>> = {
  json: "application/json",
  lines: "application/x-ndjson",
  events: "text/event-stream",
};

/** What any call may be answered with. */
const COMMON_ERRORS = ["bad_request", "unauthorized", "forbidden", "timeout", "unavailable", "internal"] as const;

/** Under these names others refer to them. */
const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  BuildEvent: desk.buildEvent,
  BuildGraph: desk.buildGraph,
  BuildPage: desk.buildPage,
  BuildRecord: builds.buildRecord,
  BuildSummary: builds.buildSummary,
  BuilderDetails: farm.builderDetails,
  BuilderReport: farm.builderReport,
  CacheProjects: cache.cacheProjects,
  CacheUsage: cache.cacheUsage,
  Comparison: desk.comparison,
  EventPage: desk.eventPage,
  Explanation: desk.explanation,
  ExportList: cache.exportList,
  ExportSummary: cache.exportSummary,
  Failure: apiFailure,
  FarmReport: farm.farmReport,
  Figures: desk.figures,
  LogPage: desk.logPage,
  MetricsReport: metrics.metricsReport,
  NewBuilder: farm.newBuilder,
  PruneOptions: cache.pruneOptions,
  PruneResult: cache.pruneResult,
  Removals: cache.removals,
  Removed: desk.removed,
  ResourceUsage: farm.resourceUsage,
  SettingsChange: settings.settingsChange,
  SettingsReport: settings.settingsReport,
  StatusReport: status.statusReport,
  StepCause: builds.stepCause,
  StepRecord: builds.stepRecord,
  Trend: desk.trend,
  UsageHistory: farm.usageHistory,
  VerifyLine: cache.verifyLine,
};

const refOf = (name: string): string => `#/components/schemas/${name}`;

/** Without what only a schema on its own needs, and the bound that any integer of JavaScript has. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, inner]) => key !== "$schema" && key !== "$id" && Math.abs(Number(inner)) !== Number.MAX_SAFE_INTEGER,
  );
  return Object.fromEntries(kept.map(([key, inner]) => [key, clean(inner)]));
}

function componentSchemas(): unknown {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(COMPONENTS)) registry.add(schema, { id });
  return clean(z.toJSONSchema(registry, { io: "input", uri: refOf }).schemas);
}

function nameOf(schema: z.ZodType): string {
  const found = Object.entries(COMPONENTS).find(([, component]) => component === schema);
  if (found === undefined) throw new Error("a message of the API has no name in its description");
  return found[0];
}

function parametersOf({ input, inputFrom, path }: ApiCall<unknown, unknown>): Json[] {
  if (inputFrom === "body") return [];
  // What is read is a number or a default; what may be left out is what is written.
  const { properties = {} } = z.toJSONSchema(input, { io: "output" });
  const { required = [] } = z.toJSONSchema(input, { io: "input" });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = clean(schema) as Json;
    return {
      name,
      in: path.includes(`:${name}`) ? "path" : "query",
      required: required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

function failuresOf(errors: readonly ApiErrorCode[]): Json {
  const codes = new Map<number, ApiErrorCode[]>();
  for (const code of [...COMMON_ERRORS, ...errors]) {
    const status = STATUS_OF_CODE[code];
    codes.set(status, [...(codes.get(status) ?? []), code]);
  }
  const content = { [MEDIA_TYPES.json]: { schema: { $ref: refOf(nameOf(apiFailure)) } } };
  return Object.fromEntries([...codes].map(([status, all]) => [status, { description: all.join(", "), content }]));
}

function operationOf(call: ApiCall<unknown, unknown>): Json {
  const parameters = parametersOf(call);
  const json = (schema: z.ZodType, form: AnswerForm): Json => ({
    [MEDIA_TYPES[form]]: { schema: { $ref: refOf(nameOf(schema)) } },
  });
  const described = { lines: "one on each line", events: "one as the data of each event", json: "done" }[call.form];
  return {
    operationId: call.id,
    tags: [call.area],
    summary: call.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(call.inputFrom === "body" && { requestBody: { required: true, content: json(call.input, "json") } }),
    responses: {
      200: { description: described, content: json(call.answer, call.form) },
      ...failuresOf(call.errors),
    },
  };
}

/** As the path of a table's call is written in OpenAPI. */
export const openApiPath = (path: string): string => API_PREFIX + path.replace(/:(\w+)/g, "{$1}");

export function describeApi(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const call of API_CALLS) {
    (paths[openApiPath(call.path)] ??= {})[call.method.toLowerCase()] = operationOf(call);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: TITLE,
      version: VERSION,
      description: ABOUT,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://localhost:8374", description: "with --api-listen localhost:8374" }],
    tags: API_AREAS.map((name) => ({ name })),
    paths,
    components: { schemas: componentSchemas() },
  };
}
