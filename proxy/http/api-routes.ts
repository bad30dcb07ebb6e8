/** All that the API answers, and how it refuses the rest. */
import type { FastifyInstance } from "fastify";
import type { BuildDesk } from "../builds/build-desk.js";
import type { CacheAdmin } from "../cache/cache-admin.js";
import type { BuilderDesk } from "../farm/builder-desk.js";
import type { Logger } from "../log/create-logger.js";
import { ApiError, failureOf, STATUS_OF_CODE } from "./api-error.js";
import type { ApiJobs } from "./api-jobs.js";
import { addBuildRoutes, errorOfDesk } from "./build-routes.js";
import { addBuilderRoutes, errorOfBuilders } from "./builder-routes.js";
import { addCacheRoutes } from "./cache-routes.js";
import { addEventRoutes } from "./event-routes.js";
import { addStatusRoutes, errorOfSettings, type StatusRoutesDeps } from "./status-routes.js";

export interface ApiRoutesDeps extends StatusRoutesDeps {
  /** Undefined where the cache is off. */
  readonly cache: CacheAdmin | undefined;
  readonly builds: BuildDesk;
  readonly builders: BuilderDesk;
  readonly jobs: ApiJobs;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** No page of somebody else may show, embed or guess at what the API answers, and no cache keep it. */
const SECURITY_HEADERS = new Map([
  ["cache-control", "no-store"],
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
]);

export function addApiRoutes(server: FastifyInstance, deps: ApiRoutesDeps): void {
  const { builds: desk } = deps;
  // A body must be declared as JSON, which a page of another site cannot do unasked.
  server.removeContentTypeParser("text/plain");
  server.addHook("onRequest", (_request, { raw }, done) => {
    raw.setHeaders(SECURITY_HEADERS);
    done();
  });
  addRefusals(server, deps.log);
  addStatusRoutes(server, deps);
  addBuilderRoutes(server, deps);
  addBuildRoutes(server, { desk, now: deps.now });
  addEventRoutes(server, { desk });
  addCacheRoutes(server, deps);
}

function addRefusals(server: FastifyInstance, log: Logger): void {
  server.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send(failureOf("not_found", `there is no ${method} ${url.split("?", 1).join("")}`)),
  );
  server.setErrorHandler((thrown: Error & { statusCode?: number }, _request, reply) => {
    const error = errorOfSettings(errorOfBuilders(errorOfDesk(thrown)));
    if (error instanceof ApiError) {
      return reply.code(STATUS_OF_CODE[error.code]).send(failureOf(error.code, error.message));
    }
    const status = thrown.statusCode ?? 500;
    if (status < 500) return reply.code(status).send(failureOf("bad_request", thrown.message));
    // A client that left makes what ran for it fail: that is no fault of ours.
    if (!reply.raw.destroyed) log.error({ err: thrown }, "api request failed");
    return status === 503
      ? reply.code(status).send(failureOf("timeout", "no answer in time; MemoBuild is overloaded"))
      : reply.code(500).send(failureOf("internal", "internal error; MemoBuild's log says more"));
  });
}
