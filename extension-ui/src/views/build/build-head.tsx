/** The head of a build: how it went, what it was, and what can be done with it. */
import { Alert, Box, Button, Link, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildEvent, BuildRecord, BuildSummary } from "../../api/openapi.js";
import { formatCount, formatDuration, formatTime } from "../../parts/format.js";
import { Outcome } from "../../parts/outcome.js";
import { Title } from "../../parts/title.js";
import { hrefOf } from "../../state/route.js";
import { useNow } from "../../state/use-now.js";
import { elapsedMs, hitRateText, projectText, shortRef, sourcesText, targetText } from "./build-words.js";
import { RemoveBuild } from "./remove-build.js";

interface Props {
  readonly record: BuildRecord;
  readonly latest: BuildEvent | undefined;
}

const HIT_NONE = "–";

function hitText(build: BuildSummary): string {
  const sources = sourcesText(build);
  return `${hitRateText(build) || HIT_NONE}${sources === "" ? "" : ` (${sources})`}`;
}

function Facts({ build, nowMs }: { readonly build: BuildSummary; readonly nowMs: number }): ReactNode {
  const { completed, total } = build.counts;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Outcome", <Outcome key="outcome" outcome={build.outcome} />],
    ["Duration", formatDuration(elapsedMs(build, nowMs))],
    ["Started", formatTime(build.startedAtMs)],
    ["Steps", `${completed.toString()} of ${total.toString()}`],
    ["From cache", hitText(build)],
    ["Time saved", formatDuration(build.savedMs)],
    ["Builder", build.builder],
    ...(build.revision === "" ? [] : [["Revision", build.revision.slice(0, 12)] as const]),
  ];
  return (
    <Box component="dl" sx={{ display: "flex", flexWrap: "wrap", columnGap: 4, rowGap: 1, m: 0, mb: 1.5 }}>
      {facts.map(([title, value]) => (
        <Box key={title} sx={{ minWidth: 0 }}>
          <Typography component="dt" variant="body2" color="text.secondary">
            {title}
          </Typography>
          <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere", fontVariantNumeric: "tabular-nums" }}>
            {value}
          </Box>
        </Box>
      ))}
    </Box>
  );
}

function Running({ latest }: { readonly latest: BuildEvent }): ReactNode {
  const [first, ...others] = latest.running;
  if (first === undefined) return null;
  const more = others.length === 0 ? "" : ` and ${formatCount(others.length, "other step")}`;
  return (
    <Typography noWrap title={latest.running.map(({ name }) => name).join("\n")} sx={{ mb: 1 }}>
      Runs: {first.name}
      {more}
    </Typography>
  );
}

export function BuildHead({ latest, record }: Props): ReactNode {
  const build = latest?.build ?? record;
  const isRunning = build.outcome === "running";
  const nowMs = useNow(isRunning);
  const target = targetText(build);
  return (
    <>
      <Title
        about={
          <>
            {target !== "" && `${target} · `}
            {build.dockerfile !== "" && `${build.dockerfile} · `}
            <span title={build.ref}>build {shortRef(build.ref)}</span>
          </>
        }
        actions={
          <Box sx={{ display: "flex", gap: 1 }}>
            {record.baseline !== "" && (
              <Button href={hrefOf(["compare", record.baseline, build.ref])}>Compare with the one before</Button>
            )}
            {!isRunning && <RemoveBuild buildRef={build.ref} />}
          </Box>
        }
      >
        {projectText(build)}
      </Title>
      <Facts build={build} nowMs={nowMs} />
      {isRunning && latest !== undefined && <Running latest={latest} />}
      {build.error !== "" && (
        <Alert severity="error" sx={{ mb: 1.5, overflowWrap: "anywhere" }}>
          {build.error}{" "}
          <Link color="inherit" href={hrefOf(["builds", build.ref, "logs"])}>
            Read the logs
          </Link>
        </Alert>
      )}
    </>
  );
}
