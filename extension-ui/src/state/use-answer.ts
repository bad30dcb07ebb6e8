/** Answers of the API that a view shows: loaded, loaded again, and kept while MemoBuild does not answer. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type Answer, type CallId, type Input } from "../api/api-client.js";
import { pageVisibility } from "../api/page-visibility.js";
import type { ApiProblem } from "../api/transport.js";
import { asProblem, keepLoading, type Loading } from "./keep-loading.js";
import { useApi } from "./use-api.js";

export interface Loaded<T> {
  /** The latest that came; undefined before the first. */
  readonly answer: T | undefined;
  /** Why the latest attempt failed; undefined when it did not. */
  readonly problem: ApiProblem | undefined;
  /** Asks again, at once or after what is under way. */
  readonly reload: () => void;
}

/**
 * Asks when the view appears and when `key` changes, then every `everyMs` as long as the page is seen. What failed is
 * tried again, further apart each time. An answer for an earlier key is dropped.
 */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, key: string, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; answer?: T; problem?: ApiProblem }>({ key });
  const latestLoad = useRef(load);
  latestLoad.current = load;
  const loading = useRef<Loading | undefined>(undefined);
  useEffect(() => {
    const own = keepLoading<T>({
      load: (signal) => latestLoad.current(signal),
      everyMs,
      visibility: pageVisibility,
      onAnswer: (answer) => {
        setState({ key, answer });
      },
      onProblem: (problem) => {
        setState((before) => ({ ...(before.key === key ? before : { key }), problem }));
      },
    });
    loading.current = own;
    return own.stop;
  }, [key, everyMs]);
  const reload = useCallback(() => {
    loading.current?.reload();
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
