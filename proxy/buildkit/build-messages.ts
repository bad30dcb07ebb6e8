/** The messages of a build that are looked into or sent by ourselves: their shapes and codecs. */
import { z } from "zod";
import { loadProto } from "./codec.js";
import type { Codec } from "./codec.js";

// What is only handed on is kept as bytes; a map's values may be secrets, so none of this is ever logged.
const bytes = z.instanceof(Uint8Array).transform((array) => Buffer.from(array.buffer, array.byteOffset, array.length));
const strings = z.record(z.string(), z.string());
/** google.protobuf.Timestamp: since 1970. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}
const timestamp = z.object({ seconds: z.number(), nanos: z.number() }).nullable();

/** Milliseconds since 1970, with fraction. */
export const millisecondsOf = ({ seconds, nanos }: Timestamp): number => seconds * 1_000 + nanos / 1_000_000;

/** Type and attributes of a cache import or export, such as `registry` and its `ref`. */
export interface CacheOptionsEntry {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
}
const cacheOptionsEntry = z.object({ type: z.string(), attrs: strings });

export interface SolveRequest {
  readonly ref: string;
  readonly definition: Buffer;
  readonly session: string;
  readonly frontend: string;
  readonly frontendAttrs: Readonly<Record<string, string>>;
  readonly cache: {
    readonly exports: readonly CacheOptionsEntry[];
    readonly imports: readonly CacheOptionsEntry[];
  } | null;
  readonly entitlements: readonly string[];
  readonly internal: boolean;
  readonly sourcePolicy: Buffer;
  readonly exporters: readonly { readonly type: string }[];
  /** As old clients name the one that they have. */
  readonly exporterDeprecated: string;
  readonly sourcePolicySession: string;
  readonly compatibilityVersion: number;
  readonly proxyNetwork: boolean;
}
const solveRequest: z.ZodType<SolveRequest> = z.object({
  ref: z.string(),
  definition: bytes,
  session: z.string(),
  frontend: z.string(),
  frontendAttrs: strings,
  cache: z.object({ exports: z.array(cacheOptionsEntry), imports: z.array(cacheOptionsEntry) }).nullable(),
  entitlements: z.array(z.string()),
  internal: z.boolean(),
  sourcePolicy: bytes,
  exporters: z.array(z.object({ type: z.string() })),
  exporterDeprecated: z.string(),
  sourcePolicySession: z.string(),
  compatibilityVersion: z.number(),
  proxyNetwork: z.boolean(),
});

export interface SolveResponse {
  readonly exporterResponse: Readonly<Record<string, string>>;
}

export interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly cached: boolean;
  /** Digests of vertexes. */
  readonly inputs: readonly string[];
  /** Null until then. */
  readonly started: Timestamp | null;
  readonly completed: Timestamp | null;
  readonly error: string;
}

/** Progress of a part of a vertex, such as a layer. */
export interface VertexStatus {
  readonly id: string;
  readonly vertex: string;
  readonly name: string;
  readonly current: number;
  readonly total: number;
  readonly completed: Timestamp | null;
}

export interface VertexLog {
  readonly vertex: string;
  readonly timestamp: Timestamp | null;
  /** 1 is stdout, 2 stderr. */
  readonly stream: number;
  readonly msg: Buffer;
}

export interface VertexWarning {
  readonly vertex: string;
  readonly short: Buffer;
}

export interface StatusResponse {
  readonly vertexes: readonly Vertex[];
  readonly statuses: readonly VertexStatus[];
  readonly logs: readonly VertexLog[];
  readonly warnings: readonly VertexWarning[];
}
const statusResponse: z.ZodType<StatusResponse> = z.object({
  vertexes: z.array(
    z.object({
      digest: z.string(),
      inputs: z.array(z.string()),
      name: z.string(),
      cached: z.boolean(),
      started: timestamp,
      completed: timestamp,
      error: z.string(),
    }),
  ),
  statuses: z.array(
    z.object({
      id: z.string(),
      vertex: z.string(),
      name: z.string(),
      current: z.number(),
      total: z.number(),
      completed: timestamp,
    }),
  ),
  logs: z.array(z.object({ vertex: z.string(), timestamp, stream: z.number(), msg: bytes })),
  warnings: z.array(z.object({ vertex: z.string(), short: bytes })),
});

