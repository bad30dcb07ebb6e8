/** A clock for what is told as long as it lasts. */
import { useEffect, useState } from "react";

const TICK_MS = 1000;

/** Milliseconds since 1970, renewed each second, or each `tickMs`, as long as `isTicking`. */
export function useNow(isTicking: boolean, tickMs: number = TICK_MS): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return undefined;
    const tick = (): void => {
      setNowMs(Date.now());
    };
    tick();
    const timer = setInterval(tick, tickMs);
    return () => {
      clearInterval(timer);
    };
  }, [isTicking, tickMs]);
  return nowMs;
}
