/** What a builder, or MemoBuild itself, uses now. */
import { Box } from "@mui/material";
import type { ReactNode } from "react";
import type { ResourceUsage } from "../../api/openapi.js";
import { Meter } from "../../parts/meter.js";
import { type Amount, amountsOf } from "./usage-amounts.js";

/** From this share on, a meter has the colour of warnings; MemoBuild's own warnings say what is wrong. */
const WARN_AT = 0.9;

interface Props {
  readonly usage: ResourceUsage;
  readonly stateLabel: string;
  /** Before those of the machine. */
  readonly first?: Amount;
}

export function UsageMeters({ usage, stateLabel, first }: Props): ReactNode {
  const amounts = [...(first === undefined ? [] : [first]), ...amountsOf(usage, stateLabel)];
  return (
    <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fit, minmax(130px, 1fr))" }}>
      {amounts.map(({ label, text, share }) => (
        <Meter key={label} label={label} text={text} share={share} warnAt={WARN_AT} />
      ))}
    </Box>
  );
}
