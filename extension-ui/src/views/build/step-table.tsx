/** The steps of the graph as a table: the same for those who do not see it, or want to read it. */
import { Box, Link } from "@mui/material";
import { memo, type NamedExoticComponent, type ReactNode } from "react";
import { linesText } from "./build-words.js";
import { PlainTable } from "./plain-table.js";
import { StepResultText } from "./step-result.js";
import type { Stage } from "./stages.js";
import type { GraphNode } from "./step-types.js";

interface Props {
  readonly stages: readonly Stage[];
  readonly marksOf: (node: GraphNode) => string;
  readonly hrefOfStep: (step: number) => string;
}

const HEAD = ["#", "Step", "Result", "Dockerfile", "Marks"] as const;
const WIDTHS = ["3.5em", "auto", "11em", "9em", "9em"] as const;

const StepRow: NamedExoticComponent<{ readonly node: GraphNode; readonly marks: string; readonly href: string }> = memo(
  function StepRow({ href, marks, node }) {
    return (
      <tr>
        <td>{node.step + 1}</td>
        <th scope="row">
          <Link href={href}>{node.name}</Link>
        </th>
        <td>
          <StepResultText step={node} />
        </td>
        <td>{linesText(node)}</td>
        <td>{marks}</td>
      </tr>
    );
  },
);

export const StepTable = ({ hrefOfStep, marksOf, stages }: Props): ReactNode => (
  <Box
    sx={{ overflow: "auto", flex: 1, border: 1, borderColor: "divider", borderRadius: 1 }}
    tabIndex={0}
    role="group"
    aria-label="Steps"
  >
    <PlainTable label="Steps by stage" head={HEAD} widths={WIDTHS}>
      {stages.map(({ nodes, title }) => (
        <tbody key={title}>
          <tr>
            <Box component="th" scope="rowgroup" colSpan={HEAD.length} sx={{ "th&": { fontWeight: 600 } }}>
              {title}
            </Box>
          </tr>
          {nodes.map((node) => (
            <StepRow key={node.step} node={node} marks={marksOf(node)} href={hrefOfStep(node.step)} />
          ))}
        </tbody>
      ))}
    </PlainTable>
  </Box>
);
