/** Names and values, one pair on each line; what is empty is left out. */
import { Box, Typography } from "@mui/material";
import { Fragment, type ReactNode } from "react";

export const Facts = ({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }): ReactNode => (
  <Box component="dl" sx={{ display: "grid", gridTemplateColumns: "auto 1fr", columnGap: 2, rowGap: 0.5, my: 1 }}>
    {facts.map(([title, value]) =>
      value === "" ? null : (
        <Fragment key={title}>
          <Typography component="dt" color="text.secondary">
            {title}
          </Typography>
          <Box component="dd" sx={{ m: 0, minWidth: 0, overflowWrap: "anywhere" }}>
            {value}
          </Box>
        </Fragment>
      ),
    )}
  </Box>
);
