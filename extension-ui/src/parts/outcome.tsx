/** How a build went: as an icon and a word, as colours alone tell not everybody. */
import LostIcon from "@mui/icons-material/HelpOutline";
import RunningIcon from "@mui/icons-material/Autorenew";
import CanceledIcon from "@mui/icons-material/Block";
import FailedIcon from "@mui/icons-material/ErrorOutline";
import SucceededIcon from "@mui/icons-material/CheckCircleOutlined";
import { Box } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildSummary } from "../api/openapi.js";

const LOOKS = {
  running: { Icon: RunningIcon, colour: "info.main" },
  succeeded: { Icon: SucceededIcon, colour: "success.main" },
  failed: { Icon: FailedIcon, colour: "error.main" },
  canceled: { Icon: CanceledIcon, colour: "text.secondary" },
  lost: { Icon: LostIcon, colour: "warning.main" },
} as const satisfies Readonly<Record<BuildSummary["outcome"], unknown>>;

export function Outcome({ outcome }: { readonly outcome: BuildSummary["outcome"] }): ReactNode {
  const { Icon, colour } = LOOKS[outcome];
  return (
    <Box
      component="span"
      sx={{ display: "inline-flex", alignItems: "center", verticalAlign: "top", gap: 0.75, color: colour }}
    >
      <Icon aria-hidden sx={{ fontSize: 18 }} />
      {outcome}
    </Box>
  );
}
