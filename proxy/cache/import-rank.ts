/** Which earlier exports are most likely to help a build. */
import type { BuildIdentity, ExportSummary } from "./cache-index.js";

/** The higher, the likelier it is that its records are this build's. */
function likeness(build: BuildIdentity, { dockerfile, target, platform }: BuildIdentity): number {
  if (platform !== build.platform) return 0;
  if (dockerfile !== build.dockerfile) return 1;
  return target === build.target ? 3 : 2;
}

/** Best first; among those that are equally like the build, pinned ones count as made just now. */
export function rankExports(build: BuildIdentity, exports: readonly ExportSummary[]): readonly ExportSummary[] {
  return exports
    .map((summary) => ({ summary, likeness: likeness(build, summary) }))
    .sort(
      (a, b) =>
        b.likeness - a.likeness ||
        Number(b.summary.isPinned) - Number(a.summary.isPinned) ||
        b.summary.createdAtMs - a.summary.createdAtMs ||
        b.summary.id - a.summary.id,
    )
    .map(({ summary }) => summary);
}
