/** Looks of logs; the colours of terminals become those of the theme that are read well on its background. */
import type { SxProps, Theme } from "@mui/material/styles";

export const logStyle = (isWrapped: boolean): SxProps<Theme> => ({
  ...{
    height: "max(360px, calc(100vh - 360px))",
    overflow: "auto",
    border: 1,
    borderColor: "divider",
    borderRadius: 1,
  },
  ...{ bgcolor: "background.paper", fontFamily: "monospace", fontSize: "0.8125rem", lineHeight: "18px", py: 1 },
  ...{ whiteSpace: isWrapped ? "pre-wrap" : "pre", overflowWrap: isWrapped ? "anywhere" : "normal" },
  "& .block": { contentVisibility: "auto" },
  "& .title": { fontWeight: 600, px: 1.5, pt: 1 },
  "& .line": { px: 1.5, minHeight: "18px" },
  "& .line:hover": { bgcolor: "action.hover" },
  "& .found": { bgcolor: "action.selected" },
  "& .current": {
    outline: "2px solid",
    outlineColor: "primary.main",
    outlineOffset: "-2px",
    bgcolor: "action.selected",
  },
  "& .time": { color: "text.secondary", mr: 1.5, userSelect: "none" },
  "& .bold": { fontWeight: 700 },
  "& .red": { color: "error.main" },
  "& .green": { color: "success.main" },
  "& .yellow": { color: "warning.main" },
  "& .blue, & .cyan": { color: "info.main" },
  "& .magenta": { color: "primary.main" },
});
