/** The seam for people and programs that see and manage the builders: what they are told, and what they may ask for. */
import type { BuilderOrigin } from "./farm-builder.js";

/** `refused`: it answers, and is not used, such as one that is too old. */
export const BUILDER_STATES = ["up", "down", "refused", "unknown"] as const;
export type BuilderState = (typeof BUILDER_STATES)[number];

/** What a builder, or MemoBuild itself, uses of its machine; what is not known is undefined. */
export interface ResourceUsage {
  /** Milliseconds since 1970. */
  readonly sampledAtMs: number;
  /** Processors in use, averaged since the sample before: 1.5 is one and a half. */
  readonly cpuCores?: number | undefined;
  readonly cpuLimitCores?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
  /** What BuildKit says that it keeps: layers, contexts, cache mounts. For MemoBuild: its data directory's cache. */
  readonly stateBytes?: number | undefined;
  /** What BuildKit is asked to prune down to. */
  readonly stateLimitBytes?: number | undefined;
  /** Of the file system that its state is on. */
  readonly diskFreeBytes?: number | undefined;
  readonly diskTotalBytes?: number | undefined;
}

export interface BuilderReport {
  readonly name: string;
  readonly address: string;
  readonly origin: BuilderOrigin;
  readonly resolvedFrom?: string | undefined;
  readonly state: BuilderState;
  /** Why it is down or refused. */
  readonly cause?: string | undefined;
  /** Since when it is in this state: milliseconds since 1970. */
  readonly sinceMs: number;
  readonly isDraining: boolean;
  /** Of BuildKit, "" where unknown. */
  readonly version: string;
  /** `os/architecture[/variant]`, its own first. */
  readonly platforms: readonly string[];
  readonly runningBuilds: number;
  /** Clients that build on it, each with one build or more: what the limit counts. */
  readonly clients: number;
  /** Of `clients`; undefined where there is none. */
  readonly maxClients?: number | undefined;
  readonly usage: ResourceUsage;
  /** Such as a disk that is nearly full: sentences for people. */
  readonly warnings: readonly string[];
}

export interface WarmProject {
  readonly project: string;
  /** Milliseconds since 1970. */
  readonly lastBuiltAtMs: number;
  readonly builds: number;
}

export interface BuilderDetails extends BuilderReport {
  readonly workerId: string;
  /** Of its workers. */
  readonly labels: Readonly<Record<string, string>>;
  /** What it lacks, and what follows for builds: sentences for people. */
  readonly limitations: readonly string[];
  /** Projects that it built lately, latest first; a few. */
  readonly projects: readonly WarmProject[];
}

export interface FarmReport {
  readonly builders: readonly BuilderReport[];
  /** Builds that wait for a builder. */
  readonly waitingBuilds: number;
  /** MemoBuild's own process. */
  readonly memobuild: ResourceUsage;
}

/**
 * How builders did over the last hours, as far as this process has seen it. It stays small: a farm of more than 100
 * builders is told of the 100 that were there first, and a series has at most 180 samples; the longer the time, the
 * further they are apart, and the latest is always there.
 */
export interface UsageHistory {
  /** Between two samples; the latest may be nearer to the one before. */
  readonly stepMs: number;
  /** Of builders that are there now, by name, and of MemoBuild's own process under `MEMOBUILD_SERIES`; oldest sample first. */
  readonly series: readonly UsageSeries[];
  /** Of the whole farm, oldest first. */
  readonly load: readonly LoadSample[];
}

export const MEMOBUILD_SERIES = "memobuild";

export interface UsageSeries {
  readonly name: string;
  readonly samples: readonly ResourceUsage[];
}

export interface LoadSample {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly runningBuilds: number;
  readonly waitingBuilds: number;
}

export interface RemoveOptions {
  /** Ends the builds that run there, rather than waiting for them. */
  readonly isForced: boolean;
}

/** What cannot be done, for people. */
export class BuilderError extends Error {
  override readonly name = "BuilderError";
  readonly code: "unknown" | "bad_address" | "exists" | "last";

  constructor(code: BuilderError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Builders are named by name or address. Every method rejects with BuilderError for what cannot be. */
export interface BuilderDesk {
  report(): Promise<FarmReport>;
  inspect(name: string): Promise<BuilderDetails>;
  usageHistory(): Promise<UsageHistory>;
  /** @param address as `--builder` takes it; kept across restarts. */
  add(address: string): Promise<BuilderReport>;
  /** Resolves at once; kept across restarts. */
  drain(name: string): Promise<BuilderReport>;
  undrain(name: string): Promise<BuilderReport>;
  /** Drains it, and resolves when it is gone; what MemoBuild runs itself ends, with its state. */
  remove(name: string, options: RemoveOptions, signal: AbortSignal): Promise<void>;
}
