/** All that is known of one builder, beside the list. */
import CloseIcon from "@mui/icons-material/Close";
import { Alert, Box, Drawer, IconButton, Link, Table, TableBody, TableCell, TableHead, TableRow } from "@mui/material";
import { Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { BuilderDetails as Details } from "../../api/openapi.js";
import { Ago } from "../../parts/ago.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { useAnswer } from "../../state/use-answer.js";
import { hrefOf } from "../../state/route.js";
import { StateLabel } from "./state-label.js";

const REFRESH_MS = 5000;
const WIDTH_PX = 520;

function Facts({ details }: { readonly details: Details }): ReactNode {
  const { address, origin, platforms, resolvedFrom, version, workerId } = details;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Address", address],
    ["Comes from", resolvedFrom === undefined ? origin : `${origin}, of ${resolvedFrom}`],
    ["BuildKit", version === "" ? "not known" : version],
    ["Worker", workerId === "" ? "not known" : workerId],
    ["Platforms", platforms.length === 0 ? "not known" : platforms.join(", ")],
    ...Object.entries(details.labels),
  ];
  return (
    <Table size="small" aria-label="Facts and labels">
      <TableBody>
        {facts.map(([name, value]) => (
          <TableRow key={name}>
            <TableCell component="th" scope="row" sx={{ overflowWrap: "anywhere", width: "45%" }}>
              {name}
            </TableCell>
            <TableCell sx={{ overflowWrap: "anywhere" }}>{value}</TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

function WarmProjects({ projects }: Pick<Details, "projects">): ReactNode {
  if (projects.length === 0) return <Typography>It has built nothing lately.</Typography>;
  return (
    <Table size="small" aria-label="Projects that are warm here">
      <TableHead>
        <TableRow>
          <TableCell>Project</TableCell>
          <TableCell>Last built</TableCell>
          <TableCell align="right">Builds</TableCell>
        </TableRow>
      </TableHead>
      <TableBody>
        {projects.map(({ builds, lastBuiltAtMs, project }) => (
          <TableRow key={project}>
            <TableCell component="th" scope="row" sx={{ overflowWrap: "anywhere" }}>
              <Link href={hrefOf(["builds"], { project })}>{project}</Link>
            </TableCell>
            <TableCell>
              <Ago atMs={lastBuiltAtMs} />
            </TableCell>
            <TableCell align="right">{builds.toLocaleString("en")}</TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

function Body({ details }: { readonly details: Details }): ReactNode {
  const { cause, limitations, projects } = details;
  return (
    <>
      <StateLabel builder={details} />
      {cause !== undefined && (
        <Alert severity="error" sx={{ my: 1, overflowWrap: "anywhere" }}>
          {cause}
        </Alert>
      )}
      <Typography variant="h3" sx={{ mt: 2 }}>
        Limitations
      </Typography>
      {limitations.length === 0 ? (
        <Typography>None is known.</Typography>
      ) : (
        <Box component="ul" sx={{ mt: 0.5, pl: 2.5 }}>
          {limitations.map((limitation) => (
            <li key={limitation}>{limitation}</li>
          ))}
        </Box>
      )}
      <Typography variant="h3" sx={{ mt: 2 }}>
        Warm projects
      </Typography>
      <WarmProjects projects={projects} />
      <Typography variant="h3" sx={{ mt: 2 }}>
        Facts and labels
      </Typography>
      <Facts details={details} />
    </>
  );
}

export function BuilderDetails({ name, onClose }: { readonly name: string; readonly onClose: () => void }): ReactNode {
  const loaded = useAnswer("getBuilder", { name }, REFRESH_MS);
  return (
    <Drawer
      open
      anchor="right"
      onClose={onClose}
      slotProps={{
        paper: { role: "dialog", "aria-modal": true, "aria-labelledby": "builder-details", sx: { width: WIDTH_PX } },
      }}
    >
      <Box sx={{ p: 2 }}>
        <Box sx={{ display: "flex", alignItems: "flex-start", mb: 1 }}>
          <Typography variant="h2" id="builder-details" sx={{ flex: 1, overflowWrap: "anywhere" }}>
            {name}
          </Typography>
          <IconButton aria-label="Close" onClick={onClose} size="small">
            <CloseIcon />
          </IconButton>
        </Box>
        <LoadedView loaded={loaded} of="the builder">
          {(details) => <Body details={details} />}
        </LoadedView>
      </Box>
    </Drawer>
  );
}
