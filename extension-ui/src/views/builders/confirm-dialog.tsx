/** Asks before something is done to a builder, and shows why it could not be done. */
import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle } from "@mui/material";
import { type ReactNode, useId } from "react";
import { Problem } from "../../parts/problem.js";
import type { Action } from "../../state/use-answer.js";

interface Props {
  readonly title: string;
  /** What follows. */
  readonly children: ReactNode;
  /** Of the button that does it. */
  readonly verb: string;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  readonly action: Action;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function ConfirmDialog(props: Props): ReactNode {
  const { action, children, isDangerous = false, isDisabled = false, onClose, onConfirm, title, verb } = props;
  const id = useId();
  return (
    <Dialog open onClose={onClose} maxWidth="sm" fullWidth aria-labelledby={id}>
      <DialogTitle id={id} sx={{ overflowWrap: "anywhere" }}>
        {title}
      </DialogTitle>
      <DialogContent>
        <DialogContentText component="div">{children}</DialogContentText>
        <Problem problem={action.problem} onClose={action.dismiss} />
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose}>{action.isRunning ? "Stop waiting" : "Cancel"}</Button>
        <Button
          variant="contained"
          color={isDangerous ? "error" : "primary"}
          disabled={isDisabled || action.isRunning}
          onClick={onConfirm}
        >
          {verb}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
