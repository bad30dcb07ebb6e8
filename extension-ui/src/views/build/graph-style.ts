/** Looks of the drawing: a few rules on its container, as each node is to cost next to nothing. */
import type { SxProps, Theme } from "@mui/material/styles";
import { SIGNS, stepColours } from "./step-look.js";

const resultRules = Object.fromEntries(
  Object.keys(SIGNS).map((result) => [`& .step.${result}`, { "--step-own": `var(--step-${result})` }]),
);

export const graphStyle: SxProps<Theme> = [
  stepColours,
  {
    ...{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.default", minWidth: 0, flex: 1 },
    "& .react-flow": { "--xy-background-color": "transparent" },
    "& .react-flow__node": { cursor: "pointer", borderRadius: "6px" },
    "& .react-flow__node-stage, & .react-flow__node-lines": { cursor: "grab", pointerEvents: "none" },
    "& .react-flow__node:focus-visible": { outline: "3px solid var(--step-accent)", outlineOffset: "2px" },
    "& .lines": { display: "block", overflow: "visible" },
    "& .lines path": { fill: "none", stroke: "var(--step-muted)", strokeWidth: 1 },
    "& .lines .critical": { stroke: "var(--step-accent)", strokeWidth: 3 },
    // Moved as a picture, and drawn sharp again when it rests.
    "&.moving .react-flow__viewport": { willChange: "transform" },
    "& .react-flow__attribution, & .react-flow__attribution a": {
      background: "var(--step-paper)",
      color: "var(--step-muted)",
    },
    "& .stage": {
      ...{ width: "100%", height: "100%", boxSizing: "border-box", padding: "6px 12px", borderRadius: "8px" },
      ...{ border: "1px solid var(--step-line)", background: "var(--step-paper)", opacity: 0.75 },
      ...{ fontWeight: 600, color: "var(--step-text)", overflow: "hidden", whiteSpace: "nowrap", fontSize: "13px" },
    },
    "& .step": {
      ...{ width: "100%", height: "100%", boxSizing: "border-box", padding: "5px 8px", borderRadius: "6px" },
      ...{ border: "1px solid var(--step-line)", borderLeft: "6px solid var(--step-own)" },
      ...{ background: "var(--step-paper)", color: "var(--step-text)", fontSize: "13px", lineHeight: "16px" },
    },
    "& .step.critical": { borderTopColor: "var(--step-accent)", borderBottomColor: "var(--step-accent)" },
    "& .step.critical, & .selected .step": { borderRightColor: "var(--step-accent)", borderRightWidth: "3px" },
    "& .selected .step": { outline: "3px solid var(--step-accent)" },
    "& .step.missed": { boxShadow: "0 0 0 2px var(--step-failed)" },
    "& .step.cascaded": { boxShadow: "0 0 0 2px var(--step-ran)" },
    "& .step .name": {
      ...{
        display: "-webkit-box",
        WebkitLineClamp: 2,
        WebkitBoxOrient: "vertical",
        overflow: "hidden",
        height: "32px",
      },
      overflowWrap: "anywhere",
    },
    "& .step .about": {
      display: "flex",
      gap: "6px",
      whiteSpace: "nowrap",
      overflow: "hidden",
      color: "var(--step-muted)",
    },
    "&.far .step .name, &.far .step .about > :not(.sign)": { display: "none" },
    "&.far .step .about": { height: "100%", alignItems: "center", justifyContent: "center" },
    "&.far .step .about .sign": { fontSize: "40px", lineHeight: 1, color: "var(--step-text)" },
    "&.far .step": { background: "color-mix(in srgb, var(--step-own) 45%, var(--step-paper))" },
    "& .step .sign": { color: "var(--step-own)" },
    "& .step .mark": { fontWeight: 600, color: "var(--step-text)" },
    ...resultRules,
  },
];
