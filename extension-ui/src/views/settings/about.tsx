/** Which MemoBuild this is, and where it is reached. */
import { Box, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { StatusReport } from "../../api/openapi.js";
import { formatDuration, formatTime } from "../../parts/format.js";

function rowsOf(status: StatusReport): readonly (readonly [name: string, values: readonly string[]])[] {
  const { api, http, isDraining, listen, page, startedAtMs, uptimeMs, version } = status;
  return [
    ["Version", [version]],
    [
      "Runs for",
      [`${formatDuration(uptimeMs)}, since ${formatTime(startedAtMs)}${isDraining ? "; it is ending" : ""}`],
    ],
    ["Clients connect to", listen],
    ["Page", page === undefined ? [] : [page]],
    ["API", api],
    ["Metrics and health", [http]],
  ];
}

export const About = ({ status }: { readonly status: StatusReport }): ReactNode => (
  <Box component="dl" sx={{ display: "grid", gridTemplateColumns: "max-content 1fr", columnGap: 2, rowGap: 0.5, m: 0 }}>
    {rowsOf(status)
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Typography component="dt" color="text.secondary">
            {name}
          </Typography>
          <Box component="dd" sx={{ m: 0, minWidth: 0 }}>
            {values.map((value) => (
              <Typography key={value} sx={{ overflowWrap: "anywhere" }}>
                {value}
              </Typography>
            ))}
          </Box>
        </Box>
      ))}
  </Box>
);
