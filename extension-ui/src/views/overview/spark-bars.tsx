/** A small picture of how a figure came about; the figure beside it says what it is. */
import { Box } from "@mui/material";
import type { ReactNode } from "react";

const HEIGHT_PX = 36;
const BAR_MAX_PX = 12;

export function SparkBars({ values }: { readonly values: readonly number[] }): ReactNode {
  const most = Math.max(1, ...values);
  return (
    <Box aria-hidden sx={{ display: "flex", alignItems: "flex-end", gap: "1px", height: HEIGHT_PX }}>
      {values.map((value, index) => (
        <Box
          key={index}
          sx={{ flex: 1, maxWidth: BAR_MAX_PX, bgcolor: "success.main", borderRadius: "1px 1px 0 0" }}
          style={{ height: `${((value / most) * 100).toString()}%` }}
        />
      ))}
    </Box>
  );
}
