/** Events of builds as they happen: a stream where there is one, else portions with a cursor. */
import type { ApiClient } from "./api-client.js";
import type { BuildEvent } from "./openapi.js";

export interface EventListener {
  readonly onEvents: (events: readonly BuildEvent[]) => void;
  /** Events are missing: what is shown must be read anew. Called once at the start too. */
  readonly onReset: () => void;
  /** Whether events arrive; false while MemoBuild is not reached. */
  readonly onConnected: (isConnected: boolean) => void;
}

const POLL_INTERVAL_MS = 1500;
const RETRY_MS = 3000;
const EVENTS_LIMIT = 500;
const TYPES = ["started", "changed", "ended", "exported", "removed"] as const;

/** Returns how to stop. */
export function followEvents(api: ApiClient, listener: EventListener): () => void {
  return api.eventsUrl === undefined ? pollEvents(api, listener) : streamEvents(api.eventsUrl, listener);
}

function streamEvents(url: string, { onConnected, onEvents, onReset }: EventListener): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = (): void => {
    source = new EventSource(url);
    source.onopen = () => {
      onConnected(true);
      // A browser that connects again says what it had last; one that was away for long is told with `reset`.
    };
    for (const type of TYPES) {
      source.addEventListener(type, ({ data }: MessageEvent<string>) => {
        onEvents([JSON.parse(data) as BuildEvent]);
      });
    }
    source.addEventListener("reset", onReset);
    source.onerror = () => {
      onConnected(false);
      // After a refusal, the browser does not try again by itself.
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(() => {
        onReset();
        connect();
      }, RETRY_MS);
    };
  };
  onReset();
  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function pollEvents(api: ApiClient, { onConnected, onEvents, onReset }: EventListener): () => void {
  const ending = new AbortController();
  let cursor: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const poll = async (): Promise<void> => {
    let delayMs = POLL_INTERVAL_MS;
    try {
      if (!document.hidden) {
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
