/** `docs/openapi.yaml`, the table of calls and the routes that are served say the same. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { MemoryBuildDesk } from "../test/support/memory-build-desk.js";
import { MemoryBuilderDesk } from "../test/support/memory-builder-desk.js";
import { memorySettings } from "../test/support/memory-settings.js";
import { fastify } from "fastify";
import { parse } from "yaml";
import { API_CALLS } from "./api-calls.js";
import { ApiJobs } from "./api-jobs.js";
import { addApiRoutes } from "./api-routes.js";
import { describeApi, openApiPath } from "./openapi.js";

type Paths = Record<string, Record<string, unknown>>;

function describedRoutes(): string[] {
  const { paths } = parse(readFileSync(new URL("../../docs/openapi.yaml", import.meta.url), "utf8")) as {
    paths: Paths;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

async function servedRoutes(): Promise<string[]> {
  const server = fastify({ exposeHeadRoutes: false });
  const routes: string[] = [];
  server.addHook("onRoute", ({ method, url }) => {
    routes.push(`${String(method)} ${url.replace(/:(\w+)/g, "{$1}")}`);
  });
  const never = () => Promise.reject(new Error("not asked for"));
  const log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
  const parts = {
    cache: undefined,
    builds: new MemoryBuildDesk(),
    builders: new MemoryBuilderDesk(),
    status: never,
    metrics: never,
    settings: memorySettings(),
  };
  addApiRoutes(server, { ...parts, jobs: new ApiJobs(), log, now: Date.now });
  await server.ready();
  await server.close();
  return routes;
}

describe("describeApi", () => {
  it("is what docs/openapi.yaml says", () => {
    const file: unknown = parse(readFileSync(new URL("../../docs/openapi.yaml", import.meta.url), "utf8"));
    const made: unknown = JSON.parse(JSON.stringify(describeApi()));
    expect(file, "docs/openapi.yaml is out of date: run npm run docs:openapi").to.deep.equal(made);
  });

  it("has the routes that are served, and no other", async () => {
    expect((await servedRoutes()).sort()).to.deep.equal(describedRoutes().sort());
  });

  it("names each call once", () => {
    expect(new Set(API_CALLS.map(({ id }) => id)).size).to.equal(API_CALLS.length);
    expect(new Set(API_CALLS.map(({ method, path }) => `${method} ${path}`)).size).to.equal(API_CALLS.length);
  });

  it("has a parameter for each part of a path that is a value", () => {
    const { paths } = describeApi() as { paths: Record<string, Record<string, { parameters?: { name: string }[] }>> };
    for (const { path, method } of API_CALLS) {
      const { parameters = [] } = paths[openApiPath(path)]?.[method.toLowerCase()] ?? {};
      const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
      expect(parameters.map(({ name }) => name)).to.include.members(names);
    }
  });

  it("bounds every number of things that may be asked for", () => {
    const described = JSON.stringify(describeApi());
    const limits = [...described.matchAll(/"name":"limit".*?"schema":(\{.*?\})/g)].map(([, schema = ""]) => schema);
    expect(limits).to.have.length(5);
    for (const schema of limits) expect(JSON.parse(schema)).to.include.keys("default", "minimum", "maximum");
  });
});
