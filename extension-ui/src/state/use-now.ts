/** A clock for what is told as long as it lasts, and for how long ago something was. */
import { useEffect, useState } from "react";

const FAST_MS = 1000;
const SLOW_MS = 30_000;

/** Milliseconds since 1970: renewed each second where something is under way, else as ages need it. */
export function useNow(isUnderWay: boolean): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const tick = (): void => {
      setNowMs(Date.now());
    };
    tick();
    const timer = setInterval(tick, isUnderWay ? FAST_MS : SLOW_MS);
    return () => {
      clearInterval(timer);
    };
  }, [isUnderWay]);
  return nowMs;
}
