/** What goes on right now: running builds, builders, the cache. */
import { Box, Chip, Link, List, ListItem, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Meter } from "../../parts/meter.js";
import { Section } from "../../parts/section.js";
import { formatBytes, formatCount, formatDuration, formatShare } from "../../parts/format.js";
import { hrefOf } from "../../state/route.js";
import type { Gauges } from "./metric-values.js";
import type { RunningBuild } from "./running-builds.js";

const SHOWN_MAX = 5;
/** Of two builds: most do not move what is below. */
const LIST_MIN_PX = 104;

function RunningItem({ item, nowMs }: { readonly item: RunningBuild; readonly nowMs: number }): ReactNode {
  const { build, steps } = item;
  const [step] = steps ?? [];
  const { completed, total } = build.counts;
  return (
    <ListItem disableGutters disablePadding sx={{ display: "block", mb: 1 }}>
      <Box sx={{ display: "flex", gap: 1, justifyContent: "space-between" }}>
        <Link href={hrefOf(["builds", build.ref])} noWrap title={build.ref}>
          {build.project || build.ref}
          {build.target !== "" && ` (${build.target})`}
        </Link>
        <Typography variant="body2" color="text.secondary" sx={{ whiteSpace: "nowrap" }}>
          {completed} of {formatCount(total, "step")}, {formatDuration(Math.max(0, nowMs - build.startedAtMs))}
        </Typography>
      </Box>
      <Typography variant="body2" color="text.secondary" noWrap title={step ?? ""}>
        {step ?? (total === 0 ? "begins" : "between steps")}
      </Typography>
    </ListItem>
  );
}

interface RunningProps {
  readonly builds: readonly RunningBuild[];
  readonly gauges: Gauges | undefined;
  readonly nowMs: number;
}

export function RunningPanel({ builds, gauges, nowMs }: RunningProps): ReactNode {
  const running = gauges?.running ?? builds.length;
  const waiting = gauges?.waiting ?? 0;
  return (
    <Section title="Running builds">
      <Typography>
        <Link href={hrefOf(["builds"], { outcome: "running" })}>{running.toLocaleString("en")} running</Link>,{" "}
        {waiting === 0 ? "none waiting" : <Link href={hrefOf(["builders"])}>{waiting} waiting for a builder</Link>}
      </Typography>
      <List dense disablePadding sx={{ mt: 1, minHeight: LIST_MIN_PX }}>
        {builds.slice(0, SHOWN_MAX).map((item) => (
          <RunningItem key={item.build.ref} {...{ item, nowMs }} />
        ))}
      </List>
    </Section>
  );
}

const BAD_STATES = ["down", "refused"];

export const BuildersPanel = ({ gauges }: { readonly gauges: Gauges }): ReactNode => (
  <Section title="Builders">
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", mb: 1 }}>
      {gauges.builders.length === 0 && <Typography>There is no builder: builds wait for one.</Typography>}
      {gauges.builders.map(([state, count]) => (
        <Chip
          key={state}
          variant="outlined"
          color={BAD_STATES.includes(state) ? "error" : state === "up" ? "success" : "default"}
          label={`${count.toLocaleString("en")} ${state}`}
        />
      ))}
    </Box>
    <Link href={hrefOf(["builders"])}>See builders and queue</Link>
  </Section>
);

export function CachePanel({ gauges }: { readonly gauges: Gauges }): ReactNode {
  const { cache, exporting } = gauges;
  if (cache === undefined) {
    return (
      <Section title="Shared cache">
        <Typography gutterBottom>The shared cache is off: builds use that of their builder alone.</Typography>
        <Link href={hrefOf(["settings"], { search: "cache" })}>See its settings</Link>
      </Section>
    );
  }
  const share = cache.maxBytes === 0 ? 1 : cache.usedBytes / cache.maxBytes;
  return (
    <Section title="Shared cache">
      <Meter
        label="Cache fill"
        text={`${formatBytes(cache.usedBytes)} of ${formatBytes(cache.maxBytes)} used (${formatShare(share)})`}
        share={share}
      />
      <Typography variant="body2" color="text.secondary" gutterBottom>
        {exporting === 0 ? "Nothing is being added." : `${formatCount(exporting, "export")} under way.`}
      </Typography>
      <Link href={hrefOf(["cache"])}>See what is in it</Link>
    </Section>
  );
}
