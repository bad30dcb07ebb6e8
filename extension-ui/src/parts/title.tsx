/** The head of a view: its name, one line about it, and what can be done there. */
import { Box, Typography } from "@mui/material";
import { type ReactNode, useEffect } from "react";

interface Props {
  readonly children: string;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
}

export function Title({ children, about, actions }: Props): ReactNode {
  useEffect(() => {
    document.title = `${children} · MemoBuild`;
  }, [children]);
  return (
    <Box sx={{ display: "flex", gap: 2, alignItems: "flex-start", mb: 2, flexWrap: "wrap" }}>
      <Box sx={{ flex: 1, minWidth: 240 }}>
        <Typography variant="h1" sx={{ overflowWrap: "anywhere" }}>
          {children}
        </Typography>
        {about !== undefined && (
          <Typography component="div" color="text.secondary">
            {about}
          </Typography>
        )}
      </Box>
      {actions}
    </Box>
  );
}
