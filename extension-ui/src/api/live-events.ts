/** Events of builds as they happen: a stream where there is one, else portions with a cursor. */
import type { ApiClient } from "./api-client.js";
import type { BuildEvent } from "./openapi.js";
import { pageVisibility, type Visibility } from "./page-visibility.js";

/** What of an `EventSource` is used. */
export interface EventStream {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface StreamOptions {
  readonly open: () => EventStream;
  readonly visibility: Visibility;
}

export interface EventListener {
  readonly onEvents: (events: readonly BuildEvent[]) => void;
  /** Events are missing: what is shown must be read anew. Also when events begin to come, or at first do not. */
  readonly onReset: () => void;
  /** Whether events arrive; false while MemoBuild is not reached. */
  readonly onConnected: (isConnected: boolean) => void;
}

const POLL_INTERVAL_MS = 1500;
const RETRY_MS = 3000;
const EVENTS_LIMIT = 500;
/** As `EventSource.CLOSED`. */
const CLOSED = 2;
const TYPES = ["started", "changed", "ended", "exported", "removed"] as const;

/** Returns how to stop. */
export function followEvents(api: ApiClient, listener: EventListener): () => void {
  const { eventsUrl } = api;
  if (eventsUrl === undefined) return pollEvents(api, listener);
  return streamEvents(listener, { open: () => new EventSource(eventsUrl), visibility: pageVisibility });
}

/** Browsers open six connections to a host at most: a page that nobody sees gives up its own. */
export function streamEvents(
  { onConnected, onEvents, onReset }: EventListener,
  { open, visibility }: StreamOptions,
): () => void {
  let source: EventStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isTold = false;
  const disconnect = (): void => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const connect = (): void => {
    const opened = open();
    let hasOpened = false;
    source = opened;
    opened.addEventListener("open", () => {
      onConnected(true);
      // A browser that connects again says what it had last; one that was away for long is told with `reset`.
      if (!hasOpened) onReset();
      hasOpened = true;
      isTold = true;
    });
    for (const type of TYPES) {
      opened.addEventListener(type, ({ data }) => {
        onEvents([JSON.parse(data) as BuildEvent]);
      });
    }
    opened.addEventListener("reset", onReset);
    opened.addEventListener("error", () => {
      onConnected(false);
      if (!isTold) onReset();
      isTold = true;
      // After a refusal, the browser does not try again by itself.
      if (opened.readyState === CLOSED) timer = setTimeout(connect, RETRY_MS);
    });
  };
  const follow = (): void => {
    disconnect();
    isTold = false;
    if (!visibility.isHidden()) connect();
  };
  const unwatch = visibility.onChange(follow);
  follow();
  return () => {
    unwatch();
    disconnect();
  };
}

function pollEvents(api: ApiClient, { onConnected, onEvents, onReset }: EventListener): () => void {
  const ending = new AbortController();
  let cursor: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const poll = async (): Promise<void> => {
    let delayMs = POLL_INTERVAL_MS;
    try {
      if (!pageVisibility.isHidden()) {
        const input = { ...(cursor !== undefined && { cursor }), limit: EVENTS_LIMIT };
        const page = await api.ask("pollEvents", input, ending.signal);
        if (ending.signal.aborted) return;
        if (page.isReset || cursor === undefined) onReset();
        ({ cursor } = page);
        onConnected(true);
        if (page.events.length > 0) onEvents(page.events);
        if (page.events.length === EVENTS_LIMIT) delayMs = 0;
      }
    } catch {
      if (ending.signal.aborted) return;
      // What is wrong is told by the view's own calls.
      onConnected(false);
      delayMs = RETRY_MS;
    }
    timer = setTimeout(() => void poll(), delayMs);
  };
  void poll();
  return () => {
    clearTimeout(timer);
    ending.abort();
  };
}
