/** The page's only door to MemoBuild: the calls of its API, with the types of `docs/openapi.yaml`. */
import type { operations, paths } from "./openapi.js";
import { ApiProblem, type Method, type Transport } from "./transport.js";

/** Where each call is; that path, method and call belong together is checked below. */
const CALLS = {
  getStatus: ["GET", "/status"],
  getMetrics: ["GET", "/metrics"],
  getSettings: ["GET", "/settings"],
  changeSettings: ["POST", "/settings"],
  listBuilders: ["GET", "/builders"],
  addBuilder: ["POST", "/builders"],
  getUsageHistory: ["GET", "/usage"],
  getBuilder: ["GET", "/builders/{name}"],
  drainBuilder: ["POST", "/builders/{name}/drain"],
  undrainBuilder: ["DELETE", "/builders/{name}/drain"],
  removeBuilder: ["DELETE", "/builders/{name}"],
  listBuilds: ["GET", "/builds"],
  getBuild: ["GET", "/builds/{name}"],
  removeBuild: ["DELETE", "/builds/{name}"],
  getGraph: ["GET", "/builds/{name}/graph"],
  getLogs: ["GET", "/builds/{name}/logs"],
  explainBuild: ["GET", "/builds/{name}/explain"],
  compareBuilds: ["GET", "/compare"],
  getFigures: ["GET", "/figures"],
  getTrend: ["GET", "/trend"],
  pollEvents: ["GET", "/events/poll"],
  listExports: ["GET", "/cache/exports"],
  getCacheUsage: ["GET", "/cache/usage"],
  listCacheProjects: ["GET", "/cache/projects"],
  listRemovals: ["GET", "/cache/removals"],
  pinExport: ["POST", "/cache/exports/{id}/pin"],
  unpinExport: ["DELETE", "/cache/exports/{id}/pin"],
  pruneCache: ["POST", "/cache/prune"],
} as const satisfies Table;

type Table = { readonly [Id in keyof operations]?: Place<Id> };

/** Methods and paths under which the OpenAPI file has the operation. */
type Place<Id extends keyof operations> = {
  [Path in keyof paths]: {
    [M in Method]: Lowercase<M> extends keyof paths[Path]
      ? paths[Path][Lowercase<M>] extends operations[Id]
        ? Path extends `/api/v1${infer Rest}`
          ? readonly [M, Rest]
          : never
        : never
      : never;
  }[Method];
}[keyof paths];

export type CallId = keyof typeof CALLS;

type Parameters<Id extends CallId, Where extends "query" | "path"> = operations[Id]["parameters"] extends {
  [W in Where]?: infer Values;
}
  ? [Exclude<Values, undefined>] extends [never]
    ? unknown
    : Exclude<Values, undefined>
  : unknown;

type Body<Id extends CallId> = operations[Id] extends {
  requestBody: { content: { "application/json": infer Json } };
}
  ? Json
  : unknown;

/** Values of path, query and body together. */
export type Input<Id extends CallId> = Parameters<Id, "query"> & Parameters<Id, "path"> & Body<Id>;

export type Answer<Id extends CallId> = operations[Id]["responses"][200] extends {
  content: { "application/json": infer Json };
}
  ? Json
  : never;

export interface ApiClient {
  /** @throws ApiProblem; where the signal aborts, its reason */
  ask<Id extends CallId>(id: Id, input: Input<Id>, signal: AbortSignal): Promise<Answer<Id>>;
  readonly eventsUrl?: string | undefined;
}

/** What paths and queries hold; bodies hold any JSON. */
const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value.toString() : "";

/** Path, and body or query, of a call with these values. */
export function requestOf(id: CallId, input: Readonly<Record<string, unknown>>): { path: string; body?: unknown } {
  const [method, template] = CALLS[id];
  const rest = { ...input };
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    Reflect.deleteProperty(rest, name);
    return encodeURIComponent(textOf(value));
  });
  if (method === "POST") return Object.keys(rest).length === 0 ? { path } : { path, body: rest };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) query.set(name, textOf(value));
  return { path: query.size === 0 ? path : `${path}?${query.toString()}` };
}

export function createApiClient(transport: Transport): ApiClient {
  return {
    eventsUrl: transport.eventsUrl,
    // What the API answers is what its description says: both are made from one table, and a test compares them.
    ask: (id, input, signal) =>
      transport.ask({
        method: CALLS[id][0],
        ...requestOf(id, input as Readonly<Record<string, unknown>>),
        signal,
      }) as Promise<Answer<typeof id>>,
  };
}

/** Tells where MemoBuild refuses whoever opened the page: nothing that a view asks will be answered. */
export function tellUnauthorized(api: ApiClient, tell: (problem: ApiProblem) => void): ApiClient {
  return {
    ...api,
    ask: (id, input, signal) =>
      api.ask(id, input, signal).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.code === "unauthorized") tell(error);
        throw error;
      }),
  };
}
