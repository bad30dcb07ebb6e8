/** What costs most: in a sentence, by cause, and by step. */
import { Alert, AlertTitle, Link, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Section } from "../../parts/section.js";
import type { Figures } from "../../api/openapi.js";
import { formatDuration } from "../../parts/format.js";
import { hrefOf } from "../../state/route.js";
import { causeTitle } from "./cause-title.js";

const ROWS_MAX = 6;
const CUT = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" } as const;

interface CostsProps {
  readonly cost: Figures["costsMost"];
  readonly since: string;
}

export const CostsMost = ({ cost, since }: CostsProps): ReactNode =>
  cost === undefined ? (
    <Alert severity="success" role="note">
      Nothing ran in these builds that need not have.
    </Alert>
  ) : (
    <Alert severity="info" role="note">
      <AlertTitle sx={{ fontWeight: 600 }}>What costs most: {cost.text}</AlertTitle>
      {cost.hint} <Link href={hrefOf(["builds"], { since })}>See the builds</Link>
    </Alert>
  );

export const CausesTable = ({ causes }: { readonly causes: Figures["causes"] }): ReactNode => (
  <Section title="Why steps ran">
    {causes.length === 0 && <Typography color="text.secondary">No step ran that could have been cached.</Typography>}
    {causes.length > 0 && (
      <Table size="small" aria-label="Why steps ran">
        <TableHead>
          <TableRow>
            <TableCell>Cause</TableCell>
            <TableCell align="right">Times</TableCell>
            <TableCell align="right">Steps</TableCell>
            <TableCell align="right">Work</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {causes.slice(0, ROWS_MAX).map(({ count, durationMs, kind, steps }) => (
            <TableRow key={kind}>
              <TableCell component="th" scope="row">
                {causeTitle(kind)}
              </TableCell>
              <TableCell align="right">{count.toLocaleString("en")}</TableCell>
              <TableCell align="right">{steps.toLocaleString("en")}</TableCell>
              <TableCell align="right">{formatDuration(durationMs)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    )}
  </Section>
);

export const SlowestTable = ({ steps }: { readonly steps: Figures["slowestSteps"] }): ReactNode => (
  <Section title="Slowest steps">
    {steps.length === 0 && <Typography color="text.secondary">No step ran.</Typography>}
    {steps.length > 0 && (
      <Table size="small" aria-label="Slowest steps" sx={{ tableLayout: "fixed" }}>
        <TableHead>
          <TableRow>
            <TableCell>Step</TableCell>
            <TableCell sx={{ width: "24%" }}>Project</TableCell>
            <TableCell align="right" sx={{ width: "18%" }}>
              Took
            </TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {steps.slice(0, ROWS_MAX).map(({ durationMs, name, project, ref }, index) => (
            <TableRow key={`${ref} ${index.toString()}`}>
              <TableCell component="th" scope="row" sx={CUT}>
                <Link href={hrefOf(["builds", ref])} title={name}>
                  {name}
                </Link>
              </TableCell>
              <TableCell sx={CUT} title={project}>
                {project}
              </TableCell>
              <TableCell align="right">{formatDuration(durationMs)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    )}
  </Section>
);
