/** Removes what somebody chose from the cache, once they have seen what that is. */
import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle, Stack } from "@mui/material";
import { type FormEvent, type ReactNode, useState } from "react";
import type { PruneOptions, PruneResult } from "../../api/openapi.js";
import { Problem } from "../../parts/problem.js";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { PruneForm } from "./prune-form.js";
import { asPreviewed, NO_FIELDS, readFields } from "./prune-options.js";
import { isNothing, PruneOutcome } from "./prune-outcome.js";

interface Props {
  /** Prunes begin with this project. */
  readonly project: string;
  readonly onPruned: () => void;
  readonly onClose: () => void;
}

type Outcome =
  | { readonly state: "none" }
  | { readonly state: "previewed"; readonly options: PruneOptions; readonly atMs: number; readonly result: PruneResult }
  | { readonly state: "pruned"; readonly result: PruneResult };

const NONE: Outcome = { state: "none" };

export function PruneDialog({ project, onPruned, onClose }: Props): ReactNode {
  const api = useApi();
  const action = useAction();
  const [fields, setFields] = useState({ ...NO_FIELDS, project });
  const [outcome, setOutcome] = useState<Outcome>(NONE);
  const { options, problems } = readFields(fields);
  const isReadable = Object.keys(problems).length === 0;
  const canPrune = outcome.state === "previewed" && !isNothing(outcome.result) && isReadable;

  const preview = (event: FormEvent): void => {
    event.preventDefault();
    if (!isReadable) return;
    setOutcome(NONE);
    const atMs = Date.now();
    void action.run(async (signal) => {
      const result = await api.ask("pruneCache", { ...options, isDryRun: true }, signal);
      setOutcome({ state: "previewed", options, atMs, result });
    });
  };
  const prune = (): void => {
    if (outcome.state !== "previewed") return;
    const previewed = asPreviewed(outcome.options, outcome.atMs, Date.now());
    void action.run(async (signal) => {
      const result = await api.ask("pruneCache", { ...previewed, isDryRun: false }, signal);
      setOutcome({ state: "pruned", result });
      onPruned();
    });
  };
  return (
    <Dialog open onClose={onClose} maxWidth="md" fullWidth aria-labelledby="prune-title">
      <DialogTitle id="prune-title">Prune the cache</DialogTitle>
      <form onSubmit={preview}>
        <DialogContent>
          <Stack spacing={2}>
            <DialogContentText>
              The least recently used exports go first, and the layers that only they need. Pinned exports are never
              pruned, and what running builds use stays.
            </DialogContentText>
            <PruneForm
              fields={fields}
              problems={problems}
              isDisabled={action.isRunning}
              onChange={(next) => {
                setFields(next);
                // It showed what other options would remove.
                setOutcome(NONE);
                action.dismiss();
              }}
            />
            <Problem problem={action.problem} onClose={action.dismiss} />
            {outcome.state !== "none" && (
              <PruneOutcome result={outcome.result} isPreview={outcome.state === "previewed"} />
            )}
          </Stack>
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>{outcome.state === "pruned" ? "Close" : "Cancel"}</Button>
          <Button type="submit" variant="outlined" disabled={!isReadable || action.isRunning}>
            Preview
          </Button>
          <Button variant="contained" color="error" disabled={!canPrune || action.isRunning} onClick={prune}>
            Prune
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
