/** Shown until the first answer: never without end, because what fails shows a problem instead. */
import { Box, CircularProgress } from "@mui/material";
import type { ReactNode } from "react";

export const Waiting = ({ of }: { readonly of: string }): ReactNode => (
  <Box sx={{ p: 4, textAlign: "center" }} role="status" aria-label={`Loading ${of}`}>
    <CircularProgress size={28} aria-hidden />
  </Box>
);
