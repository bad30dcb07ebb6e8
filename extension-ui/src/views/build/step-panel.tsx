/** All that is known of the step that one looks at. */
import CloseIcon from "@mui/icons-material/Close";
import { Box, Button, IconButton, Link, Paper, Typography } from "@mui/material";
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { formatBytes, formatTime } from "../../parts/format.js";
import { hrefOf } from "../../state/route.js";
import { linesText } from "./build-words.js";
import { CauseView } from "./cause-view.js";
import { Facts } from "./facts.js";
import { StepResultText } from "./step-result.js";
import type { GraphNode } from "./step-types.js";

interface Props {
  readonly buildRef: string;
  readonly node: GraphNode;
  /** Where its cause began, if elsewhere. */
  readonly root: GraphNode | undefined;
  readonly marks: string;
  readonly onChoose: (step: number | undefined) => void;
}

const timeOf = (atMs: number | undefined): string => (atMs === undefined ? "" : formatTime(atMs));

const factsOf = (node: GraphNode, marks: string): readonly (readonly [string, ReactNode])[] => [
  ["Result", <StepResultText key="result" step={node} />],
  ["Stage", node.stage],
  ["Dockerfile", linesText(node)],
  ["Platform", node.platform],
  ["Started", timeOf(node.startedAtMs)],
  ["Ended", timeOf(node.completedAtMs)],
  ["Marks", marks],
];

const Trouble = ({ node: { error, warnings } }: { readonly node: GraphNode }): ReactNode => (
  <>
    {error !== "" && (
      <Typography color="error" sx={{ overflowWrap: "anywhere", my: 1 }}>
        Failed: {error}
      </Typography>
    )}
    {warnings.map((warning, index) => (
      <Typography key={index} sx={{ overflowWrap: "anywhere", my: 1 }}>
        Warning: {warning}
      </Typography>
    ))}
  </>
);

/** Who opened it with the keyboard goes on in it, and afterwards from where it was opened. */
function useKeyboardFocus(panel: RefObject<HTMLElement>): void {
  useLayoutEffect(() => {
    const own = panel.current;
    const opener = document.activeElement;
    if (own === null || !(opener instanceof HTMLElement) || !opener.matches("main :focus-visible")) return;
    own.focus({ preventScroll: true });
    return () => {
      if (own.contains(document.activeElement)) opener.focus({ preventScroll: true });
    };
  }, [panel]);
}

export function StepPanel({ buildRef, marks, node, onChoose, root }: Props): ReactNode {
  const panel = useRef<HTMLDivElement>(null);
  useKeyboardFocus(panel);
  useEffect(() => {
    panel.current?.scrollTo({ top: 0 });
  }, [node.step]);
  return (
    <Paper
      variant="outlined"
      component="section"
      ref={panel}
      aria-label="Step"
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === "Escape") onChoose(undefined);
      }}
      sx={{ width: 320, flex: "none", p: 2, overflowY: "auto" }}
    >
      <Box sx={{ display: "flex", alignItems: "flex-start" }}>
        <Typography variant="h2" sx={{ flex: 1, overflowWrap: "anywhere" }}>
          {node.name}
        </Typography>
        <IconButton
          size="small"
          aria-label="Close the step"
          onClick={() => {
            onChoose(undefined);
          }}
        >
          <CloseIcon fontSize="small" />
        </IconButton>
      </Box>
      <Facts facts={factsOf(node, marks)} />
      {node.instruction !== "" && (
        <Box
          component="pre"
          sx={{ bgcolor: "action.hover", p: 1, m: 0, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
        >
          {node.instruction}
        </Box>
      )}
      <Trouble node={node} />
      {node.cause !== undefined && (
        <>
          <Typography variant="h3" sx={{ mt: 2, mb: 0.5 }}>
            Why it ran
          </Typography>
          <CauseView cause={node.cause} />
        </>
      )}
      {root !== undefined && (
        <Button
          size="small"
          sx={{ mt: 1, textAlign: "left" }}
          onClick={() => {
            onChoose(root.step);
          }}
        >
          Show where it began
        </Button>
      )}
      <Box sx={{ display: "flex", gap: 2, mt: 2 }}>
        {node.logBytes > 0 && (
          <Link href={hrefOf(["builds", buildRef, "logs"], { step: node.step.toString() })}>
            Its log ({formatBytes(node.logBytes)})
          </Link>
        )}
        {node.cause !== undefined && <Link href={hrefOf(["builds", buildRef, "why"])}>Explanation</Link>}
      </Box>
    </Paper>
  );
}
