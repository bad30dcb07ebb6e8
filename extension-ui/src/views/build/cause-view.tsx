/** Why a step ran: the sentence, what changed, what to do about it, and what else ran because of it. */
import { Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { StepCause } from "../../api/openapi.js";
import { formatCount, formatDuration } from "../../parts/format.js";
import { Facts } from "./facts.js";

/** The record has no more than a few hundred; the rest is counted. */
const FILES_SHOWN = 50;

function ChangedFiles({ cause: { files = [], fileCount = files.length } }: { readonly cause: StepCause }): ReactNode {
  if (files.length === 0) return null;
  const shown = files.slice(0, FILES_SHOWN);
  return (
    <>
      <Table size="small" sx={{ my: 1, tableLayout: "fixed", maxWidth: 900 }} aria-label="Changed files">
        <TableHead>
          <TableRow>
            <TableCell>File</TableCell>
            <TableCell sx={{ width: "45%" }}>Change</TableCell>
          </TableRow>
        </TableHead>
        <TableBody sx={{ "& td": { overflowWrap: "anywhere" } }}>
          {shown.map(({ after, before, change, path }) => (
            <TableRow key={path}>
              <TableCell sx={{ fontFamily: "monospace" }}>{path}</TableCell>
              <TableCell>
                {change}
                {(before !== "" || after !== "") && `: ${before} → ${after}`}
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
      {fileCount > shown.length && (
        <Typography color="text.secondary">and {formatCount(fileCount - shown.length, "more file")}</Typography>
      )}
    </>
  );
}

/** What an instruction, an image or a platform was and is. */
function BeforeAfter({ cause: { before, after } }: { readonly cause: StepCause }): ReactNode {
  if (before === undefined || after === undefined) return null;
  return (
    <Facts
      facts={[
        ["Before", <code key="before">{before}</code>],
        ["Now", <code key="after">{after}</code>],
      ]}
    />
  );
}

export function CauseView({ cause }: { readonly cause: StepCause }): ReactNode {
  const { cascade, hint, names = [], text } = cause;
  return (
    <>
      <Typography sx={{ overflowWrap: "anywhere" }}>{text}</Typography>
      {names.length > 0 && (
        <Typography color="text.secondary" sx={{ overflowWrap: "anywhere" }}>
          {names.join(", ")}
        </Typography>
      )}
      <BeforeAfter cause={cause} />
      <ChangedFiles cause={cause} />
      {cascade !== undefined && cascade.steps > 0 && (
        <Typography>
          Because of it ran {formatCount(cascade.steps, "more step")}, {formatDuration(cascade.durationMs)} in all.
        </Typography>
      )}
      {hint !== "" && (
        <Typography sx={{ mt: 1 }}>
          <strong>Hint:</strong> {hint}
        </Typography>
      )}
    </>
  );
}
