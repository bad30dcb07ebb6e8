/** Filters of the list of builds, which live in the address. */
import { Box, Button, TextField } from "@mui/material";
import { type ReactNode, useEffect, useState } from "react";
import { useAnswer } from "../../state/use-answer.js";
import { type Filter, OUTCOMES, WINDOWS } from "./build-list.js";

const DEBOUNCE_MS = 300;
const BUILDERS_INTERVAL_MS = 10_000;
const WINDOW_TEXTS: Readonly<Record<(typeof WINDOWS)[number], string>> = {
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
};

interface Props {
  readonly filter: Filter;
  readonly onFilter: (changes: Partial<Record<keyof Filter, string | undefined>>) => void;
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly all: string;
  readonly choices: readonly (readonly [value: string, text: string])[];
  readonly onChoice: (value: string) => void;
}

const Choice = ({ all, choices, label, onChoice, value }: ChoiceProps): ReactNode => (
  <TextField
    select
    size="small"
    label={label}
    value={value}
    onChange={({ target }) => {
      onChoice(target.value);
    }}
    slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
    sx={{ width: 150 }}
  >
    <option value="">{all}</option>
    {choices.map(([choice, text]) => (
      <option key={choice} value={choice}>
        {text}
      </option>
    ))}
  </TextField>
);

/** Changes the address when one stops typing. */
function ProjectField({ onFilter, project }: Pick<Props, "onFilter"> & { readonly project: string }): ReactNode {
  const [text, setText] = useState(project);
  const [known, setKnown] = useState(project);
  if (project !== known) {
    // By another way than this field, such as a link.
    setKnown(project);
    setText(project);
  }
  useEffect(() => {
    if (text === project) return undefined;
    const timer = setTimeout(() => {
      onFilter({ project: text });
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text, project, onFilter]);
  return (
    <TextField
      size="small"
      type="search"
      label="Project contains"
      value={text}
      onChange={({ target }) => {
        setText(target.value);
      }}
      sx={{ width: 190 }}
    />
  );
}

/** Names of builders by their addresses. */
export function useBuilderNames(): ReadonlyMap<string, string> {
  const { answer } = useAnswer("listBuilders", {}, BUILDERS_INTERVAL_MS);
  return new Map(answer?.builders.map(({ address, name }) => [address, name]));
}

export function BuildFilters({
  filter,
  names,
  onFilter,
}: Props & { readonly names: ReadonlyMap<string, string> }): ReactNode {
  const builders = new Map(names);
  // One that is gone may still be asked for.
  if (filter.builder !== "" && !builders.has(filter.builder)) builders.set(filter.builder, filter.builder);
  const isFiltered = Object.values(filter).some((value) => value !== "");
  return (
    <Box component="search" sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "center", mb: 2 }}>
      <ProjectField project={filter.project} onFilter={onFilter} />
      <Choice
        label="Outcome"
        all="Any"
        value={filter.outcome}
        choices={OUTCOMES.map((outcome) => [outcome, outcome])}
        onChoice={(outcome) => {
          onFilter({ outcome });
        }}
      />
      <Choice
        label="Builder"
        all="Any"
        value={filter.builder}
        choices={[...builders]}
        onChoice={(builder) => {
          onFilter({ builder });
        }}
      />
      <Choice
        label="Started"
        all="Any time"
        value={filter.since}
        choices={WINDOWS.map((window) => [window, WINDOW_TEXTS[window]])}
        onChoice={(since) => {
          onFilter({ since });
        }}
      />
      {isFiltered && (
        <Button
          size="small"
          onClick={() => {
            onFilter({ project: "", outcome: "", builder: "", since: "", group: "" });
          }}
        >
          Clear{filter.group !== "" && " (one group)"}
        </Button>
      )}
    </Box>
  );
}
