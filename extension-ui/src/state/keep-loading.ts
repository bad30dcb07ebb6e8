/** Loads something again and again, one load at a time, as long as the page is seen. */
import type { Visibility } from "../api/page-visibility.js";
import { ApiProblem } from "../api/transport.js";

export interface LoadingOptions<T> {
  readonly load: (signal: AbortSignal) => Promise<T>;
  /** Undefined to load once, and then when asked to. */
  readonly everyMs: number | undefined;
  readonly visibility: Visibility;
  readonly onAnswer: (answer: T) => void;
  readonly onProblem: (problem: ApiProblem) => void;
}

export interface Loading {
  /** At once; while a load is under way, once more after it, as its answer may be older than what is asked for. */
  readonly reload: () => void;
  readonly stop: () => void;
}

/** After failures, attempts are this far apart at most. */
const RETRY_MAX_MS = 15_000;
const RETRY_FIRST_MS = 1000;

const retryMsOf = (failures: number): number => Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (failures - 1));

export const asProblem = (error: unknown): ApiProblem =>
  error instanceof ApiProblem
    ? error
    : new ApiProblem("internal", error instanceof Error ? error.message : String(error));

/** Starts at once. What failed is tried again, further apart each time. */
export function keepLoading<T>({ everyMs, load, onAnswer, onProblem, visibility }: LoadingOptions<T>): Loading {
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isLoading = false;
  // Wanted, but the page is hidden or a load is under way.
  let isDue = false;

  /** Resolves with how long to wait for the next; undefined where nothing is left to do. */
  const once = async (): Promise<number | undefined> => {
    try {
      const answer = await load(ending.signal);
      if (ending.signal.aborted) return undefined;
      failures = 0;
      onAnswer(answer);
      return everyMs;
    } catch (error) {
      if (ending.signal.aborted) return undefined;
      failures += 1;
      const problem = asProblem(error);
      onProblem(problem);
      // What was refused is refused again, but for a MemoBuild that starts.
      return problem.code === "unreachable" || everyMs !== undefined ? retryMsOf(failures) : undefined;
    }
  };
  const attempt = (): void => {
    clearTimeout(timer);
    isDue = true;
    if (isLoading || visibility.isHidden() || ending.signal.aborted) return;
    isDue = false;
    isLoading = true;
    void once().then(goOn);
  };
  const goOn = (delayMs: number | undefined): void => {
    isLoading = false;
    if (isDue) attempt();
    else if (delayMs !== undefined) timer = setTimeout(attempt, delayMs);
  };
  const unwatch = visibility.onChange(() => {
    if (isDue) attempt();
  });
  attempt();
  return {
    reload: attempt,
    stop: () => {
      unwatch();
      clearTimeout(timer);
      ending.abort();
    },
  };
}
