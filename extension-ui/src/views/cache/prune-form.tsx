/** What a prune may remove, as it is typed. */
import { Box, TextField } from "@mui/material";
import type { ReactNode } from "react";
import type { PruneFields, ReadFields } from "./prune-options.js";

const FIELDS = [
  { name: "unusedFor", label: "Not used for", help: "As in 12h, 7d or 4w; empty: whenever it was used" },
  { name: "project", label: "Project", help: "Projects whose name contains this; empty: all" },
  { name: "keep", label: "Until the cache is no larger than", help: "As in 20GB; empty: all that matches goes" },
  { name: "minFree", label: "Until so much of the disk is free", help: "As in 50GB; empty: no such limit" },
] as const;

interface Props {
  readonly fields: PruneFields;
  readonly problems: ReadFields["problems"];
  readonly isDisabled: boolean;
  readonly onChange: (fields: PruneFields) => void;
}

export function PruneForm({ fields, problems, isDisabled, onChange }: Props): ReactNode {
  return (
    <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "1fr 1fr" }}>
      {FIELDS.map(({ name, label, help }) => (
        <TextField
          key={name}
          id={`prune-${name}`}
          size="small"
          label={label}
          value={fields[name]}
          disabled={isDisabled}
          error={problems[name] !== undefined}
          helperText={problems[name] ?? help}
          onChange={({ target }) => {
            onChange({ ...fields, [name]: target.value });
          }}
        />
      ))}
    </Box>
  );
}
