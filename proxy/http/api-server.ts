/** The API of MemoBuild: JSON over HTTP, for its own commands, its pages, and programs of the same user. */
import { fastify } from "fastify";
import { ApiJobs } from "./api-jobs.js";
import { type ApiAddress, ApiListener } from "./api-listener.js";
import { addApiRoutes, type ApiRoutesDeps } from "./api-routes.js";
import { TEXT_MAX_CHARS } from "./message-values.js";

export interface ApiServerDeps extends Omit<ApiRoutesDeps, "jobs"> {
  /** All of them answer the same. */
  readonly listeners: readonly ApiAddress[];
}

export interface ApiServer {
  /** Resolves with where it listens, in the order of `listeners`. @throws StartError; then close what did start. */
  start(): Promise<readonly string[]>;
  /** Cuts what is still connected and waits for what ran for it. May be called twice, and without a start. */
  close(): Promise<void>;
}

const BODY_MAX_BYTES = 16 * 1024;

export function createApiServer({ listeners: addresses, ...deps }: ApiServerDeps): ApiServer {
  const jobs = new ApiJobs();
  const app = fastify({
    bodyLimit: BODY_MAX_BYTES,
    exposeHeadRoutes: false,
    // Addresses of builders are long values in a path.
    routerOptions: { maxParamLength: TEXT_MAX_CHARS },
  });
  addApiRoutes(app, { ...deps, jobs });
  const listeners = addresses.map(
    (address) =>
      new ApiListener(
        address,
        (request, response) => {
          app.routing(request, response);
        },
        deps.log,
      ),
  );
  return {
    async start() {
      await app.ready();
      const started: string[] = [];
      for (const listener of listeners) started.push(await listener.start());
      return started;
    },
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
      await jobs.settled();
      await app.close();
    },
  };
}
