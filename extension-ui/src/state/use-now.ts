/** A clock for what is told as long as it lasts, and for how long ago something was. */
import { useSyncExternalStore } from "react";
import { createClock } from "./clock.js";

const FAST_MS = 1000;
const SLOW_MS = 30_000;

const fastClock = createClock(FAST_MS);
const slowClock = createClock(SLOW_MS);

/** Milliseconds since 1970: renewed each second where something is under way, else as ages need it. */
export function useNow(isUnderWay: boolean): number {
  const { follow, read } = isUnderWay ? fastClock : slowClock;
  return useSyncExternalStore(follow, read);
}
