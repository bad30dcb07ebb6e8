/** The rows of the list of builds: pages that were read, with what happened since. */
import type { BuildEvent, BuildPage, BuildSummary } from "../../api/openapi.js";

/** Rows in the memory of the page; who wants more has to narrow the filter. */
export const ROWS_MAX = 200;
export const PAGE_ROWS = 50;

export const OUTCOMES: readonly BuildSummary["outcome"][] = ["running", "succeeded", "failed", "canceled", "lost"];
export const WINDOWS = ["1h", "24h", "7d", "30d"] as const;

/** "" where one is not asked for. */
export interface Filter {
  readonly project: string;
  readonly outcome: BuildSummary["outcome"] | "";
  readonly builder: string;
  readonly since: string;
  readonly group: string;
}

export interface BuildList {
  /** What its pages were asked for. */
  readonly question: string;
  /** Latest start first, each ref once. */
  readonly builds: readonly BuildSummary[];
  /** Steps that run, by ref. */
  readonly running: ReadonlyMap<string, BuildEvent["running"]>;
  /** Of the next page; undefined where there is none. */
  readonly cursor: string | undefined;
  /** Earlier builds were let go for later ones. */
  readonly isCut: boolean;
}

export type ListChange =
  | {
      readonly type: "first";
      readonly question: string;
      readonly page: BuildPage;
      /** What happened while the page was asked for, and may not be in it. */
      readonly since: readonly BuildEvent[];
      readonly filter: Filter;
    }
  | { readonly type: "more"; readonly question: string; readonly after: string; readonly page: BuildPage }
  | { readonly type: "events"; readonly events: readonly BuildEvent[]; readonly filter: Filter };

export const EMPTY_LIST: BuildList = { question: "", builds: [], running: new Map(), cursor: undefined, isCut: false };

/** So many rows are read first: as many as are shown already, where the list is read anew. */
export const firstRows = (list: BuildList, question: string): number =>
  list.question === question ? Math.min(ROWS_MAX, Math.max(PAGE_ROWS, list.builds.length)) : PAGE_ROWS;

export function filterOf(query: URLSearchParams): Filter {
  const text = (name: string): string => query.get(name) ?? "";
  return {
    project: text("project"),
    outcome: OUTCOMES.find((outcome) => outcome === query.get("outcome")) ?? "",
    builder: text("builder"),
    since: WINDOWS.find((window) => window === query.get("since")) ?? "",
    group: text("group"),
  };
}

/** As the API filters. Of the time it is not asked: what happens now is within every window. */
export const matches = ({ builder, group, outcome, project }: Filter, build: BuildSummary): boolean =>
  build.project.includes(project) &&
  (builder === "" || build.builder === builder) &&
  (outcome === "" || build.outcome === outcome) &&
  (group === "" || build.group === group);

const byStart = (one: BuildSummary, other: BuildSummary): number =>
  other.startedAtMs - one.startedAtMs || (one.ref < other.ref ? 1 : -1);

function listed(builds: Iterable<BuildSummary>, list: BuildList): BuildList {
  const sorted = [...builds].sort(byStart);
  const running = new Map([...list.running].filter(([ref]) => sorted.some((build) => build.ref === ref)));
  return { ...list, running, builds: sorted.slice(0, ROWS_MAX), isCut: list.isCut || sorted.length > ROWS_MAX };
}

function withEvents(list: BuildList, events: readonly BuildEvent[], filter: Filter): BuildList {
  const builds = new Map(list.builds.map((build) => [build.ref, build]));
  const running = new Map(list.running);
  const oldest = list.builds.at(-1)?.startedAtMs ?? 0;
  // Earlier ones than the last row belong to a page that was not read.
  const isWhole = list.cursor === undefined && !list.isCut;
  for (const { build, running: steps, type } of events) {
    const isShown = builds.has(build.ref);
    if (type === "removed" || !matches(filter, build)) builds.delete(build.ref);
    else if (isShown || isWhole || build.startedAtMs >= oldest) builds.set(build.ref, build);
    if (build.outcome === "running") running.set(build.ref, steps);
    else running.delete(build.ref);
  }
  return listed(builds.values(), { ...list, running });
}

export function changeList(list: BuildList, change: ListChange): BuildList {
  switch (change.type) {
    case "first": {
      const { filter, page, question, since } = change;
      const read = { ...EMPTY_LIST, question, running: list.running, cursor: page.cursor };
      return withEvents(listed(page.builds, read), since, filter);
    }
    case "more": {
      // Asked for before another filter was chosen, or the list was read anew.
      if (change.question !== list.question || change.after !== list.cursor) return list;
      const known = new Map(list.builds.map((build) => [build.ref, build]));
      // What was told since is newer than the page.
      const added = change.page.builds.filter(({ ref }) => !known.has(ref));
      return listed([...list.builds, ...added], { ...list, cursor: change.page.cursor });
    }
    case "events":
      return withEvents(list, change.events, change.filter);
  }
}

/** Builds of one client, such as the targets of one bake, together where the latest of them stands. */
export function byGroup(builds: readonly BuildSummary[]): readonly (readonly BuildSummary[])[] {
  const groups = new Map<string, BuildSummary[]>();
  for (const build of builds) {
    const key = build.group === "" ? `ref ${build.ref}` : `group ${build.group}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [build]);
    else known.push(build);
  }
  return [...groups.values()];
}
