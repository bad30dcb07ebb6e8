/** Live events for a view, as long as it is shown. */
import { useEffect, useRef, useState } from "react";
import { followEvents } from "../api/live-events.js";
import type { BuildEvent } from "../api/openapi.js";
import { useApi } from "./use-api.js";

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
  useEffect(
    () =>
      followEvents(api, {
        onEvents: (events) => {
          latest.current.onEvents(events);
        },
        onReset: () => {
          latest.current.onReset();
        },
        onConnected: setIsConnected,
      }),
    [api],
  );
  return isConnected;
}
