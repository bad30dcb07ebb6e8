/** The list of builds, read page by page and kept up to date. */
import { useEffect, useReducer, useRef } from "react";
import type { Input } from "../../api/api-client.js";
import type { BuildEvent, BuildPage } from "../../api/openapi.js";
import type { ApiProblem } from "../../api/transport.js";
import { type Action, useAction, useLoaded } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { useEvents } from "../../state/use-events.js";
import { type BuildList, changeList, EMPTY_LIST, type Filter, firstRows, PAGE_ROWS } from "./build-list.js";

interface Listed {
  /** Undefined before the first page came. */
  readonly list: BuildList | undefined;
  readonly problem: ApiProblem | undefined;
  readonly reload: () => void;
  readonly isLive: boolean;
  readonly more: Action;
  readonly loadMore: () => void;
}

interface FirstPage {
  readonly page: BuildPage;
  readonly since: readonly BuildEvent[];
}

function questionOf(filter: Filter): Omit<Input<"listBuilds">, "limit"> {
  const { builder, group, outcome, project, since } = filter;
  return {
    ...(project !== "" && { project }),
    ...(outcome !== "" && { outcome }),
    ...(builder !== "" && { builder }),
    ...(since !== "" && { since }),
    ...(group !== "" && { group }),
  };
}

export function useBuildList(filter: Filter): Listed {
  const api = useApi();
  const question = questionOf(filter);
  const key = JSON.stringify(question);
  const [list, change] = useReducer(changeList, EMPTY_LIST);
  // What happens while a first page is asked for.
  const since = useRef<BuildEvent[] | undefined>(undefined);
  const load = async (signal: AbortSignal): Promise<FirstPage> => {
    const told: BuildEvent[] = [];
    since.current = told;
    try {
      return { page: await api.ask("listBuilds", { ...question, limit: firstRows(list, key) }, signal), since: told };
    } catch (error) {
      if (since.current === told) since.current = undefined;
      throw error;
    }
  };
  const { answer, problem, reload } = useLoaded(load, key);
  const more = useAction();
  useEffect(() => {
    if (answer === undefined) return;
    change({ type: "first", question: key, filter, ...answer });
    if (since.current === answer.since) since.current = undefined;
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the filter is that of the key
  }, [answer, key]);
  const isLive = useEvents({
    onEvents: (events) => {
      since.current?.push(...events);
      change({ type: "events", events, filter });
    },
    onReset: reload,
  });
  const loadMore = (): void => {
    const { cursor } = list;
    if (cursor === undefined) return;
    void more.run(async (signal) => {
      const page = await api.ask("listBuilds", { ...question, limit: PAGE_ROWS, cursor }, signal);
      change({ type: "more", question: key, after: cursor, page });
    });
  };
  return { list: answer === undefined ? undefined : list, problem, reload, isLive, more, loadMore };
}
