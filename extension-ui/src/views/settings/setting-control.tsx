/** The control of one option that can be changed, by what its values are. */
import { MenuItem, Switch, TextField } from "@mui/material";
import type { ReactNode } from "react";
import { exampleOf, isSwitch } from "./draft.js";
import type { Setting } from "./setting-groups.js";

interface Props {
  readonly setting: Setting;
  readonly text: string;
  readonly isEdited: boolean;
  /** What the server said against it; "" where nothing. */
  readonly refusal: string;
  readonly onText: (text: string) => void;
}

export function SettingControl({ isEdited, onText, refusal, setting, text }: Props): ReactNode {
  const { choices, flag, name } = setting;
  if (isSwitch(setting)) {
    return (
      <Switch
        checked={text === "true"}
        onChange={(_, isOn) => {
          onText(isOn ? "true" : "false");
        }}
        slotProps={{ input: { "aria-label": flag } }}
      />
    );
  }
  const example = exampleOf(setting);
  const hint = isEdited && example !== undefined ? `as in ${example}` : undefined;
  return (
    <TextField
      id={`setting-${name}`}
      select={choices.length > 0}
      size="small"
      fullWidth
      value={text}
      placeholder="not set"
      sx={{ "& input::placeholder": { color: "text.secondary", opacity: 1 } }}
      error={refusal !== ""}
      helperText={refusal === "" ? hint : refusal}
      onChange={({ target }) => {
        onText(target.value);
      }}
      slotProps={
        choices.length > 0
          ? { select: { SelectDisplayProps: { "aria-label": flag } } }
          : { htmlInput: { "aria-label": flag, spellCheck: false, autoComplete: "off" } }
      }
    >
      {choices.map((choice) => (
        <MenuItem key={choice} value={choice}>
          {choice}
        </MenuItem>
      ))}
    </TextField>
  );
}
