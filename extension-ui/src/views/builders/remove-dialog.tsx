/** Removes a builder from the farm, once it was confirmed by its name. */
import { Checkbox, FormControlLabel, Stack, TextField } from "@mui/material";
import { type ReactNode, useState } from "react";
import type { BuilderReport } from "../../api/openapi.js";
import { formatCount } from "../../parts/format.js";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { ConfirmDialog } from "./confirm-dialog.js";
import type { BuilderDialogProps } from "./drain-dialog.js";

function consequenceOf({ origin }: BuilderReport): string {
  switch (origin) {
    case "embedded":
    case "managed":
      return "MemoBuild runs it: it ends, and what it keeps is deleted.";
    case "configured":
    case "resolved":
      return "It is configured: the daemon itself goes on, and MemoBuild uses it no more.";
    case "added":
      return "The daemon itself goes on, and MemoBuild uses it no more.";
  }
}

export function RemoveDialog({ builder, onDone, onClose }: BuilderDialogProps): ReactNode {
  const api = useApi();
  const action = useAction();
  const [typed, setTyped] = useState("");
  const [isForced, setIsForced] = useState(false);
  const { name, runningBuilds } = builder;
  const confirm = (): void => {
    const input = { name, force: isForced ? "true" : "false" } as const;
    void action
      .run((signal) => api.ask("removeBuilder", input, signal))
      .then((isDone) => {
        if (isDone) onDone();
      });
  };
  return (
    <ConfirmDialog
      title={`Remove ${name}?`}
      verb="Remove"
      isDangerous
      isDisabled={typed.trim() !== name}
      action={action}
      onConfirm={confirm}
      onClose={onClose}
    >
      <Stack spacing={2}>
        <div>
          It is drained, and removed when its builds have ended (now: {formatCount(runningBuilds, "build")}).{" "}
          {consequenceOf(builder)}
        </div>
        <FormControlLabel
          control={
            <Checkbox
              checked={isForced}
              disabled={action.isRunning}
              onChange={(_, isChecked) => {
                setIsForced(isChecked);
              }}
            />
          }
          label="End its builds rather than wait for them; they fail"
        />
        <TextField
          id="remove-name"
          size="small"
          label={`Type ${name} to confirm`}
          value={typed}
          autoComplete="off"
          disabled={action.isRunning}
          onChange={({ target }) => {
            setTyped(target.value);
          }}
        />
        {action.isRunning && (
          <div role="status">It is waited until its builds have ended. Who stops waiting leaves it drained.</div>
        )}
      </Stack>
    </ConfirmDialog>
  );
}
