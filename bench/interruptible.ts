/** Ctrl-C ends a measurement in an orderly way. */
import { setMaxListeners } from "node:events";

/** Runs `work` until it is done, or until Ctrl-C. */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  // Builds that run at once all wait for the end of this process and for the signal.
  setMaxListeners(0, process, stop.signal);
  const interrupted = (): void => {
    process.stderr.write("stopping; this takes a few seconds\n");
    stop.abort(new Error("interrupted"));
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, interrupted);
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, interrupted);
  }
}
