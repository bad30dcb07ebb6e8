/** Adds a builder to the farm. */
import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle, TextField } from "@mui/material";
import { type FormEvent, type ReactNode, useState } from "react";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";

interface Props {
  readonly onAdded: () => void;
  readonly onClose: () => void;
}

const HELP =
  "unix:///path, tcp://host:port[,cacert=F,cert=F,key=F,servername=N] or docker://[/path/to/docker.sock]; files are " +
  "those of the machine that MemoBuild runs on";

export function AddDialog({ onAdded, onClose }: Props): ReactNode {
  const api = useApi();
  const action = useAction();
  const [address, setAddress] = useState("");
  const add = (event: FormEvent): void => {
    event.preventDefault();
    void action.run(async (signal) => {
      await api.ask("addBuilder", { address: address.trim() }, signal);
      onAdded();
    });
  };
  return (
    <Dialog open onClose={onClose} maxWidth="sm" fullWidth aria-labelledby="add-title">
      <DialogTitle id="add-title">Add a builder</DialogTitle>
      <form onSubmit={add}>
        <DialogContent>
          <DialogContentText sx={{ mb: 2 }}>
            A BuildKit daemon that runs already. It is kept across restarts; whether it answers is seen in its state.
          </DialogContentText>
          <TextField
            id="add-address"
            fullWidth
            autoFocus
            label="Address"
            value={address}
            autoComplete="off"
            error={action.problem !== undefined}
            helperText={action.problem === undefined ? HELP : `${action.problem.message}. ${HELP}`}
            onChange={({ target }) => {
              setAddress(target.value);
              action.dismiss();
            }}
          />
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="contained" disabled={address.trim() === "" || action.isRunning}>
            Add
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
