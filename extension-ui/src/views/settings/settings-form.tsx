/** All options by topic; changes are collected and saved together. */
import { Alert, Box, Button, Stack, Table, TableBody, TableCell, TableHead, TableRow, TextField } from "@mui/material";
import { Paper, Typography } from "@mui/material";
import { type ReactNode, useState } from "react";
import type { SettingsReport } from "../../api/openapi.js";
import { formatCount } from "../../parts/format.js";
import { Problem } from "../../parts/problem.js";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { useQuery } from "../../state/route.js";
import { changesOf, type Draft, type Refusal, refusalOf } from "./draft.js";
import { groupSettings, type SettingGroup } from "./setting-groups.js";
import { SettingRow } from "./setting-row.js";

const NO_REFUSAL: Refusal = { byName: {}, others: [] };
const COLUMNS = [
  { title: "Option", width: "46%" },
  { title: "Value", width: "29%" },
  { title: "From", width: "25%" },
] as const;

interface GroupProps {
  readonly group: SettingGroup;
  readonly draft: Draft;
  readonly refusal: Refusal;
  readonly onDraft: (draft: Draft) => void;
}

const Group = ({ draft, group, onDraft, refusal }: GroupProps): ReactNode => (
  <Paper variant="outlined" component="section" sx={{ mb: 2 }}>
    <Typography variant="h2" id={`group-${group.title}`} sx={{ p: 2, pb: 0.5 }}>
      {group.title}
    </Typography>
    <Table size="small" aria-label={group.title} sx={{ tableLayout: "fixed" }}>
      <TableHead>
        <TableRow>
          {COLUMNS.map(({ title, width }) => (
            <TableCell key={title} sx={{ width }}>
              {title}
            </TableCell>
          ))}
        </TableRow>
      </TableHead>
      <TableBody>
        {group.settings.map((setting) => (
          <SettingRow
            key={setting.name}
            {...{ setting, draft, onDraft }}
            refusal={refusal.byName[setting.name] ?? ""}
          />
        ))}
      </TableBody>
    </Table>
  </Paper>
);

interface SaveBarProps {
  readonly count: number;
  readonly isRunning: boolean;
  readonly onSave: () => void;
  readonly onDiscard: () => void;
}

const SaveBar = ({ count, isRunning, onDiscard, onSave }: SaveBarProps): ReactNode => (
  <Paper elevation={4} sx={{ position: "sticky", bottom: 16, p: 1.5, zIndex: 1 }}>
    <Stack direction="row" spacing={1} sx={{ alignItems: "center" }}>
      <Typography role="status" sx={{ flex: 1 }}>
        {formatCount(count, "change")} not saved
      </Typography>
      <Button onClick={onDiscard} disabled={isRunning}>
        Discard
      </Button>
      <Button variant="contained" onClick={onSave} disabled={isRunning}>
        Save
      </Button>
    </Stack>
  </Paper>
);

interface Props {
  readonly report: SettingsReport;
  readonly onSaved: (report: SettingsReport) => void;
}

export function SettingsForm({ onSaved, report }: Props): ReactNode {
  const api = useApi();
  const [draft, setDraft] = useState<Draft>({});
  const [isSaved, setIsSaved] = useState(false);
  const { dismiss, isRunning, problem, run } = useAction();
  const [query, setQuery] = useQuery();
  const search = query.get("search") ?? "";
  const { settings } = report;
  const groups = groupSettings(settings, search);
  const changes = changesOf(settings, draft);
  const count = Object.keys(changes).length;
  const refusal = problem?.code === "bad_request" ? refusalOf(problem.message, settings) : NO_REFUSAL;
  const edit = (next: Draft): void => {
    setDraft(next);
    setIsSaved(false);
  };
  const save = async (signal: AbortSignal): Promise<void> => {
    const saved = await api.ask("changeSettings", { changes }, signal);
    setDraft({});
    setIsSaved(true);
    onSaved(saved);
  };
  return (
    <>
      <TextField
        label="Search settings"
        type="search"
        size="small"
        value={search}
        onChange={({ target }) => {
          setQuery({ search: target.value });
        }}
        sx={{ mb: 2, width: 320 }}
      />
      {problem !== undefined && problem.code !== "bad_request" && <Problem problem={problem} onClose={dismiss} />}
      {problem?.code === "bad_request" && (
        <Alert severity="error" sx={{ mb: 2 }} onClose={dismiss}>
          Nothing was saved.{" "}
          {[...refusal.others, ...Object.entries(refusal.byName).map(([name, text]) => `${name}: ${text}`)].join(" ")}
        </Alert>
      )}
      <Box role="status">
        {isSaved && (
          <Alert severity="success" sx={{ mb: 2 }}>
            Saved. It holds from now on, and after a restart.
          </Alert>
        )}
      </Box>
      {groups.length === 0 && (
        <Typography sx={{ p: 2 }}>No setting has “{search}”. Search for another word.</Typography>
      )}
      {groups.map((group) => (
        <Group key={group.title} {...{ group, draft, refusal }} onDraft={edit} />
      ))}
      {count > 0 && (
        <SaveBar
          {...{ count, isRunning }}
          onSave={() => void run(save)}
          onDiscard={() => {
            edit({});
            dismiss();
          }}
        />
      )}
    </>
  );
}
