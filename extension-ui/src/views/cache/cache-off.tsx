/** What is shown where MemoBuild runs without a shared cache. */
import { Alert, AlertTitle, Link, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Copyable } from "../../parts/copyable.js";
import { hrefOf } from "../../state/route.js";

export const CacheOff = (): ReactNode => (
  <Alert severity="info" sx={{ "& .MuiAlert-message": { minWidth: 0, flex: 1 } }}>
    <AlertTitle component="h2">The shared cache is off</AlertTitle>
    <Typography sx={{ mb: 1 }}>
      Builds pass and are recorded, but each builder has only its own cache. With the shared cache, what one build made
      is there for the next one on any builder.
    </Typography>
    <Typography sx={{ mb: 1 }}>
      The option --cache is off. See where it is set under <Link href={hrefOf(["settings"])}>Settings</Link>, or start
      MemoBuild with:
    </Typography>
    <Copyable text="memobuild serve --cache on" />
  </Alert>
);
