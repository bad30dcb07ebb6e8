/** What a build was made of and what came of it: inputs, outputs, the shared cache, warnings. */
import { Box, Link, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildRecord, BuildSummary } from "../../api/openapi.js";
import { formatBytes, formatCount, formatDuration, formatTime } from "../../parts/format.js";
import { Section } from "../../parts/section.js";
import { hrefOf } from "../../state/route.js";
import { exportText, importText, noCacheText, shortRef, sourcesText } from "./build-words.js";
import { Facts } from "./facts.js";

const NONE = "none";

const list = (texts: readonly string[]): string => (texts.length === 0 ? NONE : texts.join(", "));

/** Base images, as their steps show them: what the Dockerfile says, and what it was then. */
const imagesOf = ({ steps }: BuildRecord): readonly string[] => [
  ...new Set(
    steps.flatMap(({ kind, shown }) => {
      const image = shown["image"];
      const digest = shown["digest"];
      if (kind !== "image" || image === undefined) return [];
      return [digest === undefined || image.includes(digest) ? image : `${image} (${digest})`];
    }),
  ),
];

function Transfers({ transfers }: Pick<BuildRecord, "transfers">): ReactNode {
  if (transfers.length === 0) return <Typography>The client sent no files.</Typography>;
  return (
    <Table size="small" aria-label="Sent by the client" sx={{ mt: 1 }}>
      <TableHead>
        <TableRow>
          <TableCell>Sent by the client</TableCell>
          <TableCell align="right">Files</TableCell>
          <TableCell align="right">Asked for</TableCell>
          <TableCell align="right">Sent</TableCell>
        </TableRow>
      </TableHead>
      <TableBody>
        {transfers.map(({ fileCount, isComplete, name, requestedFiles, sentBytes }, index) => (
          <TableRow key={index}>
            <TableCell sx={{ overflowWrap: "anywhere" }}>{name}</TableCell>
            <TableCell align="right">
              {fileCount.toLocaleString("en")}
              {!isComplete && " or more"}
            </TableCell>
            <TableCell align="right">{requestedFiles.toLocaleString("en")}</TableCell>
            <TableCell align="right">{formatBytes(sentBytes)}</TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

const BuildLinks = ({ refs }: { readonly refs: readonly string[] }): ReactNode =>
  refs.map((ref, index) => (
    <span key={ref}>
      {index > 0 && ", "}
      <Link href={hrefOf(["builds", ref])}>{shortRef(ref)}</Link>
    </span>
  ));

function Warnings({ steps }: Pick<BuildRecord, "steps">): ReactNode {
  const found = steps.flatMap(({ name, warnings }, step) => warnings.map((text) => ({ name, step, text })));
  if (found.length === 0) return null;
  return (
    <Section title="Warnings">
      <Box component="ul" sx={{ m: 0, pl: 2.5, overflowWrap: "anywhere" }}>
        {found.map(({ name, step, text }, index) => (
          <li key={index}>
            <strong>{name}</strong> (step {step + 1}): {text}
          </li>
        ))}
      </Box>
    </Section>
  );
}

interface Props {
  /** As it was when it was read last. */
  readonly build: BuildRecord;
  /** What was told of it since. */
  readonly latest: BuildSummary;
}

export function DetailsTab({ build, latest }: Props): ReactNode {
  const { cacheable, cached, completed, ran, total, user, warnings } = latest.counts;
  const sources = sourcesText(latest);
  return (
    <>
      <Section title="Inputs">
        <Facts
          facts={[
            ["Dockerfile", build.dockerfile],
            ["Target", build.target],
            ["Platform", build.platform],
            ["Revision", build.revision],
            ["Build arguments", list(build.argumentNames)],
            ["Base images", list(imagesOf(build))],
            ["Without cache", noCacheText(build) || NONE],
          ]}
        />
        <Transfers transfers={build.transfers} />
      </Section>
      <Section title="Steps and outputs">
        <Facts
          facts={[
            ["Outputs", list(build.outputs)],
            ["Steps", `${completed.toString()} of ${total.toString()} done; ${user.toString()} are not internal`],
            [
              "From cache",
              `${cached.toString()} of ${formatCount(cacheable, "step")}${sources === "" ? "" : ` (${sources})`}`,
            ],
            ["Ran", formatCount(ran, "step")],
            ["Warnings", warnings.toString()],
            ["Time saved", formatDuration(latest.savedMs)],
            ["Wait added by MemoBuild", formatDuration(latest.addedMs)],
          ]}
        />
      </Section>
      <Section title="Shared cache">
        <Facts
          facts={[
            ["Import", importText(latest)],
            ["Made of", latest.import.from.length === 0 ? "" : <BuildLinks key="from" refs={latest.import.from} />],
            ["Export", exportText(latest)],
          ]}
        />
      </Section>
      <Section title="Record">
        <Facts
          facts={[
            ["Build", build.ref],
            [
              "Group",
              build.group === "" ? (
                ""
              ) : (
                <Link key="group" href={hrefOf(["builds"], { group: build.group })}>
                  {build.group}
                </Link>
              ),
            ],
            ["Builder", build.builder],
            ["Started", formatTime(latest.startedAtMs)],
            ["Ended", latest.endedAtMs === undefined ? "" : formatTime(latest.endedAtMs)],
            ["Compared with", build.baseline === "" ? "" : <BuildLinks key="baseline" refs={[build.baseline]} />],
            ["Cut", build.isCut ? "there were more steps than are kept" : ""],
          ]}
        />
      </Section>
      <Warnings steps={build.steps} />
    </>
  );
}
