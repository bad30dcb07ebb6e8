/** A build as a graph to be drawn: one node for each step, one edge for each input. */
import type { BuildOutcome, BuildRecord, StepRecord } from "../builds/build-record.js";

export interface GraphNode
  extends
    Pick<StepRecord, "digest" | "name" | "kind" | "stage" | "instruction" | "platform" | "isUser" | "result">,
    Pick<StepRecord, "lines" | "cachedFrom" | "startedAtMs" | "completedAtMs" | "durationMs" | "error" | "progress">,
    Pick<StepRecord, "warnings" | "logBytes" | "cause"> {
  /** Index of the step in the record. */
  readonly step: number;
}

export interface GraphEdge {
  /** The step whose result is needed. */
  readonly from: number;
  /** The step that needs it. */
  readonly to: number;
}

export interface BuildGraph {
  readonly ref: string;
  readonly outcome: BuildOutcome;
  /** In the order of the record. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Names of the stages, in the order of their first steps. */
  readonly stages: readonly string[];
  /** Steps that were seen are more than these. */
  readonly isCut: boolean;
}

function nodeOf(record: StepRecord, step: number): GraphNode {
  const { digest, name, kind, stage, instruction, platform, isUser, result } = record;
  const { lines, cachedFrom, startedAtMs, completedAtMs, durationMs, error, progress, warnings } = record;
  const { logBytes, cause } = record;
  return {
    ...{ step, digest, name, kind, stage, instruction, platform, isUser, result },
    ...{ lines, cachedFrom, startedAtMs, completedAtMs, durationMs, error, progress, warnings, logBytes, cause },
  };
}

export function graphOf({ ref, outcome, steps, isCut }: BuildRecord): BuildGraph {
  const nodes = steps.map(nodeOf);
  // A step that takes two results of another needs it once.
  const edges = steps.flatMap(({ inputs }, to) => [...new Set(inputs)].map((from) => ({ from, to })));
  const stages = [...new Set(steps.map(({ stage }) => stage).filter((stage) => stage !== ""))];
  return { ref, outcome, nodes, edges, stages, isCut };
}
