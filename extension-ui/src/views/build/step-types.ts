/** Types of a build's steps as the API's graph has them. */
import type { BuildGraph, Explanation } from "../../api/openapi.js";

export type GraphNode = BuildGraph["nodes"][number];
export type GraphEdge = BuildGraph["edges"][number];
export type StepResult = GraphNode["result"];
export type Miss = Explanation["misses"][number];
