/** Reads what is put into a store until it ends or the signal fires, also while the source gives nothing. */
import { BlobError } from "./blob-store.js";

/** @throws BlobError aborted, when the signal fires or the source fails. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  let fail: (reason: unknown) => void = () => undefined;
  const onAbort = (): void => {
    fail(signal.reason);
  };
  signal.addEventListener("abort", onAbort);
  let isEnded = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        fail = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) break;
      yield next.value;
    }
    isEnded = true;
  } catch (cause) {
    throw new BlobError("aborted", "the bytes did not come to their end", { cause });
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited: a generator that waits for its next value does not return before it has come.
    if (!isEnded) void iterator.return?.().catch(() => undefined);
  }
}
