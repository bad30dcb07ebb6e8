/** Answers of the API that a view shows: loaded, loaded again, and kept while MemoBuild does not answer. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type Answer, type CallId, type Input } from "../api/api-client.js";
import { ApiProblem } from "../api/transport.js";
import { useApi } from "./use-api.js";

export interface Loaded<T> {
  /** The latest that came; undefined before the first. */
  readonly answer: T | undefined;
  /** Why the latest attempt failed; undefined when it did not. */
  readonly problem: ApiProblem | undefined;
  /** Asks again at once. */
  readonly reload: () => void;
}

/** After failures, attempts are this far apart at most. */
const RETRY_MAX_MS = 15_000;
const RETRY_FIRST_MS = 1000;

const retryMsOf = (failures: number): number => Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (failures - 1));

export const asProblem = (error: unknown): ApiProblem =>
  error instanceof ApiProblem
    ? error
    : new ApiProblem("internal", error instanceof Error ? error.message : String(error));

/**
 * Asks when the view appears and when `key` changes, then every `everyMs` as long as the page is seen. What failed is
 * tried again, further apart each time. An answer for an earlier key is dropped.
 */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, key: string, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; answer?: T; problem?: ApiProblem }>({ key });
  const [round, setRound] = useState(0);
  const latestLoad = useRef(load);
  latestLoad.current = load;
  useEffect(() => {
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    const later = (ms: number): void => {
      timer = setTimeout(() => void attempt(), ms);
    };
    const attempt = async (): Promise<void> => {
      timer = undefined;
      // What nobody sees can wait; `wake` goes on.
      if (document.hidden) return;
      try {
        const answer = await latestLoad.current(ending.signal);
        if (ending.signal.aborted) return;
        failures = 0;
        setState({ key, answer });
        if (everyMs !== undefined) later(everyMs);
      } catch (error) {
        if (ending.signal.aborted) return;
        failures += 1;
        const problem = asProblem(error);
        setState((before) => ({ ...(before.key === key ? before : { key }), problem }));
        // What was refused is refused again, but for a MemoBuild that starts.
        if (problem.code === "unreachable" || everyMs !== undefined) later(retryMsOf(failures));
      }
    };
    const wake = (): void => {
      if (!document.hidden && timer === undefined && everyMs !== undefined) void attempt();
    };
    document.addEventListener("visibilitychange", wake);
    void attempt();
    return () => {
      document.removeEventListener("visibilitychange", wake);
      clearTimeout(timer);
      ending.abort();
    };
  }, [key, everyMs, round]);
  const reload = useCallback(() => {
    setRound((before) => before + 1);
  }, []);
  const isCurrent = state.key === key;
  return { answer: isCurrent ? state.answer : undefined, problem: isCurrent ? state.problem : undefined, reload };
}

/** One call of the API; see `useLoaded`. */
export function useAnswer<Id extends CallId>(id: Id, input: Input<Id>, everyMs?: number): Loaded<Answer<Id>> {
  const api = useApi();
  return useLoaded((signal) => api.ask(id, input, signal), `${id} ${JSON.stringify(input)}`, everyMs);
}

export interface Action {
  readonly isRunning: boolean;
  readonly problem: ApiProblem | undefined;
  /** Resolves with whether it went well; does nothing while one runs. */
  readonly run: (work: (signal: AbortSignal) => Promise<unknown>) => Promise<boolean>;
  readonly dismiss: () => void;
}

/** Something that the user asked for, such as a pin: at most one at a time, ended when the view goes. */
export function useAction(): Action {
  const [state, setState] = useState<{ isRunning: boolean; problem?: ApiProblem | undefined }>({ isRunning: false });
  const ending = useRef<AbortController | undefined>(undefined);
  useEffect(
    () => () => {
      ending.current?.abort();
      ending.current = undefined;
    },
    [],
  );
  const run = useCallback(async (work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> => {
    if (ending.current !== undefined) return false;
    const own = new AbortController();
    ending.current = own;
    setState({ isRunning: true });
    try {
      await work(own.signal);
      if (!own.signal.aborted) setState({ isRunning: false });
      return true;
    } catch (error) {
      if (!own.signal.aborted) setState({ isRunning: false, problem: asProblem(error) });
      return false;
    } finally {
      if (ending.current === own) ending.current = undefined;
    }
  }, []);
  const dismiss = useCallback(() => {
    setState((before) => ({ ...before, problem: undefined }));
  }, []);
  return { isRunning: state.isRunning, problem: state.problem, run, dismiss };
}
