/** One figure, large, with what it is and a line about it. */
import { Box, Paper, Typography } from "@mui/material";
import { type ReactNode, useId } from "react";

interface Props {
  readonly title: string;
  readonly value: string;
  readonly about: ReactNode;
  /** Something small that shows how it went. */
  readonly children?: ReactNode;
}

export function Tile({ about, children, title, value }: Props): ReactNode {
  const id = useId();
  return (
    <Paper variant="outlined" role="group" aria-labelledby={id} sx={{ p: 2, minWidth: 0 }}>
      <Typography component="h2" variant="body2" color="text.secondary" id={id}>
        {title}
      </Typography>
      <Box sx={{ display: "flex", alignItems: "flex-end", gap: 2 }}>
        <Typography sx={{ fontSize: "1.75rem", fontWeight: 600, lineHeight: 1.4, whiteSpace: "nowrap" }}>
          {value}
        </Typography>
        {children !== undefined && <Box sx={{ flex: 1, minWidth: 0 }}>{children}</Box>}
      </Box>
      <Typography component="div" variant="body2" color="text.secondary">
        {about}
      </Typography>
    </Paper>
  );
}
