/** A time limit as a scope: the work gets a signal, and nothing of it is left afterwards. */

/**
 * Runs `run` with a signal that aborts when `parent` does or after `timeoutMs`.
 *
 * @throws whatever `run` throws; when the time was up, an Error with `message` and that as its cause.
 */
export async function withDeadline<T>(
  parent: AbortSignal,
  timeoutMs: number,
  message: string,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(parent.reason);
  };
  const timer = setTimeout(() => {
    controller.abort();
  }, timeoutMs);
  parent.addEventListener("abort", abort, { once: true });
  try {
    if (parent.aborted) abort();
    return await run(controller.signal);
  } catch (error) {
    if (controller.signal.aborted && !parent.aborted) throw new Error(message, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
    parent.removeEventListener("abort", abort);
  }
}
