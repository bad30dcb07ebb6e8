/** A titled part of the overview. */
import { Paper, Typography } from "@mui/material";
import type { ReactNode } from "react";

interface Props {
  readonly title: string;
  readonly children: ReactNode;
}

export const Panel = ({ children, title }: Props): ReactNode => (
  <Paper variant="outlined" component="section" sx={{ p: 2, minWidth: 0 }}>
    <Typography variant="h2" gutterBottom>
      {title}
    </Typography>
    {children}
  </Paper>
);
