/** Builds: those that run and those that have ended, the latest start first. */
import { Box, Button, Typography } from "@mui/material";
import { type ReactNode, useCallback, useState } from "react";
import { Copyable } from "../../parts/copyable.js";
import { Problem } from "../../parts/problem.js";
import { Title } from "../../parts/title.js";
import { Waiting } from "../../parts/waiting.js";
import { hrefOf, useQuery } from "../../state/route.js";
import { BuildFilters, useBuilderNames } from "./build-filters.js";
import { type BuildList, filterOf, ROWS_MAX } from "./build-list.js";
import { BuildsTable, SELECTED_MAX } from "./builds-table.js";
import { useBuildList } from "./use-build-list.js";

function Empty({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  if (isFiltered) return <Typography>No build matches. Clear a filter, or choose a longer time.</Typography>;
  return (
    <>
      <Typography sx={{ mb: 1 }}>
        There are no builds yet. Create a builder, see <a href={hrefOf(["settings"])}>Settings</a>, and build:
      </Typography>
      <Copyable text="docker buildx build --builder memobuild ." />
    </>
  );
}

/** The earlier start is what the later one is compared with. */
function compareHref({ builds }: BuildList, selected: readonly string[]): string | undefined {
  const [after, before] = builds.filter(({ ref }) => selected.includes(ref));
  return after === undefined || before === undefined ? undefined : hrefOf(["compare", before.ref, after.ref]);
}

const CompareButton = ({
  list,
  selected,
}: {
  readonly list: BuildList;
  readonly selected: readonly string[];
}): ReactNode => {
  const href = compareHref(list, selected);
  return href === undefined ? (
    <Button variant="outlined" disabled>
      Select two to compare
    </Button>
  ) : (
    <Button variant="outlined" href={href}>
      Compare the two
    </Button>
  );
};

export function Builds(): ReactNode {
  const [query, changeQuery] = useQuery();
  const filter = filterOf(query);
  const names = useBuilderNames();
  const { isLive, list, loadMore, more, problem, reload } = useBuildList(filter);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  // What a filter hides is not compared.
  const selected = chosen.filter((ref) => list?.builds.some((build) => build.ref === ref));
  const onSelect = useCallback((ref: string) => {
    setChosen((before) =>
      before.includes(ref) ? before.filter((other) => other !== ref) : [...before, ref].slice(-SELECTED_MAX),
    );
  }, []);
  return (
    <>
      <Title
        about={isLive ? "Running and ended, the latest start first" : "Not live: MemoBuild does not answer"}
        actions={list !== undefined && list.builds.length > 1 && <CompareButton list={list} selected={selected} />}
      >
        Builds
      </Title>
      <BuildFilters filter={filter} names={names} onFilter={changeQuery} />
      <Problem problem={problem} onRetry={reload} />
      {list === undefined && problem === undefined && <Waiting of="the builds" />}
      {list !== undefined && list.builds.length === 0 && (
        <Empty isFiltered={Object.values(filter).some((value) => value !== "")} />
      )}
      {list !== undefined && list.builds.length > 0 && (
        <BuildsTable list={list} names={names} selected={selected} onSelect={onSelect} />
      )}
      <Problem problem={more.problem} onRetry={loadMore} />
      {list !== undefined && (
        <Box sx={{ mt: 2, textAlign: "center" }}>
          {list.builds.length >= ROWS_MAX || list.isCut ? (
            <Typography>No more than {ROWS_MAX} are shown: filter to find earlier ones.</Typography>
          ) : (
            list.cursor !== undefined && (
              <Button onClick={loadMore} disabled={more.isRunning}>
                Load more
              </Button>
            )
          )}
        </Box>
      )}
    </>
  );
}
