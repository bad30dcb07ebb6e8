/** The three steps from a new installation to a shared cache, ticked as they are done. */
import DoneIcon from "@mui/icons-material/CheckCircleOutlined";
import OpenIcon from "@mui/icons-material/RadioButtonUncheckedOutlined";
import { Box, Paper, Stack, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Copyable } from "../../parts/copyable.js";
import { CreateBuilder } from "../settings/create-builder.js";
import { BUILDER_NAME } from "../settings/endpoint.js";
import type { FirstSteps } from "./first-steps.js";

/** Without a result to load, nothing would be fetched from the shared cache, and nobody could tell that it had it. */
const BUILD = `docker buildx build --builder ${BUILDER_NAME} --load .`;
const PRUNE = `docker buildx prune --builder ${BUILDER_NAME} --all --force`;

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly isDone: boolean;
  readonly children: ReactNode;
}

function Step({ children, isDone, number, title }: StepProps): ReactNode {
  const Icon = isDone ? DoneIcon : OpenIcon;
  return (
    <Box component="li" sx={{ display: "flex", gap: 2, mb: 3, "&:last-child": { mb: 0 } }}>
      <Icon color={isDone ? "success" : "disabled"} titleAccess={isDone ? "Done" : "To do"} sx={{ mt: 0.25 }} />
      <Stack spacing={1} sx={{ flex: 1, minWidth: 0 }}>
        <Typography variant="h3">
          {number}. {title}
        </Typography>
        {children}
      </Stack>
    </Box>
  );
}

export const FirstUse = ({ steps }: { readonly steps: FirstSteps }): ReactNode => (
  <Paper variant="outlined" component="section" sx={{ p: 2, mb: 3, maxWidth: 860 }}>
    <Typography variant="h2" gutterBottom>
      {steps.hasShared ? "It works: a build took steps from the shared cache" : "Three steps to a shared cache"}
    </Typography>
    <Box component="ol" sx={{ listStyle: "none", p: 0, m: 0, mt: 2 }}>
      <Step number={1} title="Create the builder" isDone={steps.hasBuilder}>
        <CreateBuilder />
      </Step>
      <Step number={2} title="Build with it" isDone={steps.hasBuilt}>
        <Typography>In a folder with a Dockerfile:</Typography>
        <Copyable text={BUILD} />
      </Step>
      <Step number={3} title="Build again, and see what was shared" isDone={steps.hasShared}>
        <Typography>
          On another machine, or here after the builder has forgotten everything. Steps come from the shared cache then.
        </Typography>
        <Copyable text={PRUNE} />
        <Copyable text={BUILD} />
      </Step>
    </Box>
  </Paper>
);
