/** How a builder does: a word, and an icon that tells it without colours. */
import UpIcon from "@mui/icons-material/CheckCircleOutlined";
import DownIcon from "@mui/icons-material/ErrorOutlined";
import RefusedIcon from "@mui/icons-material/BlockOutlined";
import UnknownIcon from "@mui/icons-material/HelpOutlineOutlined";
import DrainingIcon from "@mui/icons-material/PauseCircleOutlined";
import { Box, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { BuilderReport } from "../../api/openapi.js";
import { Ago } from "../../parts/ago.js";
import { LOOK_NAMES, lookOf } from "./builder-state.js";

const LOOKS = {
  up: { Icon: UpIcon, color: "success" },
  draining: { Icon: DrainingIcon, color: "warning" },
  unknown: { Icon: UnknownIcon, color: "action" },
  refused: { Icon: RefusedIcon, color: "error" },
  down: { Icon: DownIcon, color: "error" },
} as const;

export function StateLabel({ builder }: { readonly builder: BuilderReport }): ReactNode {
  const look = lookOf(builder);
  const { Icon, color } = LOOKS[look];
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 0.75, flexWrap: "wrap" }}>
      <Icon color={color} fontSize="small" aria-hidden />
      <strong>{LOOK_NAMES[look]}</strong>
      {builder.isDraining && look !== "draining" && <span>and draining</span>}
      {look !== "draining" && (
        <Typography component="span" color="text.secondary">
          <Ago atMs={builder.sinceMs} isLasting />
        </Typography>
      )}
    </Box>
  );
}
