/** What builds of the window did, in four figures. */
import { Link } from "@mui/material";
import type { ReactNode } from "react";
import type { Figures, Trend } from "../../api/openapi.js";
import { formatBytes, formatCount, formatDuration, formatShare } from "../../parts/format.js";
import { hrefOf } from "../../state/route.js";
import { SparkBars } from "./spark-bars.js";
import { savedSeries } from "./trend-series.js";
import { Tile } from "./tile.js";

interface Props {
  readonly figures: Figures;
  readonly trend: Trend | undefined;
  readonly since: string;
}

function BuildsAbout({ figures, since }: Omit<Props, "trend">): ReactNode {
  const { canceled, failed, lost, running, succeeded } = figures;
  const others = [
    canceled > 0 ? `${canceled.toString()} cancelled` : "",
    lost > 0 ? `${lost.toString()} lost` : "",
    running > 0 ? `${running.toString()} running` : "",
  ].filter((text) => text !== "");
  return (
    <>
      {succeeded.toLocaleString("en")} succeeded,{" "}
      {failed === 0 ? (
        "none failed"
      ) : (
        <Link href={hrefOf(["builds"], { outcome: "failed", since })}>{failed} failed</Link>
      )}
      {others.length > 0 && `, ${others.join(", ")}`}
    </>
  );
}

export function FigureTiles({ figures, since, trend }: Props): ReactNode {
  const { builds, cacheableSteps, cachedSharedSteps, cachedSteps, exportedBytes, fetchedBytes, hitRate } = figures;
  return (
    <>
      <Tile
        title="Hit rate"
        value={hitRate === undefined ? "–" : formatShare(hitRate)}
        about={
          cacheableSteps === 0
            ? "No step could be cached"
            : `${cachedSteps.toLocaleString("en")} of ${formatCount(cacheableSteps, "step")}, ` +
              `${cachedSharedSteps.toLocaleString("en")} from the shared cache`
        }
      />
      <Tile title="Time saved" value={formatDuration(figures.savedMs)} about="What cached steps took when they ran">
        {trend !== undefined && figures.savedMs > 0 && <SparkBars values={savedSeries(trend)} />}
      </Tile>
      <Tile title="Builds" value={builds.toLocaleString("en")} about={<BuildsAbout {...{ figures, since }} />} />
      <Tile
        title="Cache fetched"
        value={formatBytes(fetchedBytes)}
        about={`${formatBytes(exportedBytes)} added by builds`}
      />
    </>
  );
}
