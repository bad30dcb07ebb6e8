/** How much of something is used: in words, and as a bar where there is a limit. */
import { Box, LinearProgress, Typography } from "@mui/material";
import { type ReactNode, useId } from "react";

interface Props {
  readonly label: string;
  /** "1.2GB of 20GB". */
  readonly text: string;
  /** 0 to 1; undefined where there is no limit. */
  readonly share?: number | undefined;
  /** The bar turns to the colour of warnings from here on; the words have to tell it too. */
  readonly warnAt?: number;
}

export function Meter({ label, text, share, warnAt = 1 }: Props): ReactNode {
  const id = useId();
  const percent = share === undefined ? 0 : Math.min(100, Math.max(0, share * 100));
  return (
    <Box sx={{ minWidth: 0 }}>
      <Typography variant="body2" color="text.secondary" id={id}>
        {label}
      </Typography>
      <Typography sx={{ fontVariantNumeric: "tabular-nums" }}>{text}</Typography>
      {/* Its place is kept where there is none, so that figures beside each other stand in line. */}
      <Box sx={{ height: 6, mt: 0.5 }}>
        {share !== undefined && (
          <LinearProgress
            variant="determinate"
            value={percent}
            color={share >= warnAt ? "warning" : "primary"}
            aria-labelledby={id}
            aria-valuetext={text}
            sx={{ height: 6, borderRadius: 1, bgcolor: "divider" }}
          />
        )}
      </Box>
    </Box>
  );
}
