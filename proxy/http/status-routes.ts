/** `/status` and `/builders`: how MemoBuild runs, over HTTP. */
import type { FastifyInstance } from "fastify";
import { answerCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import type { BuilderReport, StatusReport } from "./status-messages.js";

export interface StatusRoutesDeps {
  readonly status: () => Promise<StatusReport>;
  readonly builders: () => Promise<readonly BuilderReport[]>;
}

export function addStatusRoutes(server: FastifyInstance, { status, builders }: StatusRoutesDeps): void {
  answerCall(server, calls.getStatus, () => status());
  answerCall(server, calls.listBuilders, async () => ({ builders: await builders() }));
}
