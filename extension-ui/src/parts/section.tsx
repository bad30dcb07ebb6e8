/** A part of a view with its own heading. */
import { Box, Paper, Typography } from "@mui/material";
import { type ReactNode, useId } from "react";

interface Props {
  readonly title: string;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ title, about, actions, children }: Props): ReactNode {
  const id = useId();
  return (
    <Paper component="section" variant="outlined" aria-labelledby={id} sx={{ p: 2, minWidth: 0, mb: 2 }}>
      <Box sx={{ display: "flex", gap: 2, alignItems: "flex-start", flexWrap: "wrap", mb: 1 }}>
        <Box sx={{ flex: 1, minWidth: 200 }}>
          <Typography variant="h2" id={id} sx={{ overflowWrap: "anywhere" }}>
            {title}
          </Typography>
          {about !== undefined && (
            <Typography component="div" color="text.secondary">
              {about}
            </Typography>
          )}
        </Box>
        {actions}
      </Box>
      {children}
    </Paper>
  );
}
