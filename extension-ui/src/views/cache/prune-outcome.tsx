/** What a prune would remove, or has removed. */
import { Alert, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { PruneResult } from "../../api/openapi.js";
import { Ago } from "../../parts/ago.js";
import { formatBytes, formatCount } from "../../parts/format.js";
import { amountOf, platformOf, targetOf } from "./export-text.js";

/** A prune may take thousands. */
const ROWS_MAX = 100;

interface Props {
  readonly result: PruneResult;
  readonly isPreview: boolean;
}

export const isNothing = ({ blobs, exports }: PruneResult): boolean => blobs === 0 && exports.length === 0;

function textOf({ isPreview, result }: Props): string {
  if (isNothing(result)) return isPreview ? "Nothing would go." : "Nothing matched any more; nothing was removed.";
  return `${isPreview ? "This would go" : "Removed"}: ${amountOf(result)}.`;
}

export function PruneOutcome({ isPreview, result }: Props): ReactNode {
  return (
    <>
      <Alert severity={isPreview ? "info" : "success"} role="status">
        {textOf({ isPreview, result })}
      </Alert>
      {result.exports.length > 0 && (
        <TableContainer sx={{ maxHeight: 260 }} tabIndex={0} role="region" aria-label="Exports of the prune">
          <Table size="small" stickyHeader aria-label={isPreview ? "Exports that would go" : "Exports that went"}>
            <TableHead>
              <TableRow>
                <TableCell>Project</TableCell>
                <TableCell>Target and platform</TableCell>
                <TableCell>Last used</TableCell>
                <TableCell align="right">Size</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {result.exports.slice(0, ROWS_MAX).map((summary) => (
                <TableRow key={summary.id}>
                  <TableCell sx={{ overflowWrap: "anywhere" }}>{summary.project}</TableCell>
                  <TableCell sx={{ overflowWrap: "anywhere" }}>
                    {targetOf(summary)}, {platformOf(summary)}
                  </TableCell>
                  <TableCell>
                    <Ago atMs={summary.lastUsedAtMs} />
                  </TableCell>
                  <TableCell align="right">{formatBytes(summary.sizeBytes)}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableContainer>
      )}
      {result.exports.length > ROWS_MAX && (
        <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>
          And {formatCount(result.exports.length - ROWS_MAX, "more export")}.
        </Typography>
      )}
    </>
  );
}
