/** The table of builds: those of one client together. */
import { Paper, Table, TableBody, TableCell, TableHead, TableRow } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildSummary } from "../../api/openapi.js";
import { useNow } from "../../state/use-now.js";
import { byGroup, type BuildList } from "./build-list.js";
import { BuildRow } from "./build-row.js";

interface Props {
  readonly list: BuildList;
  /** Of builders, by address. */
  readonly names: ReadonlyMap<string, string>;
  readonly selected: readonly string[];
  readonly onSelect: (ref: string) => void;
}

const COLUMNS = [
  { title: "Compare", width: 72 },
  { title: "Outcome", width: 110 },
  { title: "Build", width: "18%" },
  { title: "Started, builder", width: 128 },
  { title: "Duration, saved", width: 104 },
  { title: "From cache", width: 132 },
  { title: "First miss", width: "auto" },
] as const;
export const SELECTED_MAX = 2;
/** Ages are told by the minute; only builds that run need the second. */
const MINUTE_MS = 60_000;

const GroupHead = ({ builds }: { readonly builds: readonly BuildSummary[] }): ReactNode => (
  <TableRow>
    <TableCell component="th" scope="rowgroup" colSpan={COLUMNS.length} sx={{ py: 0.5, color: "text.secondary" }}>
      {builds.length} builds of one client, such as the targets of a bake
    </TableCell>
  </TableRow>
);

export function BuildsTable({ list, names, onSelect, selected }: Props): ReactNode {
  const nowMs = useNow(list.builds.some(({ outcome }) => outcome === "running"));
  const minuteMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  return (
    <Paper variant="outlined" sx={{ overflowX: "auto" }}>
      <Table
        size="small"
        aria-label="Builds"
        sx={{ tableLayout: "fixed", "& td, & th": { px: 1, verticalAlign: "top" } }}
      >
        <TableHead>
          <TableRow>
            {COLUMNS.map(({ title, width }) => (
              <TableCell key={title} sx={{ width }}>
                {title}
              </TableCell>
            ))}
          </TableRow>
        </TableHead>
        {byGroup(list.builds).map((builds) => (
          <TableBody key={builds[0]?.ref} sx={builds.length > 1 ? { borderLeft: 4, borderColor: "primary.main" } : {}}>
            {builds.length > 1 && <GroupHead builds={builds} />}
            {builds.map((build) => (
              <BuildRow
                key={build.ref}
                build={build}
                running={list.running.get(build.ref)}
                builder={names.get(build.builder) ?? build.builder}
                nowMs={build.outcome === "running" ? nowMs : Math.max(minuteMs, build.startedAtMs)}
                isSelected={selected.includes(build.ref)}
                canSelect={selected.length < SELECTED_MAX}
                onSelect={onSelect}
              />
            ))}
          </TableBody>
        ))}
      </Table>
    </Paper>
  );
}
