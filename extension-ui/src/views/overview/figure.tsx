/** A chart with its caption, and the same figures as a table for those who cannot see it. */
import { Box, Paper, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { Series } from "./trend-series.js";

interface Props {
  readonly title: string;
  /** One or two sentences that say what the chart shows. */
  readonly text: string;
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** As wide as the row. */
  readonly isWide?: boolean;
  /** The chart itself. */
  readonly children: ReactNode;
}

const TABLE_MAX_PX = 260;

const textOf = (value: number | null, format: Props["format"]): string => (value === null ? "–" : format(value));

const FigureTable = ({ format, labels, series, title }: Omit<Props, "text" | "isWide" | "children">): ReactNode => (
  <Box sx={{ maxHeight: TABLE_MAX_PX, overflow: "auto" }} tabIndex={0} role="region" aria-label={`${title}, table`}>
    <Table size="small" stickyHeader aria-label={title}>
      <TableHead>
        <TableRow>
          <TableCell>From</TableCell>
          {series.map((each) => (
            <TableCell key={each.title} align="right">
              {each.title}
            </TableCell>
          ))}
        </TableRow>
      </TableHead>
      <TableBody>
        {labels.map((label, index) => (
          <TableRow key={index}>
            <TableCell component="th" scope="row">
              {label}
            </TableCell>
            {series.map(({ title: name, values }) => (
              <TableCell key={name} align="right">
                {textOf(values[index] ?? null, format)}
              </TableCell>
            ))}
          </TableRow>
        ))}
      </TableBody>
    </Table>
  </Box>
);

export const Figure = ({ children, isWide = false, text, title, ...table }: Props): ReactNode => (
  <Paper variant="outlined" component="section" sx={{ p: 2, minWidth: 0, ...(isWide && { gridColumn: "1 / -1" }) }}>
    <Typography variant="h2">{title}</Typography>
    <Typography variant="body2" color="text.secondary">
      {text}
    </Typography>
    <Box role="img" aria-label={`${title}. ${text}`} sx={{ my: 1 }}>
      {children}
    </Box>
    <Box component="details">
      <Typography component="summary" variant="body2" sx={{ cursor: "pointer", width: "fit-content" }}>
        As a table
      </Typography>
      <FigureTable title={title} {...table} />
    </Box>
  </Paper>
);
