/** The exports of one project. */
import BackIcon from "@mui/icons-material/ArrowBack";
import { Button, Chip, Link, Table, TableBody, TableCell, TableContainer, TableHead } from "@mui/material";
import { TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { ExportSummary } from "../../api/openapi.js";
import { Ago } from "../../parts/ago.js";
import { formatBytes, formatCount } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Problem } from "../../parts/problem.js";
import { Section } from "../../parts/section.js";
import { type Action, useAction, useAnswer } from "../../state/use-answer.js";
import { hrefOf } from "../../state/route.js";
import { platformOf, targetOf } from "./export-text.js";
import { PinButton } from "./pin-button.js";

const REFRESH_MS = 5000;
const EXPORTS_MAX = 500;

interface RowProps {
  readonly summary: ExportSummary;
  readonly action: Action;
  readonly onChanged: () => void;
}

function Row({ summary, action, onChanged }: RowProps): ReactNode {
  const { createdAtMs, hits, id, isPinned, lastUsedAtMs, ref, sizeBytes } = summary;
  return (
    <TableRow>
      <TableCell component="th" scope="row" sx={{ overflowWrap: "anywhere" }}>
        {targetOf(summary)} {isPinned && <Chip size="small" label="Pinned" />}
        <Typography variant="body2" color="text.secondary">
          {platformOf(summary)} · export {id}
        </Typography>
      </TableCell>
      <TableCell>
        <Ago atMs={createdAtMs} />
      </TableCell>
      <TableCell>
        <Ago atMs={lastUsedAtMs} />
      </TableCell>
      <TableCell align="right">{hits.toLocaleString("en")}</TableCell>
      <TableCell align="right">{formatBytes(sizeBytes)}</TableCell>
      <TableCell sx={{ maxWidth: 140 }}>
        <Link noWrap display="block" href={hrefOf(["builds", ref])} title={ref}>
          {ref}
        </Link>
      </TableCell>
      <TableCell align="right">
        <PinButton summary={summary} action={action} onChanged={onChanged} />
      </TableCell>
    </TableRow>
  );
}

const COLUMNS = ["Target and platform", "Created", "Last used", "Hits", "Size", "Build", "Keep"] as const;
const RIGHT: readonly string[] = ["Hits", "Size", "Keep"];

function List({ exports, onChanged }: { readonly exports: readonly ExportSummary[]; readonly onChanged: () => void }) {
  const action = useAction();
  return (
    <>
      <Problem problem={action.problem} onClose={action.dismiss} />
      <TableContainer>
        <Table size="small" aria-label="Exports">
          <TableHead>
            <TableRow>
              {COLUMNS.map((column) => (
                <TableCell key={column} align={RIGHT.includes(column) ? "right" : "left"}>
                  {column}
                </TableCell>
              ))}
            </TableRow>
          </TableHead>
          <TableBody>
            {exports.map((summary) => (
              <Row key={summary.id} summary={summary} action={action} onChanged={onChanged} />
            ))}
          </TableBody>
        </Table>
      </TableContainer>
    </>
  );
}

interface Props {
  readonly project: string;
  readonly onChanged: () => void;
}

export function Exports({ project, onChanged }: Props): ReactNode {
  const loaded = useAnswer("listExports", { project, limit: EXPORTS_MAX }, REFRESH_MS);
  const changed = (): void => {
    loaded.reload();
    onChanged();
  };
  return (
    <Section
      title={`Exports of ${project}`}
      about="Pinned exports are never removed: not by retention, and not by a prune."
      actions={
        <Button href={hrefOf(["cache"])} startIcon={<BackIcon />}>
          All projects
        </Button>
      }
    >
      <LoadedView loaded={loaded} of="the exports">
        {({ exports }) => {
          // The API finds projects that contain the text.
          const own = exports.filter((summary) => summary.project === project);
          const isCut = exports.length === EXPORTS_MAX;
          return (
            <>
              {own.length === 0 && <Typography>The cache holds nothing of {project} now.</Typography>}
              {own.length > 0 && <List exports={own} onChanged={changed} />}
              {isCut && (
                <Typography color="text.secondary" sx={{ mt: 1 }}>
                  Of {formatCount(EXPORTS_MAX, "export")} that were used last.
                </Typography>
              )}
            </>
          );
        }}
      </LoadedView>
    </Section>
  );
}
