/** One build: its head, and a tab for each way to look at it. */
import { Box, Link, Tab, Tabs } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildRecord } from "../../api/openapi.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Title } from "../../parts/title.js";
import { hrefOf } from "../../state/route.js";
import { BuildHead } from "./build-head.js";
import { DetailsTab } from "./details-tab.js";
import { GraphTab } from "./graph-tab.js";
import { LogsTab } from "./logs-tab.js";
import { TimelineTab } from "./timeline-tab.js";
import { type LiveBuild, useLiveBuild } from "./use-live-build.js";
import { WhyTab } from "./why-tab.js";

const TABS = [
  { name: "graph", title: "Graph" },
  { name: "timeline", title: "Timeline" },
  { name: "logs", title: "Logs" },
  { name: "why", title: "Why" },
  { name: "details", title: "Details" },
] as const;
type TabName = (typeof TABS)[number]["name"];

const cutLogs = (record: BuildRecord | undefined): ReadonlySet<string> =>
  new Set(record?.steps.filter(({ isLogCut }) => isLogCut).map(({ digest }) => digest));

function TabContent({
  live: { graph, latest, record },
  tab,
}: {
  readonly live: LiveBuild;
  readonly tab: TabName;
}): ReactNode {
  const ofRecord = (
    <LoadedView loaded={record} of="the build">
      {(build) =>
        tab === "why" ? (
          <WhyTab build={latest?.build ?? build} />
        ) : (
          <DetailsTab build={build} latest={latest?.build ?? build} />
        )
      }
    </LoadedView>
  );
  if (tab === "why" || tab === "details") return ofRecord;
  return (
    <LoadedView loaded={graph} of="the steps">
      {(steps) => {
        switch (tab) {
          case "graph":
            return <GraphTab graph={steps} />;
          case "timeline":
            return <TimelineTab graph={steps} />;
          case "logs":
            return <LogsTab graph={steps} cut={cutLogs(record.answer)} />;
        }
      }}
    </LoadedView>
  );
}

export function Build({ name, tab }: { readonly name: string; readonly tab: string }): ReactNode {
  const live = useLiveBuild(name);
  const { record } = live;
  const current = TABS.find((one) => one.name === tab)?.name ?? "graph";
  if (record.answer === undefined && record.problem !== undefined) {
    return (
      <>
        <Title about={<Link href={hrefOf(["builds"])}>All builds</Link>}>{`Build ${name}`}</Title>
        <LoadedView loaded={record} of="the build">
          {() => null}
        </LoadedView>
      </>
    );
  }
  return (
    <>
      {record.answer === undefined ? (
        <Title>{`Build ${name}`}</Title>
      ) : (
        <BuildHead record={record.answer} latest={live.latest} />
      )}
      <Tabs
        value={current}
        aria-label="Ways to look at the build"
        sx={{ borderBottom: 1, borderColor: "divider", mb: 2 }}
      >
        {TABS.map((one) => (
          <Tab
            key={one.name}
            value={one.name}
            label={one.title}
            component="a"
            href={hrefOf(["builds", name, one.name])}
            id={`tab-${one.name}`}
            aria-controls="tab-panel"
          />
        ))}
      </Tabs>
      <Box role="tabpanel" id="tab-panel" aria-labelledby={`tab-${current}`}>
        <TabContent live={live} tab={current} />
      </Box>
    </>
  );
}
