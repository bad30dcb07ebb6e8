/** Two builds, step by step. */
import { Box, Button, FormControlLabel, Link, Switch, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildSummary, Comparison } from "../../api/openapi.js";
import { formatDuration, formatTime } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Outcome } from "../../parts/outcome.js";
import { Section } from "../../parts/section.js";
import { Title } from "../../parts/title.js";
import { hrefOf, useQuery } from "../../state/route.js";
import { useAnswer } from "../../state/use-answer.js";
import { elapsedMs, hitRateText, projectText, shortRef, targetText } from "./build-words.js";
import {
  changeText,
  comparedText,
  type ComparedRow,
  differences,
  differentFirst,
  isDifferent,
} from "./compare-rows.js";
import { Facts } from "./facts.js";
import { PlainTable } from "./plain-table.js";
import { StepResultText } from "./step-result.js";

const HEAD = ["Step", "Before", "After", "Time", "Changed"] as const;
const WIDTHS = ["34%", "8.5em", "8.5em", "8em", "auto"] as const;

const Side = ({ build, title }: { readonly build: BuildSummary; readonly title: string }): ReactNode => (
  <Box sx={{ flex: 1, minWidth: 300 }}>
    <Section title={title}>
      <Facts
        facts={[
          [
            "Build",
            <Link key="ref" href={hrefOf(["builds", build.ref])}>
              {shortRef(build.ref)}
            </Link>,
          ],
          ["Project", [projectText(build), targetText(build)].filter((part) => part !== "").join(" ")],
          ["Outcome", <Outcome key="outcome" outcome={build.outcome} />],
          ["Started", formatTime(build.startedAtMs)],
          ["Duration", build.endedAtMs === undefined ? "" : formatDuration(elapsedMs(build, build.endedAtMs))],
          ["From cache", hitRateText(build)],
          ["Builder", build.builder],
        ]}
      />
    </Section>
  </Box>
);

const Compared = ({ step }: { readonly step: ComparedRow["before"] }): ReactNode =>
  step === undefined ? comparedText(step) : <StepResultText step={step} />;

function Steps({ steps }: Pick<Comparison, "steps">): ReactNode {
  const [query, changeQuery] = useQuery();
  const isAll = query.get("all") === "1";
  const rows = isAll ? differentFirst(steps) : steps.filter(isDifferent);
  return (
    <Section
      title="Steps"
      actions={
        <FormControlLabel
          label={`All ${steps.length.toString()} steps`}
          control={
            <Switch
              size="small"
              checked={isAll}
              onChange={(_, isOn) => {
                changeQuery({ all: isOn ? "1" : undefined });
              }}
            />
          }
        />
      }
    >
      {rows.length === 0 ? (
        <Typography>No step differs.</Typography>
      ) : (
        <PlainTable label="Steps of both builds" head={HEAD} widths={WIDTHS}>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                <th scope="row">{row.name}</th>
                <td>
                  <Compared step={row.before} />
                </td>
                <td>
                  <Compared step={row.after} />
                </td>
                <td>{changeText(row)}</td>
                <td>{row.changes.join("; ")}</td>
              </tr>
            ))}
          </tbody>
        </PlainTable>
      )}
    </Section>
  );
}

export function Compare({ after, before }: { readonly before: string; readonly after: string }): ReactNode {
  const loaded = useAnswer("compareBuilds", { before, after });
  return (
    <>
      <Title
        about={`${shortRef(before)} and ${shortRef(after)}`}
        actions={<Button href={hrefOf(["compare", after, before])}>Swap</Button>}
      >
        Compare builds
      </Title>
      <LoadedView loaded={loaded} of="the comparison">
        {(comparison) => (
          <>
            <Box sx={{ display: "flex", columnGap: 2, flexWrap: "wrap" }}>
              <Side title="Before" build={comparison.before} />
              <Side title="After" build={comparison.after} />
            </Box>
            <Section title="What differs">
              <Box component="ul" sx={{ m: 0, pl: 2.5, overflowWrap: "anywhere" }}>
                {differences(comparison).map((sentence) => (
                  <li key={sentence}>{sentence}</li>
                ))}
              </Box>
            </Section>
            <Steps steps={comparison.steps} />
          </>
        )}
      </LoadedView>
    </>
  );
}