export interface GatewaySolveRequest {
  readonly definition: Buffer;
  readonly frontend: string;
  readonly frontendOpt: Readonly<Record<string, string>>;
  readonly allowResultReturn: boolean;
  readonly allowResultArrayRef: boolean;
  readonly cacheImports: readonly CacheOptionsEntry[];
  readonly evaluate: boolean;
}
const gatewaySolveRequest: z.ZodType<GatewaySolveRequest> = z.object({
  definition: bytes,
  frontend: z.string(),
  frontendOpt: strings,
  allowResultReturn: z.boolean(),
  allowResultArrayRef: z.boolean(),
  cacheImports: z.array(cacheOptionsEntry),
  evaluate: z.boolean(),
});

/** A handle of the builder's for a result, and the LLB that gives it. */
export interface Ref {
  readonly id: string;
  readonly def: Buffer;
}
const ref = z.object({ id: z.string(), def: bytes });

/** One result, or one for each platform. */
export interface GatewayResult {
  readonly ref: Ref | null;
  readonly refs: { readonly refs: Readonly<Record<string, Ref>> } | null;
  readonly metadata: Readonly<Record<string, Buffer>>;
}
const gatewayResult: z.ZodType<GatewayResult> = z.object({
  ref: ref.nullable(),
  refs: z.object({ refs: z.record(z.string(), ref) }).nullable(),
  metadata: z.record(z.string(), bytes),
});

export interface GatewaySolveResponse {
  readonly result: GatewayResult | null;
}

export interface ReturnRequest {
  readonly result: GatewayResult | null;
  /** A google.rpc.Status; empty where the build went well. */
  readonly error: Buffer;
}

export interface ResolveSourceMetaRequest {
  readonly source: { readonly identifier: string } | null;
}

export interface BuildMessages {
  readonly solveRequest: Codec<SolveRequest>;
  readonly solveResponse: Codec<SolveResponse>;
  readonly statusRequest: Codec<{ readonly ref: string }>;
  readonly statusResponse: Codec<StatusResponse>;
  readonly gatewaySolveRequest: Codec<GatewaySolveRequest>;
  readonly gatewaySolveResponse: Codec<GatewaySolveResponse>;
  readonly returnRequest: Codec<ReturnRequest>;
  readonly resolveSourceMetaRequest: Codec<ResolveSourceMetaRequest>;
}

/** Reads the descriptions; file access happens here, once. */
export async function loadBuildMessages(): Promise<BuildMessages> {
  const [control, gateway] = await Promise.all([loadProto("control.proto"), loadProto("gateway.proto")]);
  const [inControl, inGateway] = ["moby.buildkit.v1", "moby.buildkit.v1.frontend"];
  return {
    solveRequest: control(`${inControl}.SolveRequest`, solveRequest),
    solveResponse: control(`${inControl}.SolveResponse`, z.object({ exporterResponse: strings })),
    statusRequest: control(`${inControl}.StatusRequest`, z.object({ ref: z.string() })),
    statusResponse: control(`${inControl}.StatusResponse`, statusResponse),
    gatewaySolveRequest: gateway(`${inGateway}.SolveRequest`, gatewaySolveRequest),
    gatewaySolveResponse: gateway(`${inGateway}.SolveResponse`, z.object({ result: gatewayResult.nullable() })),
    returnRequest: gateway(`${inGateway}.ReturnRequest`, z.object({ result: gatewayResult.nullable(), error: bytes })),
    resolveSourceMetaRequest: gateway(
      `${inGateway}.ResolveSourceMetaRequest`,
      z.object({ source: z.object({ identifier: z.string() }).nullable() }),
    ),
  };
}
