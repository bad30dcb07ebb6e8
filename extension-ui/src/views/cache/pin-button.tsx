/** Pins an export, or lets it go again. */
import PinnedIcon from "@mui/icons-material/PushPin";
import UnpinnedIcon from "@mui/icons-material/PushPinOutlined";
import { Button } from "@mui/material";
import type { ReactNode } from "react";
import type { ExportSummary } from "../../api/openapi.js";
import type { Action } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";

interface Props {
  readonly summary: ExportSummary;
  /** Shared by the buttons of a list: one change at a time, one place for its problem. */
  readonly action: Action;
  readonly onChanged: () => void;
}

export function PinButton({ summary: { id, isPinned }, action, onChanged }: Props): ReactNode {
  const api = useApi();
  const change = async (): Promise<void> => {
    const isDone = await action.run((signal) => api.ask(isPinned ? "unpinExport" : "pinExport", { id }, signal));
    if (isDone) onChanged();
  };
  return (
    <Button
      size="small"
      disabled={action.isRunning}
      startIcon={isPinned ? <PinnedIcon /> : <UnpinnedIcon />}
      aria-label={`${isPinned ? "Unpin" : "Pin"} export ${id.toString()}`}
      onClick={() => void change()}
    >
      {isPinned ? "Unpin" : "Pin"}
    </Button>
  );
}
