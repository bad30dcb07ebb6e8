/** The seam between who can measure a builder and who asks for it at intervals. */

/** What is not known is undefined. */
export interface UsageSample {
  /** Processor time used since some moment that stays the same. */
  readonly cpuSeconds?: number | undefined;
  readonly cpuLimitCores?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
}

/** Undefined: it does not run now. May reject, which is the same. */
export type UsageSource = (signal: AbortSignal) => Promise<UsageSample | undefined>;
