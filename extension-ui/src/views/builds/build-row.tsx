/** A build in the list. */
import { Box, Checkbox, Link, TableCell, TableRow, Typography } from "@mui/material";
import { memo, type NamedExoticComponent, type ReactNode } from "react";
import type { BuildEvent, BuildSummary } from "../../api/openapi.js";
import { formatAge, formatDuration, formatTime } from "../../parts/format.js";
import { Outcome } from "../../parts/outcome.js";
import { hrefOf } from "../../state/route.js";
import { elapsedMs, hitRateText, projectText, shortRef, sourcesText, targetText } from "../build/build-words.js";

interface Props {
  readonly build: BuildSummary;
  readonly running: BuildEvent["running"] | undefined;
  readonly builder: string;
  readonly nowMs: number;
  readonly isSelected: boolean;
  readonly canSelect: boolean;
  readonly onSelect: (ref: string) => void;
}

/** What is cut has its whole text as a title. */
const Second = ({ text }: { readonly text: string }): ReactNode => (
  <Typography variant="body2" component="div" color="text.secondary" noWrap title={text} sx={{ minHeight: "1.43em" }}>
    {text}
  </Typography>
);

function stepsText({ counts: { completed, total }, outcome }: BuildSummary): string {
  return outcome === "running" ? `${completed.toString()} of ${total.toString()} steps` : `${total.toString()} steps`;
}

/** What it does now, or why it was not all cached. */
function noteOf({ error, firstMiss }: BuildSummary, running: BuildEvent["running"] | undefined): string {
  const step = running?.[0];
  if (step !== undefined) return `runs ${step.name}`;
  if (error !== "") return error;
  return firstMiss === undefined ? "" : `${firstMiss.step}: ${firstMiss.text}`;
}

export const BuildRow: NamedExoticComponent<Props> = memo(function BuildRow(props) {
  const { build, builder, canSelect, isSelected, nowMs, onSelect, running } = props;
  const note = noteOf(build, running);
  const saved = build.savedMs === 0 ? "" : `${formatDuration(build.savedMs)} saved`;
  const name = `${projectText(build)} ${shortRef(build.ref)}`;
  return (
    <TableRow hover selected={isSelected}>
      <TableCell padding="checkbox">
        <Checkbox
          size="small"
          checked={isSelected}
          disabled={!canSelect && !isSelected}
          onChange={() => {
            onSelect(build.ref);
          }}
          slotProps={{ input: { "aria-label": `Select ${name} to compare` } }}
        />
      </TableCell>
      <TableCell>
        <Outcome outcome={build.outcome} />
        <Second text={stepsText(build)} />
      </TableCell>
      <TableCell component="th" scope="row">
        <Link href={hrefOf(["builds", build.ref])} noWrap display="block" title={name}>
          {projectText(build)}
        </Link>
        <Second text={targetText(build) || shortRef(build.ref)} />
      </TableCell>
      <TableCell title={formatTime(build.startedAtMs)}>
        {formatAge(build.startedAtMs, nowMs)}
        <Second text={builder.replace(/^[a-z]+:\/\//, "")} />
      </TableCell>
      <TableCell>
        {formatDuration(elapsedMs(build, nowMs))}
        <Second text={saved} />
      </TableCell>
      <TableCell>
        {hitRateText(build) || "–"}
        <Second text={sourcesText(build)} />
      </TableCell>
      <TableCell>
        <Box
          title={note}
          sx={{
            ...{ display: "-webkit-box", WebkitLineClamp: 2, WebkitBoxOrient: "vertical", overflow: "hidden" },
            overflowWrap: "anywhere",
          }}
        >
          {note}
        </Box>
      </TableCell>
    </TableRow>
  );
});
