/** How full the cache is, against its limits. */
import { Box, Typography } from "@mui/material";
import type { ReactNode } from "react";
import type { CacheUsage } from "../../api/openapi.js";
import { formatBytes, formatCount, formatShare } from "../../parts/format.js";
import { Meter } from "../../parts/meter.js";
import { Section } from "../../parts/section.js";

const WITHIN_LIMITS =
  "At its limit, the least recently used exports go. At the hard limit, nothing is added. Pinned exports stay.";

const shareOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

const stateOf = ({ freeBytes, hardMaxBytes, minFreeBytes, softMaxBytes, storeBytes }: CacheUsage): string => {
  if (storeBytes >= hardMaxBytes) return "The hard limit is reached: nothing is added until exports have gone.";
  if (freeBytes < minFreeBytes) return "The disk has less free space than it must keep: the least recently used go.";
  if (storeBytes > softMaxBytes) return "The limit is passed: the least recently used exports go.";
  return "";
};

export function Usage({ usage }: { readonly usage: CacheUsage }): ReactNode {
  const { blobs, exports, freeBytes, hardMaxBytes, minFreeBytes, pinnedExports, softMaxBytes, storeBytes } = usage;
  const { records, unreferencedBytes } = usage;
  const share = shareOf(storeBytes, softMaxBytes);
  const state = stateOf(usage);
  return (
    <Section title="Usage" about={state === "" ? WITHIN_LIMITS : <strong>{state}</strong>}>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "2fr 1fr 1fr" }}>
        <Meter
          label="Cache"
          text={`${formatBytes(storeBytes)} of ${formatBytes(softMaxBytes)} (${formatShare(share)})`}
          share={share}
        />
        <Meter label="Hard limit" text={formatBytes(hardMaxBytes)} />
        <Meter label="Free disk" text={`${formatBytes(freeBytes)}, at least ${formatBytes(minFreeBytes)}`} />
      </Box>
      <Typography color="text.secondary" sx={{ mt: 1 }}>
        {formatCount(exports, "export")} ({pinnedExports.toLocaleString("en")} pinned),{" "}
        {formatCount(records, "cache record")}, {formatCount(blobs, "blob")}
        {unreferencedBytes > 0 && `; ${formatBytes(unreferencedBytes)} are needed by no export and go by themselves`}
      </Typography>
    </Section>
  );
}
