/** What went from the cache, and by which rule. */
import { Link, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Ago } from "../../parts/ago.js";
import { formatBytes, formatCount } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Section } from "../../parts/section.js";
import { useAnswer } from "../../state/use-answer.js";
import { hrefOf } from "../../state/route.js";
import { platformOf, targetOf } from "./export-text.js";
import { type Limits, reasonOf, type Removal, RULE_NAMES, totalsByRule } from "./removal-rules.js";

const REFRESH_MS = 10_000;
/** As many as the API remembers. */
const REMOVALS_MAX = 1000;
const ROWS_MAX = 50;

function Totals({ removals }: { readonly removals: readonly Removal[] }): ReactNode {
  return (
    <Typography sx={{ mb: 1 }}>
      {totalsByRule(removals)
        .map(({ rule, exports, sizeBytes }) => {
          return `${RULE_NAMES[rule]}: ${formatCount(exports, "export")}, ${formatBytes(sizeBytes)}`;
        })
        .join(" · ")}
    </Typography>
  );
}

function Row({ removal, limits }: { readonly removal: Removal; readonly limits: Limits }): ReactNode {
  const { atMs, project, ref, rule, sizeBytes } = removal;
  return (
    <TableRow>
      <TableCell>
        <Ago atMs={atMs} />
      </TableCell>
      <TableCell sx={{ overflowWrap: "anywhere" }}>
        <Link href={hrefOf(["builds", ref])} title={`Build ${ref}`}>
          {project}
        </Link>
        <Typography variant="body2" color="text.secondary">
          {targetOf(removal)}, {platformOf(removal)}
        </Typography>
      </TableCell>
      <TableCell>
        {RULE_NAMES[rule]}
        <Typography variant="body2" color="text.secondary">
          {reasonOf(removal, limits)}
        </Typography>
      </TableCell>
      <TableCell align="right">{formatBytes(sizeBytes)}</TableCell>
    </TableRow>
  );
}

function Latest({ removals, limits }: { readonly removals: readonly Removal[]; readonly limits: Limits }): ReactNode {
  return (
    <TableContainer sx={{ maxHeight: 420 }} tabIndex={0} role="region" aria-label="Removed exports">
      <Table size="small" stickyHeader aria-label="Removed exports">
        <TableHead>
          <TableRow>
            <TableCell>When</TableCell>
            <TableCell>Project</TableCell>
            <TableCell>Rule</TableCell>
            <TableCell align="right">Size</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {removals.slice(0, ROWS_MAX).map((removal, index) => (
            <Row
              key={`${removal.ref} ${removal.atMs.toString()} ${index.toString()}`}
              removal={removal}
              limits={limits}
            />
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  );
}

/** The age is configured, and not among the cache's figures. */
function useMaxAge(): string | undefined {
  const { answer } = useAnswer("getSettings", {});
  return answer?.settings.find(({ name }) => name === "cache-max-age")?.texts[0];
}

export function Removed({ limits }: { readonly limits: Limits }): ReactNode {
  const loaded = useAnswer("listRemovals", { limit: REMOVALS_MAX }, REFRESH_MS);
  const maxAge = useMaxAge();
  return (
    <Section
      title="Removed"
      about="What retention removed to stay within the limits, and what was pruned. Layers go when no export needs them."
    >
      <LoadedView loaded={loaded} of="what was removed">
        {({ removals }) =>
          removals.length === 0 ? (
            <Typography>Nothing was removed yet: the cache is within its limits.</Typography>
          ) : (
            <>
              <Totals removals={removals} />
              <Latest removals={removals} limits={{ ...limits, maxAge }} />
              {removals.length > ROWS_MAX && (
                <Typography color="text.secondary" sx={{ mt: 1 }}>
                  The latest {ROWS_MAX} of {formatCount(removals.length, "export")}.
                </Typography>
              )}
            </>
          )
        }
      </LoadedView>
    </Section>
  );
}
