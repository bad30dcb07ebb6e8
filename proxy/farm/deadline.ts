/** Time limits as scopes: nothing of them is left afterwards. */

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

/** Resolves when `promise` has settled, or after `timeoutMs`; whether it has settled. */
export async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const isSettled = await Promise.race([settled, late]);
  clearTimeout(timer);
  return isSettled;
}
