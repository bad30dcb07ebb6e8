/** The gRPC services of a BuildKit daemon's control socket: the closed set of names for metrics and logs. */

/** Service → methods, as of moby/buildkit v0.32.2. Calls to others are forwarded all the same. */
const SERVICES = {
  "moby.buildkit.v1.Control": [
    "DiskUsage",
    "Prune",
    "Solve",
    "Status",
    "Session",
    "ListWorkers",
    "Info",
    "ListenBuildHistory",
    "UpdateBuildHistory",
  ],
  "moby.buildkit.v1.frontend.LLBBridge": [
    "ResolveImageConfig",
    "ResolveSourceMeta",
    "Solve",
    "ReadFile",
    "ReadDir",
    "StatFile",
    "Evaluate",
    "Ping",
    "Return",
    "Inputs",
    "NewContainer",
    "ReleaseContainer",
    "ExecProcess",
    "ReadFileContainer",
    "ReadDirContainer",
    "StatFileContainer",
    "Warn",
  ],
  "containerd.services.content.v1.Content": [
    "Info",
    "Update",
    "List",
    "Delete",
    "Read",
    "Status",
    "ListStatuses",
    "Write",
    "Abort",
  ],
  "opentelemetry.proto.collector.trace.v1.TraceService": ["Export"],
  "grpc.health.v1.Health": ["Check", "List", "Watch"],
  "grpc.reflection.v1.ServerReflection": ["ServerReflectionInfo"],
  "grpc.reflection.v1alpha.ServerReflection": ["ServerReflectionInfo"],
} as const;

export interface MethodName {
  readonly service: string;
  readonly method: string;
}

/** Stands for every method that is not in the table, whatever a client calls it. */
export const OTHER_METHOD: MethodName = { service: "other", method: "other" };

/** Path of the call that asks for the daemon's workers; it takes an empty message. */
export const LIST_WORKERS_PATH = "/moby.buildkit.v1.Control/ListWorkers";

/** Paths of the calls that are looked into, or made by ourselves. */
export const CONTROL = {
  diskUsage: "/moby.buildkit.v1.Control/DiskUsage",
  info: "/moby.buildkit.v1.Control/Info",
  listenBuildHistory: "/moby.buildkit.v1.Control/ListenBuildHistory",
  prune: "/moby.buildkit.v1.Control/Prune",
  session: "/moby.buildkit.v1.Control/Session",
  solve: "/moby.buildkit.v1.Control/Solve",
  status: "/moby.buildkit.v1.Control/Status",
  updateBuildHistory: "/moby.buildkit.v1.Control/UpdateBuildHistory",
} as const;

export const LLB_BRIDGE = {
  /** Of all its calls. */
  prefix: "/moby.buildkit.v1.frontend.LLBBridge/",
  ping: "/moby.buildkit.v1.frontend.LLBBridge/Ping",
  resolveSourceMeta: "/moby.buildkit.v1.frontend.LLBBridge/ResolveSourceMeta",
  return: "/moby.buildkit.v1.frontend.LLBBridge/Return",
  solve: "/moby.buildkit.v1.frontend.LLBBridge/Solve",
} as const;

/** Of all calls of the content store. */
export const CONTENT_PREFIX = "/containerd.services.content.v1.Content/";

export const CONTENT = {
  delete: "/containerd.services.content.v1.Content/Delete",
  info: "/containerd.services.content.v1.Content/Info",
  list: "/containerd.services.content.v1.Content/List",
  read: "/containerd.services.content.v1.Content/Read",
} as const;

/** Metadata of Control.Session: its id, and a key that is equal for the same folder of the same client. */
export const SESSION_METADATA = {
  id: "x-docker-expose-session-uuid",
  sharedKey: "x-docker-expose-session-sharedkey",
} as const;

/** Metadata of every LLBBridge call: the ref of the build that it belongs to. */
export const BUILD_ID_METADATA = "buildkit-controlapi-buildid";

const byPath: ReadonlyMap<string, MethodName> = new Map(
  Object.entries(SERVICES).flatMap(([service, methods]) =>
    methods.map((method) => [`/${service}/${method}`, { service, method }] as const),
  ),
);

export const KNOWN_METHODS: readonly MethodName[] = [...byPath.values()];

/** The method of a request's `:path`. */
export function methodOfPath(path: string | undefined): MethodName {
  return byPath.get(path ?? "") ?? OTHER_METHOD;
}
