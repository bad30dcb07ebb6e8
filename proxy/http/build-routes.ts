/** `/builds/…`, `/compare` and `/figures`: what people may ask about builds, over HTTP. */
import type { FastifyInstance } from "fastify";
import { type BuildDesk, BuildNameError } from "../builds/build-desk.js";
import { BadCursorError } from "../builds/build-cursor.js";
import { parseDurationMs } from "../config/duration.js";
import { answerCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import { ApiError } from "./api-error.js";
import { graphOf } from "./build-graph.js";

export interface BuildRoutesDeps {
  /** @throws ApiError where builds are not recorded */
  readonly desk: BuildDesk;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A point in time, or how long before now it was. */
const sinceMsOf = (text: string, nowMs: number): number => {
  const agoMs = parseDurationMs(text);
  return agoMs === undefined ? Number(text) : Math.max(0, nowMs - agoMs);
};

const CODE_OF_NAME = { unknown: "not_found", ambiguous: "ambiguous", running: "running" } as const;

/** What the client is told of what a desk rejects with; anything else is a fault of ours. */
export function errorOfDesk(error: unknown): unknown {
  if (error instanceof BuildNameError) return new ApiError(CODE_OF_NAME[error.code], error.message, { cause: error });
  if (error instanceof BadCursorError) return new ApiError("bad_request", `cursor: ${error.message}`, { cause: error });
  return error;
}

export function addBuildRoutes(server: FastifyInstance, { desk, now }: BuildRoutesDeps): void {
  /** What the desk has of the build, which may be removed once it is resolved. */
  const about = async <T>(name: string, read: (desk: BuildDesk, ref: string) => Promise<T | undefined>): Promise<T> => {
    const found = await read(desk, await desk.resolve(name));
    if (found === undefined) throw new ApiError("not_found", `there is no build ${name}`);
    return found;
  };

  answerCall(server, calls.listBuilds, ({ since, ...query }) =>
    desk.list(since === undefined ? query : { ...query, sinceMs: sinceMsOf(since, now()) }),
  );
  answerCall(server, calls.getBuild, ({ name }) => about(name, (from, ref) => from.build(ref)));
  answerCall(server, calls.getGraph, async ({ name }) => graphOf(await about(name, (from, ref) => from.build(ref))));
  answerCall(server, calls.getLogs, ({ name, ...query }) => about(name, (from, ref) => from.logs(ref, query)));
  answerCall(server, calls.explainBuild, ({ name }) => about(name, (from, ref) => from.explain(ref)));
  answerCall(server, calls.compareBuilds, ({ before, after }) =>
    about(before, async (from, ref) => from.compare(ref, await from.resolve(after))),
  );
  answerCall(server, calls.removeBuild, ({ name }) =>
    about(name, async (from, ref) => {
      const removed = await from.remove([ref]);
      return removed === 0 ? undefined : { removed };
    }),
  );
  answerCall(server, calls.getFigures, ({ since, project }) =>
    desk.figures({ sinceMs: sinceMsOf(since, now()), project }),
  );
  answerCall(server, calls.getTrend, ({ since, project, buckets }) => {
    const untilMs = now();
    return desk.trend({ sinceMs: Math.min(sinceMsOf(since, untilMs), untilMs), untilMs, project, buckets });
  });
}
