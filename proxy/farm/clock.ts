/** Time, and what is to happen later: handed in, so that tests set it. */

export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Runs `run` once after `delayMs`, unless the function that it returns is called before. Keeps no process alive. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
