/** What is shown where MemoBuild runs without a shared cache. */
import { Alert, AlertTitle } from "@mui/material";
import type { ReactNode } from "react";
import { Copyable } from "../../parts/copyable.js";

export const CacheOff = (): ReactNode => (
  <Alert severity="info" sx={{ "& .MuiAlert-message": { minWidth: 0, flex: 1 } }}>
    <AlertTitle component="h2">The shared cache is off</AlertTitle>
    <p>
      Builds pass through MemoBuild and are recorded, but each builder has only its own cache. With the shared cache, what
      one build made is there for the next one on any builder.
    </p>
    <p>It is off where the cache cannot be used or was turned off. To have it, restart MemoBuild with:</p>
    <Copyable text="memobuild serve --cache=true" />
  </Alert>
);
