/** Events to one client as a stream: what it does not read in time it finds in the desk, or it is told to start anew. */
import type { ServerResponse } from "node:http";
import type { BuildDesk } from "../builds/build-desk.js";

/** In one write. */
const PAGE_EVENTS = 50;
/** Proxies in between cut what is silent, and a client that went away silently is found out. */
const HEARTBEAT_MS = 15_000;
/** Without a byte read by the client. */
const STALLED_TIMEOUT_MS = 60_000;
/** After which a client connects again. */
const RETRY_MS = 2000;

export interface EventStreamDeps {
  readonly desk: BuildDesk;
  /** Where the stream continues; undefined: from now on. */
  readonly cursor: string | undefined;
  readonly heartbeatMs?: number;
  readonly stalledTimeoutMs?: number;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // Of nginx: do not wait for the end of the answer.
  "x-accel-buffering": "no",
};

/**
 * Nothing is queued for a slow client: the next events are taken from the desk when those before are written.
 *
 * Resolves when the client is gone.
 */
export async function streamEvents(response: ServerResponse, deps: EventStreamDeps): Promise<void> {
  const { desk, heartbeatMs = HEARTBEAT_MS, stalledTimeoutMs = STALLED_TIMEOUT_MS } = deps;
  let cursor = deps.cursor ?? desk.events(undefined, 1).cursor;
  const write = (): void => {
    while (!response.writableNeedDrain && !response.destroyed) {
      const page = desk.events(cursor, PAGE_EVENTS);
      cursor = page.cursor;
      if (page.isReset) response.write(`event: reset\nid: ${cursor}\ndata: {}\n\n`);
      if (page.events.length === 0) return;
      // The last one carries the cursor: a client that is cut off before gets the whole page again.
      const last = page.events.length - 1;
      response.write(
        page.events
          .map((event, index) => {
            const id = index === last ? `id: ${cursor}\n` : "";
            return `event: ${event.type}\n${id}data: ${JSON.stringify(event)}\n\n`;
          })
          .join(""),
      );
    }
  };
  const gone = new Promise((resolve) => response.once("close", resolve));
  response.writeHead(200, HEADERS);
  response.setTimeout(stalledTimeoutMs, () => response.destroy());
  response.write(`retry: ${RETRY_MS}\n${deps.cursor === undefined ? `id: ${cursor}\n` : ""}\n`);
  const stop = desk.onEvents(write);
  response.on("drain", write);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(":\n\n");
  }, heartbeatMs);
  write();
  // A client that left before has no close to come.
  if (!response.destroyed) await gone;
  clearInterval(heartbeat);
  stop();
}
