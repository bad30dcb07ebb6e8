/** `/status`: how MemoBuild runs, over HTTP. */
import type { FastifyInstance } from "fastify";
import { answerCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import type { StatusReport } from "./status-messages.js";

export interface StatusRoutesDeps {
  readonly status: () => Promise<StatusReport>;
}

export function addStatusRoutes(server: FastifyInstance, { status }: StatusRoutesDeps): void {
  answerCall(server, calls.getStatus, () => status());
}
