/** The seam between those who have a build and those who know the builders: a place for it, waited for in a queue. */
import type { FarmBuilder } from "./farm-builder.js";

export interface PlaceRequest {
  readonly tenant: string;
  readonly project: string;
  /** What of the project is built: Dockerfile and target; builds with the same share most of their steps. */
  readonly scope: string;
  /** `os/architecture[/variant]`; empty for the builder's own. */
  readonly platforms: readonly string[];
  /** Addresses of builders that failed for it. */
  readonly exclude: ReadonlySet<string>;
  /** Its client's earlier builds, its sessions are there: it waits for this one and takes no other. */
  readonly stayOn?: FarmBuilder | undefined;
}

export interface PlaceOptions {
  /** The client is gone, or cancels. */
  readonly signal: AbortSignal;
  /** It has to wait: called at once and whenever the number of those before it changes. */
  readonly onWaiting: (ahead: number) => void;
}

/** Why the builder was chosen, as the metric calls it. */
export const PLACEMENT_REASONS = ["warm", "cold", "overflow", "pinned", "only"] as const;
export type PlacementReason = (typeof PLACEMENT_REASONS)[number];

/** One client's place on a builder: its builds there count as one, since they may need each other. */
export interface Lease {
  readonly builder: FarmBuilder;
  readonly reason: PlacementReason;
  /** Its builds have ended, or could not begin. May be called twice. */
  release(): void;
}

/** No builder takes the build; the message is for the client, and says what to do. */
export class NoBuilderError extends Error {
  override readonly name = "NoBuilderError";
}

export interface Placing {
  /** @throws NoBuilderError; the reason of `signal` */
  place(request: PlaceRequest, options: PlaceOptions): Promise<Lease>;
}
