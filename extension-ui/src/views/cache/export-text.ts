/** Exports of the cache, in words. */
import type { ExportSummary } from "../../api/openapi.js";
import { formatBytes, formatCount } from "../../parts/format.js";

type Identity = Pick<ExportSummary, "dockerfile" | "target" | "platform">;

/** "Dockerfile: test"; without a target, the last stage is built. */
export const targetOf = ({ dockerfile, target }: Identity): string =>
  [dockerfile, target].filter((part) => part !== "").join(": ") || "default";

export const platformOf = ({ platform }: Identity): string => (platform === "" ? "builder's own" : platform);

export interface Removable {
  readonly exports: readonly unknown[];
  readonly blobs: number;
  readonly bytes: number;
}

/** "2 exports and 31 blobs, 4.2MB". */
export const amountOf = ({ exports, blobs, bytes }: Removable): string =>
  `${formatCount(exports.length, "export")} and ${formatCount(blobs, "blob")}, ${formatBytes(bytes)}`;
