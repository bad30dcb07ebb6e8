/** `/builders/…`: what people may ask about builders, and of them, over HTTP. */
import type { FastifyInstance } from "fastify";
import { type BuilderDesk, BuilderError } from "../farm/builder-desk.js";
import { answerCall, answerSlowCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import { ApiError, type ApiErrorCode } from "./api-error.js";
import type { ApiJobs } from "./api-jobs.js";

export interface BuilderRoutesDeps {
  readonly builders: BuilderDesk;
  readonly jobs: ApiJobs;
}

const CODE_OF_PROBLEM: Readonly<Record<BuilderError["code"], ApiErrorCode>> = {
  unknown: "not_found",
  bad_address: "bad_request",
  exists: "exists",
  last: "last_builder",
};

/** What the client is told of what the desk of builders rejects with; anything else is a fault of ours. */
export const errorOfBuilders = (error: unknown): unknown =>
  error instanceof BuilderError ? new ApiError(CODE_OF_PROBLEM[error.code], error.message, { cause: error }) : error;

export function addBuilderRoutes(server: FastifyInstance, { builders, jobs }: BuilderRoutesDeps): void {
  answerCall(server, calls.listBuilders, () => builders.report());
  answerCall(server, calls.getUsageHistory, () => builders.usageHistory());
  answerCall(server, calls.getBuilder, ({ name }) => builders.inspect(name));
  answerCall(server, calls.addBuilder, ({ address }) => builders.add(address));
  answerCall(server, calls.drainBuilder, ({ name }) => builders.drain(name));
  answerCall(server, calls.undrainBuilder, ({ name }) => builders.undrain(name));
  answerSlowCall(server, calls.removeBuilder, async ({ name, force }, { reply }) => {
    await jobs.runBeside(reply.raw, (signal) => builders.remove(name, { isForced: force === "true" }, signal));
    return { removed: 1 };
  });
}
