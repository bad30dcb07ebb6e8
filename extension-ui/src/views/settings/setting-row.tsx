/** One option: what it is for, its value, and where that is from. */
import EditIcon from "@mui/icons-material/EditOutlined";
import UndoIcon from "@mui/icons-material/UndoOutlined";
import { Button, Chip, Stack, TableCell, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { asConfigured, canUndo, type Draft, shownText, withText } from "./draft.js";
import { SettingControl } from "./setting-control.js";
import { type Setting, sourceTitle, textOf } from "./setting-groups.js";

export interface SettingRowProps {
  readonly setting: Setting;
  readonly draft: Draft;
  readonly refusal: string;
  readonly onDraft: (draft: Draft) => void;
}

const Plain = ({ texts }: { readonly texts: readonly string[] }): ReactNode =>
  (texts.length === 0 ? [textOf(texts)] : texts).map((text) => (
    <Typography
      key={text}
      sx={{ overflowWrap: "anywhere", ...(texts.length > 0 && { fontFamily: "monospace" }) }}
      color={texts.length === 0 ? "text.secondary" : "text.primary"}
    >
      {text}
    </Typography>
  ));

function From({ draft, onDraft, setting }: SettingRowProps): ReactNode {
  const { configured, flag, name, origin, source } = setting;
  return (
    <Stack spacing={0.5} sx={{ alignItems: "flex-start" }}>
      {draft[name] === undefined ? (
        <Typography>{sourceTitle(source)}</Typography>
      ) : (
        <Chip size="small" color="warning" variant="outlined" icon={<EditIcon />} label="Not saved" />
      )}
      {origin !== "" && draft[name] === undefined && (
        <Typography variant="body2" color="text.secondary" sx={{ overflowWrap: "anywhere" }}>
          {origin}
        </Typography>
      )}
      {canUndo(setting, draft) && (
        <Button
          size="small"
          startIcon={<UndoIcon />}
          aria-label={`Undo ${flag}, as configured: ${textOf(configured)}`}
          onClick={() => {
            onDraft(asConfigured(draft, setting));
          }}
          sx={{ textAlign: "left", overflowWrap: "anywhere" }}
        >
          As configured: {textOf(configured)}
        </Button>
      )}
    </Stack>
  );
}

export function SettingRow(props: SettingRowProps): ReactNode {
  const { draft, onDraft, refusal, setting } = props;
  const { flag, help, isChangeable, texts } = setting;
  return (
    <TableRow sx={{ verticalAlign: "top" }}>
      <TableCell component="th" scope="row" sx={{ verticalAlign: "top" }}>
        <Typography sx={{ fontFamily: "monospace", fontWeight: 600, overflowWrap: "anywhere" }}>{flag}</Typography>
        <Typography variant="body2" color="text.secondary">
          {help}
        </Typography>
      </TableCell>
      <TableCell sx={{ verticalAlign: "top" }}>
        {isChangeable ? (
          <SettingControl
            setting={setting}
            text={shownText(setting, draft)}
            isEdited={draft[setting.name] !== undefined}
            refusal={refusal}
            onText={(text) => {
              onDraft(withText(draft, setting, text));
            }}
          />
        ) : (
          <Plain texts={texts} />
        )}
      </TableCell>
      <TableCell sx={{ verticalAlign: "top" }}>
        <From {...props} />
      </TableCell>
    </TableRow>
  );
}
