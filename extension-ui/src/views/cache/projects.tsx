/** What the cache holds of each project, largest first. */
import { Link, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { CacheProjects } from "../../api/openapi.js";
import { Ago } from "../../parts/ago.js";
import { formatBytes, formatShare } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Section } from "../../parts/section.js";
import { useAnswer } from "../../state/use-answer.js";
import { hrefOf } from "../../state/route.js";

type Project = CacheProjects["projects"][number];

const REFRESH_MS = 10_000;

function Row({ project, wholeBytes }: { readonly project: Project; readonly wholeBytes: number }): ReactNode {
  const { exports, hits, lastUsedAtMs, pinnedExports, project: name, sizeBytes } = project;
  return (
    <TableRow>
      <TableCell component="th" scope="row" sx={{ overflowWrap: "anywhere", minWidth: 160 }}>
        {name === "" ? "builds without a project" : <Link href={hrefOf(["cache"], { project: name })}>{name}</Link>}
      </TableCell>
      <TableCell align="right" sx={{ whiteSpace: "nowrap" }}>
        {exports.toLocaleString("en")}
        {pinnedExports > 0 && ` (${pinnedExports.toLocaleString("en")} pinned)`}
      </TableCell>
      <TableCell align="right">{formatBytes(sizeBytes)}</TableCell>
      <TableCell align="right">{formatShare(wholeBytes > 0 ? Math.min(1, sizeBytes / wholeBytes) : 0)}</TableCell>
      <TableCell>
        <Ago atMs={lastUsedAtMs} />
      </TableCell>
      <TableCell align="right">{hits.toLocaleString("en")}</TableCell>
    </TableRow>
  );
}

/** @param wholeBytes of the blobs of all projects: those that share some have more than the whole together. */
export function Projects({ wholeBytes }: { readonly wholeBytes: number }): ReactNode {
  const loaded = useAnswer("listCacheProjects", {}, REFRESH_MS);
  return (
    <Section
      title="Projects"
      about="A layer that several projects need is stored once, and counted for each of them. Hits are builds that were given some of it."
    >
      <LoadedView loaded={loaded} of="the projects">
        {({ projects }) =>
          projects.length === 0 ? (
            <Typography>Nothing is cached yet. The first build through MemoBuild fills the cache.</Typography>
          ) : (
            <TableContainer>
              <Table size="small" aria-label="Projects">
                <TableHead>
                  <TableRow>
                    <TableCell>Project</TableCell>
                    <TableCell align="right">Exports</TableCell>
                    <TableCell align="right">Size</TableCell>
                    <TableCell align="right">Of the cache</TableCell>
                    <TableCell>Last used</TableCell>
                    <TableCell align="right">Hits</TableCell>
                  </TableRow>
                </TableHead>
                <TableBody>
                  {projects.map((project) => (
                    <Row key={project.project} project={project} wholeBytes={wholeBytes} />
                  ))}
                </TableBody>
              </Table>
            </TableContainer>
          )
        }
      </LoadedView>
    </Section>
  );
}
