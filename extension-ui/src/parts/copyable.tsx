/** A command to copy and type elsewhere. */
import CopyIcon from "@mui/icons-material/ContentCopyOutlined";
import { Box, IconButton } from "@mui/material";
import { type ReactNode, useState } from "react";

const SHOWN_MS = 2000;

/** Without HTTPS, and in some hosts, browsers have no clipboard: then the text is selected, to be copied by hand. */
async function copy(text: string, element: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (element !== null) window.getSelection()?.selectAllChildren(element);
    return false;
  }
}

export function Copyable({ text }: { readonly text: string }): ReactNode {
  const [said, setSaid] = useState("");
  const [element, setElement] = useState<HTMLElement | null>(null);
  const onCopy = (): void => {
    void copy(text, element).then((isCopied) => {
      setSaid(isCopied ? "Copied" : "Selected: press Ctrl+C");
      setTimeout(() => {
        setSaid("");
      }, SHOWN_MS);
    });
  };
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 1, bgcolor: "action.hover", borderRadius: 1, pl: 1.5 }}>
      <Box
        component="code"
        ref={setElement}
        sx={{ flex: 1, fontFamily: "monospace", overflowX: "auto", whiteSpace: "pre", py: 1 }}
        tabIndex={0}
      >
        {text}
      </Box>
      <Box role="status" sx={{ fontSize: "body2.fontSize", color: "text.secondary" }}>
        {said}
      </Box>
      <IconButton size="small" title="Copy" aria-label={`Copy: ${text}`} onClick={onCopy}>
        <CopyIcon fontSize="small" />
      </IconButton>
    </Box>
  );
}
