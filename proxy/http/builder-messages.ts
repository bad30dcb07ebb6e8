/** The JSON about builders: questions and answers, each checked where it arrives. */
import { z } from "zod";
import {
  BUILDER_STATES,
  type BuilderDetails,
  type BuilderReport,
  type FarmReport,
  type ResourceUsage,
  type UsageHistory,
  type WarmProject,
} from "../farm/builder-desk.js";
import { BUILDER_ORIGINS } from "../farm/farm-builder.js";
import { amount, count, textInUrl } from "./message-values.js";

export interface BuilderName {
  readonly name: string;
}

/** In a URL everything is text. */
export interface BuilderRemoval extends BuilderName {
  readonly force: "true" | "false";
}

export interface NewBuilder {
  readonly address: string;
}

const builderName = textInUrl.min(1).describe("of a builder, or its address");

export const builderNameQuestion: z.ZodType<BuilderName> = z.strictObject({ name: builderName });

export const builderRemoval: z.ZodType<BuilderRemoval> = z.strictObject({
  name: builderName,
  force: z
    .enum(["true", "false"])
    .default("false")
    .describe("ends the builds that run there, rather than waiting for them"),
});

export const newBuilder: z.ZodType<NewBuilder> = z.strictObject({
  address: textInUrl.min(1).describe("as `memobuild serve --builder` takes it, but for dns+tcp"),
});

export const resourceUsage: z.ZodType<ResourceUsage> = z.object({
  sampledAtMs: z.number(),
  cpuCores: amount.optional(),
  cpuLimitCores: amount.optional(),
  memoryBytes: amount.optional(),
  memoryLimitBytes: amount.optional(),
  stateBytes: amount.optional(),
  stateLimitBytes: amount.optional(),
  diskFreeBytes: amount.optional(),
  diskTotalBytes: amount.optional(),
});

const report = {
  name: z.string(),
  address: z.string(),
  origin: z.enum(BUILDER_ORIGINS),
  resolvedFrom: z.string().optional(),
  state: z.enum(BUILDER_STATES),
  cause: z.string().optional(),
  sinceMs: z.number(),
  isDraining: z.boolean(),
  version: z.string(),
  platforms: z.array(z.string()),
  runningBuilds: count,
  clients: count,
  maxClients: count.optional(),
  usage: resourceUsage,
  warnings: z.array(z.string()),
};

export const builderReport: z.ZodType<BuilderReport> = z.object(report);

const warmProject: z.ZodType<WarmProject> = z.object({
  project: z.string(),
  lastBuiltAtMs: z.number(),
  builds: count,
});

export const builderDetails: z.ZodType<BuilderDetails> = z.object({
  ...report,
  workerId: z.string(),
  labels: z.record(z.string(), z.string()),
  limitations: z.array(z.string()),
  projects: z.array(warmProject),
});

export const farmReport: z.ZodType<FarmReport> = z.object({
  builders: z.array(builderReport),
  waitingBuilds: count,
  memobuild: resourceUsage,
});

export const usageHistory: z.ZodType<UsageHistory> = z.object({
  stepMs: count,
  series: z.array(z.object({ name: z.string(), samples: z.array(resourceUsage) })),
  load: z.array(z.object({ atMs: z.number(), runningBuilds: count, waitingBuilds: count })),
});
