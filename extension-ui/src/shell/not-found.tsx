/** An address of the page that leads nowhere. */
import { Link, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { hrefOf } from "../state/route.js";

export const NotFound = (): ReactNode => (
  <>
    <Typography variant="h1" gutterBottom>
      There is no such view
    </Typography>
    <Link href={hrefOf([])}>Back to the overview</Link>
  </>
);
