/** A builder of the farm as the other parts see it: what it is, how it does, and whether it takes builds. */
import type { Builder } from "./builder.js";
import type { Health } from "./health.js";

/**
 * Where it comes from. `embedded`: run by MemoBuild because none was named; `configured`: `--builder`; `resolved`: an
 * address behind a name of `--builder dns+tcp://…`; `managed`: one of `--managed-builders`; `added`: `memobuild builders
 * add`.
 */
export const BUILDER_ORIGINS = ["embedded", "configured", "resolved", "managed", "added"] as const;
export type BuilderOrigin = (typeof BUILDER_ORIGINS)[number];

/** Its fields tell how it stands now: they change while the object stays the same for as long as it is in the farm. */
export interface FarmBuilder extends Builder {
  /** For people: its address, or "managed-1" and the like. Unique in the farm. */
  readonly name: string;
  readonly origin: BuilderOrigin;
  /** The address that it was resolved from. */
  readonly resolvedFrom?: string | undefined;
  readonly health: Health;
  /** It finishes what it has, and gets no more. */
  readonly isDraining: boolean;
  /** Bytes of its answer to LLBBridge.Ping, once it was asked: what frontends and LLB can do there. */
  readonly pong: Buffer | undefined;
  /** Host under which it reaches this machine, where that cannot be told from a connection to it. */
  readonly reachesUsAt?: string | undefined;
}

/** The builders that there are now. */
export interface FarmView {
  /** In a stable order: the first stands for all where only one can. Never changes in place. */
  readonly builders: readonly FarmBuilder[];
  /** A connection to it failed or was lost: its health is checked now rather than in time. */
  suspect(builder: Builder): void;
}

export const isUp = (builder: FarmBuilder): boolean => builder.health.state === "up";
