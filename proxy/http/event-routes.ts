/** `/events`: what happens to builds, as a stream, and in portions for clients that cannot read one. */
import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { BuildDesk, EventPage } from "../builds/build-desk.js";
import { answerCall, answerSlowCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import { ApiError } from "./api-error.js";
import type { PollQuestion } from "./desk-messages.js";
import { streamEvents } from "./event-stream.js";

export interface EventRoutesDeps {
  /** @throws ApiError where builds are not recorded */
  readonly desk: BuildDesk;
}

/** Those that follow a stream and those that wait, together. */
export const FOLLOWERS_MAX = 64;
const CURSOR_MAX_CHARS = 256;

/** A browser that connects again says there where it was. */
function lastEventId({ headers }: FastifyRequest): string | undefined {
  const id = headers["last-event-id"];
  return typeof id === "string" && id !== "" ? id.slice(0, CURSOR_MAX_CHARS) : undefined;
}

/** Resolves with the first of them: something happened, the time is over, the client is gone. */
function nextChange(desk: BuildDesk, waitMs: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop();
      response.off("close", done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    const stop = desk.onEvents(done);
    response.once("close", done);
    if (response.destroyed) done();
  });
}

async function pollEvents(
  desk: BuildDesk,
  { cursor, limit, wait }: PollQuestion,
  response: ServerResponse,
): Promise<EventPage> {
  const page = desk.events(cursor, limit);
  if (page.isReset || page.events.length > 0 || wait === 0) return page;
  await nextChange(desk, wait, response);
  return desk.events(page.cursor, limit);
}

export function addEventRoutes(server: FastifyInstance, { desk }: EventRoutesDeps): void {
  let followers = 0;
  const following = async <T>(work: () => Promise<T>): Promise<T> => {
    if (followers >= FOLLOWERS_MAX) throw new ApiError("busy", `${FOLLOWERS_MAX} clients follow events already`);
    followers += 1;
    try {
      return await work();
    } finally {
      followers -= 1;
    }
  };

  answerSlowCall(server, calls.followEvents, async ({ cursor }, { request, reply }) => {
    await following(async () => {
      reply.hijack();
      await streamEvents(reply.raw, { desk, cursor: lastEventId(request) ?? cursor });
    });
    return undefined;
  });
  answerCall(server, calls.pollEvents, (question, { reply }) => {
    return following(() => pollEvents(desk, question, reply.raw));
  });
}
