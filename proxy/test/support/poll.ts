/** Waits for a condition that no event announces: asks again until it holds, or fails with what was seen last. */
import { setTimeout as pause } from "node:timers/promises";

export interface PollOptions {
  /** What is waited for; opens the failure message. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/** Resolves with the first value of `read` that `isDone` accepts; rejects after `timeoutMs` (10 s) with the last value. */
export async function poll<T>(
  read: () => T | Promise<T>,
  isDone: (value: T) => boolean,
  { what, timeoutMs = 10_000, intervalMs = 20 }: PollOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isDone(value)) return value;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not so after ${timeoutMs} ms, last seen: ${JSON.stringify(value)}`);
    }
    await pause(intervalMs);
  }
}

/** Rejects when `promise` has not settled after `timeoutMs`, so that a hang fails with a name instead of a test timeout. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: nothing after ${timeoutMs} ms`));
    }, timeoutMs);
  });
  return Promise.race([promise, expired]).finally(() => {
    clearTimeout(timer);
  });
}
