/** The seam to what shows builds as they go. */
import type { BuildEvent } from "../builds/build-desk.js";

/** A build, and what it does now. */
export type RunningBuild = Pick<BuildEvent, "build" | "running">;

export interface WatchView {
  /** These run now, and no others: at the start, and where events were missed. */
  reset(running: readonly RunningBuild[]): void;
  show(event: BuildEvent): void;
  /** Nothing more is shown. */
  close(): void;
}
