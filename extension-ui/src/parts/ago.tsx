/** How long ago something was; the time itself is its title. */
import { Box } from "@mui/material";
import type { ReactNode } from "react";
import { useNow } from "../state/use-now.js";
import { formatAge, formatDuration, formatTime } from "./format.js";

interface Props {
  readonly atMs: number;
  /** "for 3h 5m" of what lasts, rather than "3h ago". */
  readonly isLasting?: boolean;
}

export function Ago({ atMs, isLasting = false }: Props): ReactNode {
  const nowMs = useNow(false);
  return (
    <Box
      component="time"
      dateTime={new Date(atMs).toISOString()}
      title={formatTime(atMs)}
      sx={{ whiteSpace: "nowrap" }}
    >
      {isLasting ? `for ${formatDuration(Math.max(0, nowMs - atMs))}` : formatAge(atMs, nowMs)}
    </Box>
  );
}
