/** Drains a builder, or gives it builds again. */
import type { ReactNode } from "react";
import type { BuilderReport } from "../../api/openapi.js";
import { formatCount } from "../../parts/format.js";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { ConfirmDialog } from "./confirm-dialog.js";

export interface BuilderDialogProps {
  readonly builder: BuilderReport;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function DrainDialog({ builder, onDone, onClose }: BuilderDialogProps): ReactNode {
  const api = useApi();
  const action = useAction();
  const { isDraining, name, runningBuilds } = builder;
  const confirm = (): void => {
    const id = isDraining ? "undrainBuilder" : "drainBuilder";
    void action
      .run((signal) => api.ask(id, { name }, signal))
      .then((isDone) => {
        if (isDone) onDone();
      });
  };
  return (
    <ConfirmDialog
      title={`${isDraining ? "Undrain" : "Drain"} ${name}?`}
      verb={isDraining ? "Undrain" : "Drain"}
      action={action}
      onConfirm={confirm}
      onClose={onClose}
    >
      {isDraining
        ? "It is given builds again, as soon as it is up."
        : `It is given no more builds. What runs there now (${formatCount(runningBuilds, "build")}) goes on to its end. ` +
          "It stays so after restarts, until it is undrained. Where it is the only builder, builds wait."}
    </ConfirmDialog>
  );
}
