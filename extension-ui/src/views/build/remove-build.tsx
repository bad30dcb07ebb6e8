/** Removes the record of a build, after asking. */
import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle } from "@mui/material";
import { type ReactNode, useState } from "react";
import { Problem } from "../../parts/problem.js";
import { hrefOf } from "../../state/route.js";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { shortRef } from "./build-words.js";

export function RemoveBuild({ buildRef }: { readonly buildRef: string }): ReactNode {
  const api = useApi();
  const [isAsked, setIsAsked] = useState(false);
  const { dismiss, isRunning, problem, run } = useAction();
  const close = (): void => {
    setIsAsked(false);
    dismiss();
  };
  const remove = async (): Promise<void> => {
    const isDone = await run((signal) => api.ask("removeBuild", { name: buildRef }, signal));
    if (isDone) window.location.hash = hrefOf(["builds"]);
  };
  return (
    <>
      <Button
        color="error"
        onClick={() => {
          setIsAsked(true);
        }}
      >
        Remove record
      </Button>
      <Dialog open={isAsked} onClose={close} aria-labelledby="remove-title">
        <DialogTitle id="remove-title">Remove the record of build {shortRef(buildRef)}?</DialogTitle>
        <DialogContent>
          <Problem problem={problem} />
          <DialogContentText>
            Its steps, logs and explanation are gone for good, and it no longer counts in figures. What it added to the
            cache stays.
          </DialogContentText>
        </DialogContent>
        <DialogActions>
          <Button onClick={close} autoFocus>
            Keep it
          </Button>
          <Button color="error" disabled={isRunning} onClick={() => void remove()}>
            Remove
          </Button>
        </DialogActions>
      </Dialog>
    </>
  );
}
