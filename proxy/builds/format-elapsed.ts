/** How long something took, as people read it. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** As in `0.3s`, `12.0s`, `3m 4s` and `2h 5m`. What is below nothing, as between two clocks, is nothing. */
export function formatElapsed(durationMs: number): string {
  const elapsedMs = Math.max(durationMs, 0);
  // What rounds to a minute is one.
  const tenths = Math.round(elapsedMs / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.round(elapsedMs / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.round(elapsedMs / MINUTE_MS);
  return `${Math.floor((minutes * MINUTE_MS) / HOUR_MS)}h ${minutes % 60}m`;
}
