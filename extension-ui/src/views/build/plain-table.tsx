/** A table of many rows, without a component for each cell. */
import { Box } from "@mui/material";
import type { ReactNode } from "react";

interface Props {
  readonly label: string;
  readonly head: readonly string[];
  /** Of the columns, as in CSS. */
  readonly widths: readonly string[];
  readonly children: ReactNode;
}

export const PlainTable = ({ label, head, widths, children }: Props): ReactNode => (
  <Box
    component="table"
    aria-label={label}
    sx={{
      ...{ width: "100%", borderCollapse: "collapse", tableLayout: "fixed", fontSize: "0.8125rem" },
      "& th, & td": {
        ...{ textAlign: "left", verticalAlign: "top", p: 0.75, borderBottom: 1, borderColor: "divider" },
        ...{ overflowWrap: "anywhere", fontWeight: "inherit" },
      },
      "& thead th": { fontWeight: 600, color: "text.secondary" },
      "& tbody tr:hover": { bgcolor: "action.hover" },
    }}
  >
    <colgroup>
      {widths.map((width, index) => (
        <col key={index} style={{ width }} />
      ))}
    </colgroup>
    <thead>
      <tr>
        {head.map((title) => (
          <th key={title} scope="col">
            {title}
          </th>
        ))}
      </tr>
    </thead>
    {children}
  </Box>
);
