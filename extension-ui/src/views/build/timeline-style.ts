/** Looks of the timeline: rules on its container, and rows out of sight that cost next to nothing. */
import type { SxProps, Theme } from "@mui/material/styles";
import { stepColours } from "./step-look.js";

const ROW_HEIGHT_PX = 24;
const NAME_WIDTH = "260px";

export const timelineStyle: SxProps<Theme> = [
  stepColours,
  {
    ...{ overflow: "auto", maxHeight: "max(420px, calc(100vh - 320px))", fontSize: "0.8125rem" },
    ...{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", position: "relative" },
    "& ul": { listStyle: "none", m: 0, p: 0 },
    "& li": { contentVisibility: "auto", containIntrinsicSize: `auto ${ROW_HEIGHT_PX.toString()}px` },
    "& .row, & .axis": {
      display: "flex",
      height: `${ROW_HEIGHT_PX.toString()}px`,
      color: "inherit",
      textDecoration: "none",
    },
    "& .row:hover": { bgcolor: "action.hover" },
    "& .row:focus-visible": { outline: "2px solid var(--step-accent)", outlineOffset: "-2px" },
    "& .name": {
      ...{
        width: NAME_WIDTH,
        flex: "none",
        px: 1,
        lineHeight: `${ROW_HEIGHT_PX.toString()}px`,
        boxSizing: "border-box",
      },
      ...{ overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
      // Names stay when the bars are scrolled.
      ...{ position: "sticky", left: 0, zIndex: 1, bgcolor: "background.paper" },
    },
    "& .sign": { mr: 0.75 },
    // For those who do not see the bar.
    "& .told": { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" },
    "& .track": { position: "relative", flex: 1, mr: 1 },
    "& .bar": { position: "absolute", top: "6px", height: "12px", minWidth: "2px", borderRadius: "2px" },
    "& .critical .bar": { outline: "2px solid var(--step-accent)" },
    "& .critical .name": { fontWeight: 600 },
    "& .time": {
      ...{ position: "absolute", lineHeight: `${ROW_HEIGHT_PX.toString()}px`, px: 0.75, whiteSpace: "nowrap" },
      color: "text.secondary",
    },
    "& .axis": {
      position: "sticky",
      top: 0,
      zIndex: 2,
      bgcolor: "background.paper",
      borderBottom: 1,
      borderColor: "divider",
    },
    "& .tick": {
      ...{ position: "absolute", borderLeft: 1, borderColor: "divider", pl: 0.5, color: "text.secondary" },
      lineHeight: `${ROW_HEIGHT_PX.toString()}px`,
    },
    "& .stage": { fontWeight: 600, px: 1, pt: 1, position: "sticky", left: 0, width: NAME_WIDTH },
    "& .none": { px: 1, color: "text.secondary" },
  },
];
