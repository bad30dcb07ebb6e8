/** The API of MemoBuild: JSON over HTTP, for its own commands, its pages, and programs of the same user. */
import type { RequestListener, ServerResponse } from "node:http";
import { fastify } from "fastify";
import { ApiJobs } from "./api-jobs.js";
import { addApiRoutes, type ApiRoutesDeps } from "./api-routes.js";
import { type HttpAddress, HttpListener } from "./http-listener.js";
import { TEXT_MAX_CHARS } from "./message-values.js";
import { refuse } from "./refuse.js";

export interface ApiServerDeps extends Omit<ApiRoutesDeps, "jobs"> {
  /** All of them answer the same. A host is one of loopback. */
  readonly listeners: readonly HttpAddress[];
}

export interface ApiServer {
  /** Resolves with where it listens, in the order of `listeners`. @throws StartError; then close what did start. */
  start(): Promise<readonly string[]>;
  /**
   * For requests that came in elsewhere, from after the start on. What limits the API limits them with all others;
   * keeping strangers away is left to who took them.
   */
  readonly answer: RequestListener;
  /** Cuts what is still connected and waits for what ran for it. May be called twice, and without a start. */
  close(): Promise<void>;
}

const BODY_MAX_BYTES = 16 * 1024;

export function createApiServer({ listeners: addresses, ...deps }: ApiServerDeps): ApiServer {
  const jobs = new ApiJobs();
  const unanswered = new Set<ServerResponse>();
  let isClosed = false;
  const app = fastify({
    bodyLimit: BODY_MAX_BYTES,
    exposeHeadRoutes: false,
    // Addresses of builders are long values in a path.
    routerOptions: { maxParamLength: TEXT_MAX_CHARS },
  });
  addApiRoutes(app, { ...deps, jobs });
  const answer: RequestListener = (request, response) => {
    if (isClosed) {
      refuse(response, "unavailable", "MemoBuild is stopping");
      return;
    }
    unanswered.add(response);
    response.once("close", () => unanswered.delete(response));
    // Some calls take as long as the client waits for them, in silence.
    request.setTimeout(0);
    app.routing(request, response);
  };
  const listeners = addresses.map((address) => {
    return new HttpListener({
      address,
      option: "path" in address ? "api-socket" : "api-listen",
      answer,
      log: deps.log,
    });
  });
  return {
    answer,
    async start() {
      await app.ready();
      const started: string[] = [];
      for (const listener of listeners) started.push(await listener.start());
      return started;
    },
    async close() {
      isClosed = true;
      await Promise.all(listeners.map((listener) => listener.close()));
      for (const response of unanswered) response.destroy();
      await jobs.settled();
      await app.close();
    },
  };
}
