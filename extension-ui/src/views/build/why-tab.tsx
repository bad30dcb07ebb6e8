/** Why steps of a build ran instead of coming from a cache. */
import { Alert, Link, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { BuildSummary, Explanation } from "../../api/openapi.js";
import { formatCount } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Section } from "../../parts/section.js";
import { hrefOf } from "../../state/route.js";
import { useAnswer } from "../../state/use-answer.js";
import { ranText, shortRef } from "./build-words.js";
import { CauseView } from "./cause-view.js";
import type { Miss } from "./step-types.js";

/** Of a build that runs. */
const RUNNING_INTERVAL_MS = 5000;
/** Misses that are told with all that is known of them. */
const OTHERS_SHOWN = 20;

const placeOf = ({ file, line }: Miss): string =>
  file === "" ? "" : `${file}${line === undefined ? "" : `:${line.toString()}`}`;

const MissView = ({
  buildRef,
  miss,
  title,
}: {
  readonly buildRef: string;
  readonly miss: Miss;
  readonly title: string;
}): ReactNode => (
  <Section
    title={`${title}${miss.name}`}
    about={placeOf(miss)}
    actions={<Link href={hrefOf(["builds", buildRef, "graph"], { step: miss.step.toString() })}>In the graph</Link>}
  >
    <CauseView cause={miss.cause} />
  </Section>
);

function Compared({ explanation: { baseline, ref } }: { readonly explanation: Explanation }): ReactNode {
  if (baseline === "") return "There is no earlier build to compare it with.";
  return (
    <>
      Compared with <Link href={hrefOf(["builds", baseline])}>{shortRef(baseline)}</Link>.{" "}
      <Link href={hrefOf(["compare", baseline, ref])}>See both step by step</Link>
    </>
  );
}

function Misses({ explanation }: { readonly explanation: Explanation }): ReactNode {
  const { isRunning, misses, ref } = explanation;
  const [first, ...others] = misses;
  if (first === undefined) {
    return (
      <Alert severity={isRunning ? "info" : "success"} role="note">
        {isRunning ? "No step has missed the cache so far." : "No step missed the cache."}
      </Alert>
    );
  }
  return (
    <>
      <MissView buildRef={ref} miss={first} title="First miss: " />
      {others.length > 0 && (
        <Typography variant="h2" sx={{ my: 2 }}>
          Other misses, with reasons of their own
        </Typography>
      )}
      {others.slice(0, OTHERS_SHOWN).map((miss) => (
        <MissView key={miss.step} buildRef={ref} miss={miss} title="" />
      ))}
      {others.length > OTHERS_SHOWN && (
        <Typography>
          and {formatCount(others.length - OTHERS_SHOWN, "more miss", "more misses")}: the graph has all of them
        </Typography>
      )}
    </>
  );
}

export function WhyTab({ build }: { readonly build: BuildSummary }): ReactNode {
  const isRunning = build.outcome === "running";
  const loaded = useAnswer("explainBuild", { name: build.ref }, isRunning ? RUNNING_INTERVAL_MS : undefined);
  return (
    <LoadedView loaded={loaded} of="the explanation">
      {(explanation) => (
        <>
          <Typography sx={{ mb: 2 }}>
            {ranText(build)}
            {isRunning && " so far"}. <Compared explanation={explanation} />
          </Typography>
          <Misses explanation={explanation} />
        </>
      )}
    </LoadedView>
  );
}
