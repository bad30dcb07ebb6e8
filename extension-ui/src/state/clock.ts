/** Clocks that many share: one timer each, which runs as long as somebody reads it. */

export interface Clock {
  /** Milliseconds since 1970, as they were at the last tick; now where nobody reads it yet. */
  readonly read: () => number;
  /** Returns how to stop. */
  readonly follow: (ticked: () => void) => () => void;
}

export function createClock(intervalMs: number, now: () => number = Date.now): Clock {
  const followers = new Set<() => void>();
  let nowMs = now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = (): void => {
    nowMs = now();
    for (const follower of followers) follower();
  };
  return {
    read: () => {
      // Between two ticks, all who read it are told the same.
      if (timer === undefined && now() - nowMs >= intervalMs) nowMs = now();
      return nowMs;
    },
    follow: (ticked) => {
      followers.add(ticked);
      timer ??= setInterval(tick, intervalMs);
      return () => {
        followers.delete(ticked);
        if (followers.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}
