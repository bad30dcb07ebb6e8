/** What lines show, in figures; and which line is whose. */
import {
  Box,
  Table,
  TableBody,
  TableCell,
  TableContainer,
  TableHead,
  TableRow,
  Typography,
  useTheme,
} from "@mui/material";
import type { ReactNode } from "react";
import { lineStyle } from "./line-styles.js";
import { extentOf, type Line } from "./usage-lines.js";

export interface LineGroup {
  readonly title: string;
  /** The same names in each group, in the same order. */
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** Which end tells more beside what is now: of free space, it is the lowest. */
  readonly end: "highest" | "lowest";
}

const SWATCH = { width: 32, height: 8 } as const;

/** As the line looks in the chart. */
export function Swatch({ index }: { readonly index: number }): ReactNode {
  const { color, dashes } = lineStyle(useTheme(), index);
  const [width, y] = [SWATCH.width, SWATCH.height / 2];
  return (
    <Box component="svg" aria-hidden sx={{ ...SWATCH, flex: "none", mr: 1 }}>
      <line x1={0} x2={width} y1={y} y2={y} stroke={color} strokeWidth={2} strokeDasharray={dashes} />
    </Box>
  );
}

function Figures({ group, line }: { readonly group: LineGroup; readonly line: Line | undefined }): ReactNode {
  const { format, end } = group;
  const extent = line === undefined ? undefined : extentOf(line);
  const [now, most] = [extent?.now, extent?.[end]];
  if (most === undefined) return "not known";
  return (
    <>
      {now === undefined ? "not known now" : format(now)}
      <Typography variant="body2" color="text.secondary">
        {end} {format(most)}
      </Typography>
    </>
  );
}

export function LineTable({
  label,
  groups,
}: {
  readonly label: string;
  readonly groups: readonly LineGroup[];
}): ReactNode {
  const names = groups[0]?.lines.map(({ name }) => name) ?? [];
  return (
    <TableContainer>
      <Table size="small" aria-label={label}>
        <TableHead>
          <TableRow>
            <TableCell>Line</TableCell>
            {groups.map(({ title }) => (
              <TableCell key={title}>{title}</TableCell>
            ))}
          </TableRow>
        </TableHead>
        <TableBody>
          {names.map((name, index) => (
            <TableRow key={name}>
              <TableCell component="th" scope="row">
                <Box sx={{ display: "flex", alignItems: "center", overflowWrap: "anywhere" }}>
                  <Swatch index={index} />
                  {name}
                </Box>
              </TableCell>
              {groups.map((group) => (
                <TableCell key={group.title}>
                  <Figures group={group} line={group.lines[index]} />
                </TableCell>
              ))}
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  );
}
