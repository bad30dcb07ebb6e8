/** `/status`, `/metrics` and `/settings`: how MemoBuild runs, over HTTP. */
import type { FastifyInstance } from "fastify";
import { ConfigError } from "../config/config-error.js";
import type { Settings } from "../config/settings.js";
import { answerCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import { ApiError } from "./api-error.js";
import type { MetricsReport } from "./metrics-messages.js";
import type { StatusReport } from "./status-messages.js";

export interface StatusRoutesDeps {
  readonly status: () => Promise<StatusReport>;
  readonly metrics: () => Promise<MetricsReport>;
  readonly settings: Settings;
}

/** What the client is told of settings that cannot be so; anything else is a fault of ours. */
export const errorOfSettings = (error: unknown): unknown =>
  error instanceof ConfigError ? new ApiError("bad_request", error.message, { cause: error }) : error;

export function addStatusRoutes(server: FastifyInstance, { metrics, settings, status }: StatusRoutesDeps): void {
  answerCall(server, calls.getStatus, () => status());
  answerCall(server, calls.getMetrics, () => metrics());
  answerCall(server, calls.getSettings, () => Promise.resolve({ settings: settings.report() }));
  answerCall(server, calls.changeSettings, async ({ changes }) => {
    await settings.change(changes);
    return { settings: settings.report() };
  });
}
