/** Live events for a view, as long as it is shown. */
import { useEffect, useRef, useState } from "react";
import { followEvents } from "../api/live-events.js";
import type { BuildEvent } from "../api/openapi.js";
import { useApi } from "./use-api.js";

/** A busy farm has dozens of events in a second, and a view is drawn anew for each time that it is told. */
const TOGETHER_MS = 200;

export interface EventHandlers {
  readonly onEvents: (events: readonly BuildEvent[]) => void;
  /** What is shown must be read anew; also when events begin to come. */
  readonly onReset: () => void;
}

/** Returns whether events arrive. */
export function useEvents(handlers: EventHandlers): boolean {
  const api = useApi();
  const latest = useRef(handlers);
  latest.current = handlers;
  const [isConnected, setIsConnected] = useState(true);
  useEffect(() => {
    const waiting: BuildEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (): void => {
      timer = undefined;
      if (waiting.length > 0) latest.current.onEvents(waiting.splice(0));
    };
    const stop = followEvents(api, {
      onEvents: (events) => {
        waiting.push(...events);
        timer ??= setTimeout(tell, TOGETHER_MS);
      },
      onReset: () => {
        tell();
        latest.current.onReset();
      },
      onConnected: setIsConnected,
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [api]);
  return isConnected;
}
