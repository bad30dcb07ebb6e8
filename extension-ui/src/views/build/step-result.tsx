/** What became of a step: sign and words. */
import { Box } from "@mui/material";
import type { ReactNode } from "react";
import { describeResult } from "./build-words.js";
import { colourOf, SIGNS, stepColours } from "./step-look.js";
import type { GraphNode } from "./step-types.js";

export const StepResultText = ({
  step,
}: {
  readonly step: Pick<GraphNode, "result" | "cachedFrom" | "durationMs">;
}): ReactNode => (
  <Box component="span" sx={[stepColours, { whiteSpace: "nowrap" }]}>
    <Box component="span" aria-hidden sx={{ color: colourOf(step.result), mr: 0.75 }}>
      {SIGNS[step.result]}
    </Box>
    {describeResult(step)}
  </Box>
);
