/** The list of builds, read page by page and kept up to date. */
import { useEffect, useReducer } from "react";
import type { Input } from "../../api/api-client.js";
import type { ApiProblem } from "../../api/transport.js";
import { type Action, useAction, useAnswer } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { useEvents } from "../../state/use-events.js";
import { type BuildList, changeList, EMPTY_LIST, type Filter, PAGE_ROWS } from "./build-list.js";

interface Listed {
  /** Undefined before the first page came. */
  readonly list: BuildList | undefined;
  readonly problem: ApiProblem | undefined;
  readonly reload: () => void;
  readonly isLive: boolean;
  readonly more: Action;
  readonly loadMore: () => void;
}

function questionOf(filter: Filter): Input<"listBuilds"> {
  const { builder, group, outcome, project, since } = filter;
  return {
    limit: PAGE_ROWS,
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
  const { answer, problem, reload } = useAnswer("listBuilds", question);
  const [list, change] = useReducer(changeList, EMPTY_LIST);
  const more = useAction();
  useEffect(() => {
    if (answer !== undefined) change({ type: "first", page: answer });
  }, [answer]);
  const isLive = useEvents({
    onEvents: (events) => {
      change({ type: "events", events, filter });
    },
    onReset: reload,
  });
  const loadMore = (): void => {
    const { cursor } = list;
    if (cursor === undefined) return;
    void more.run(async (signal) => {
      const page = await api.ask("listBuilds", { ...question, cursor }, signal);
      change({ type: "more", page });
    });
  };
  return { list: answer === undefined ? undefined : list, problem, reload, isLive, more, loadMore };
}
