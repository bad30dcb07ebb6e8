/** What went wrong, with a way to try again. */
import { Alert, Button } from "@mui/material";
import type { ReactNode } from "react";
import type { ApiProblem } from "../api/transport.js";

interface Props {
  readonly problem: ApiProblem | undefined;
  readonly onRetry?: (() => void) | undefined;
  readonly onClose?: (() => void) | undefined;
}

export function Problem({ problem, onRetry, onClose }: Props): ReactNode {
  if (problem === undefined) return null;
  const retry = onRetry === undefined ? undefined : <Button onClick={onRetry}>Try again</Button>;
  return (
    <Alert
      severity="error"
      sx={{ mb: 2 }}
      {...(retry !== undefined && { action: retry })}
      {...(onClose && { onClose })}
    >
      {problem.message}
      {problem.code === "unreachable" && " It is tried again by itself."}
    </Alert>
  );
}
