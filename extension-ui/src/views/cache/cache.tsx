/** The shared cache: how full it is, what it holds of each project, and what went from it. */
import { Button } from "@mui/material";
import { type ReactNode, useState } from "react";
import { LoadedView } from "../../parts/loaded-view.js";
import { Title } from "../../parts/title.js";
import { useQuery } from "../../state/route.js";
import { useAnswer } from "../../state/use-answer.js";
import { CacheOff } from "./cache-off.js";
import { Exports } from "./exports.js";
import { Projects } from "./projects.js";
import { PruneDialog } from "./prune-dialog.js";
import { Removed } from "./removed.js";
import { Usage } from "./usage.js";

const REFRESH_MS = 5000;
const ABOUT = "What builds left for later builds, on whichever builder they run.";

export function Cache(): ReactNode {
  const usage = useAnswer("getCacheUsage", {}, REFRESH_MS);
  const [query] = useQuery();
  const [isPruning, setIsPruning] = useState(false);
  // Lists below the usage are read anew once something was pruned.
  const [prunes, setPrunes] = useState(0);
  const project = query.get("project") ?? "";
  const isOff = usage.problem?.code === "cache_off";
  const prune = (
    <Button
      variant="outlined"
      onClick={() => {
        setIsPruning(true);
      }}
    >
      Prune…
    </Button>
  );
  if (isOff) {
    return (
      <>
        <Title about={ABOUT}>Cache</Title>
        <CacheOff />
      </>
    );
  }
  return (
    <>
      <Title about={ABOUT} actions={prune}>
        Cache
      </Title>
      <LoadedView loaded={usage} of="the cache">
        {(answer) => (
          <>
            <Usage usage={answer} />
            {project === "" ? (
              <>
                <Projects key={`projects ${prunes.toString()}`} wholeBytes={answer.blobBytes} />
                <Removed key={`removed ${prunes.toString()}`} limits={answer} />
              </>
            ) : (
              <Exports key={`${project} ${prunes.toString()}`} project={project} onChanged={usage.reload} />
            )}
          </>
        )}
      </LoadedView>
      {isPruning && (
        <PruneDialog
          project={project}
          onPruned={() => {
            setPrunes((before) => before + 1);
            usage.reload();
          }}
          onClose={() => {
            setIsPruning(false);
          }}
        />
      )}
    </>
  );
}
