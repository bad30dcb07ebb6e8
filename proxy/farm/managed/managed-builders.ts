/** The seam of the builders that MemoBuild runs itself: processes of this machine, or containers of a Docker Engine. */
import type { Builder } from "../builder.js";
import type { UsageSource } from "../resources/usage-source.js";

export interface ManagedBuilder {
  /** "managed-1" and so on. */
  readonly name: string;
  readonly builder: Builder;
  /** Host under which it reaches this machine, where that cannot be told from a connection to it. */
  readonly reachesUsAt?: string | undefined;
  /** Folder of BuildKit's state, as far as it can be seen from here. */
  readonly stateDir?: string | undefined;
  readonly sample: UsageSource;
}

export interface ManagedBuilders {
  /** What was started when it fails is for `close`. @throws StartError */
  start(): Promise<readonly ManagedBuilder[]>;
  /** Ends it and removes its state; the next start makes an empty one, unless fewer are wanted then. */
  remove(name: string): Promise<void>;
  /** Processes end; containers go on, and are taken over by the next start. */
  close(hurry: AbortSignal): Promise<void>;
}

/** Limits of each; none where not set. */
export interface ManagedLimits {
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

const NAME = /^managed-([1-9]\d{0,3})$/;

export const managedName = (number: number): string => `managed-${number}`;

/** @returns undefined where it is no managed builder's name. */
export function managedNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const MEGABYTE = 1e6;

/** buildkitd's arguments that keep what it caches below `keepBytes`; they leave the rest of its configuration alone. */
export function gcArguments(keepBytes: number | undefined): readonly string[] {
  if (keepBytes === undefined) return [];
  // In megabytes: what is kept in any case, what of the disk stays free, and the most that is kept.
  return ["--oci-worker-gc-keepstorage", `0,0,${Math.max(1, Math.floor(keepBytes / MEGABYTE))}`];
}
