/** Searches the lines that are shown, and goes from one that is found to the next. */
import NextIcon from "@mui/icons-material/KeyboardArrowDown";
import PreviousIcon from "@mui/icons-material/KeyboardArrowUp";
import { Box, IconButton, TextField, Typography } from "@mui/material";
import type { ReactNode } from "react";

interface Props {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly count: number;
  /** Of them, from 0; undefined before one was gone to. */
  readonly current: number | undefined;
  readonly onGo: (index: number) => void;
}

export function LogSearch({ count, current, onGo, onText, text }: Props): ReactNode {
  const go = (by: number): void => {
    if (count > 0) onGo(current === undefined ? (by > 0 ? 0 : count - 1) : (current + by + count) % count);
  };
  return (
    <Box sx={{ display: "flex", alignItems: "center" }}>
      <TextField
        size="small"
        type="search"
        label="Search"
        value={text}
        onChange={({ target }) => {
          onText(target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
        }}
        sx={{ width: 180 }}
      />
      <IconButton
        size="small"
        aria-label="Previous"
        disabled={count === 0}
        onClick={() => {
          go(-1);
        }}
      >
        <PreviousIcon fontSize="small" />
      </IconButton>
      <IconButton
        size="small"
        aria-label="Next"
        disabled={count === 0}
        onClick={() => {
          go(1);
        }}
      >
        <NextIcon fontSize="small" />
      </IconButton>
      <Typography variant="body2" color="text.secondary" role="status" sx={{ minWidth: 76 }}>
        {text !== "" &&
          (current === undefined ? `${count.toString()} found` : `${(current + 1).toString()} of ${count.toString()}`)}
      </Typography>
    </Box>
  );
}
