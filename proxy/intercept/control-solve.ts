/** Control.Solve: a build begins and ends. */
import type { SolveRequest } from "../buildkit/build-messages.js";
import { withoutMapEntry } from "../buildkit/raw-message.js";
import type { CacheScope } from "../cache/cache-index.js";
import { settledWithin } from "../farm/deadline.js";
import type { Builder } from "../farm/builder.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import type { Interception } from "../relay/interception.js";
import type { ClientOutcome, ExportEnd } from "../writeback/write-behind.js";
import type { ClientBuilds, Sharing } from "./client-builds.js";
import { harmlessRecord } from "./harmless-record.js";
import { attachExport, injectIntoSolve } from "./inject.js";
import { TrackedBuild } from "./tracked-build.js";

/** Field of SolveResponse: what the exporters say. */
const EXPORTER_RESPONSE = 1;
/** Of a build that none took. */
const NO_BUILDER: Builder = { address: "", dial: () => Promise.reject(new Error("the build came to no builder")) };
/** The last of the progress may come after the end of the build. */
const PROGRESS_END_TIMEOUT_MS = 1_000;

export function interceptSolve(client: ClientBuilds): Interception {
  const { guard, messages } = client.deps;
  let build: TrackedBuild | undefined;
  return {
    request: guard.request("solve", async (message, builder) => {
      if (build !== undefined) {
        const moved = build;
        moved.move(builder);
        return isGateway(moved.request)
          ? message
          : client.timed(moved, () => changeDirectSolve(client, moved, message));
      }
      const request = messages.solveRequest.decode(message);
      // Internal builds are questions of the client's, not builds of a project.
      if (request.internal || client.builds.has(request.ref)) return message;
      const begun = beginBuild(client, request, builder);
      build = begun;
      return isGateway(request) ? message : client.timed(begun, () => changeDirectSolve(client, begun, message));
    }),
    unsent: (message) => {
      guard.look("solve", () => {
        const request = messages.solveRequest.decode(message);
        // That it never came to a builder is to be seen in the record.
        if (!request.internal && !client.builds.has(request.ref)) build = beginBuild(client, request, NO_BUILDER);
      });
    },
    rewriteResponse: guard.response("solve", (response) =>
      // Our export is none of the client's business.
      build?.attached === undefined ? response : withoutMapEntry(response, EXPORTER_RESPONSE, "cache.manifest"),
    ),
    ended: (code, message) => {
      if (build === undefined) return;
      build.record?.ended(code, message);
      buildEnded(client, build, code).catch((error: unknown) => {
        guard.failed("solve", error);
      });
    },
  };
}

/** Its frontend runs by calls of the client's, rather than from the request itself. */
const isGateway = ({ definition, frontend }: SolveRequest): boolean => frontend === "" && definition.length === 0;

function beginBuild(client: ClientBuilds, request: SolveRequest, builder: Builder): TrackedBuild {
  const { guard, recorder, sharing } = client.deps;
  const identity = client.identify(request, request.frontendAttrs);
  const { group } = client;
  const record = harmlessRecord(guard, () => recorder.begin({ request, group, builder: builder.address, identity }));
  const build = new TrackedBuild(request, builder, sharing?.overlap.begin(), record);
  client.builds.set(request.ref, build);
  // The client may have asked for its progress before.
  if (record !== undefined) client.progress.get(request.ref)?.recordTo(record);
  return build;
}

/** A build with its frontend or definition in the request itself: nothing can be pinned, so its export is attached. */
async function changeDirectSolve(client: ClientBuilds, build: TrackedBuild, message: Buffer): Promise<Buffer> {
  const { messages, readDefinition, sharing } = client.deps;
  const { builder, request } = build;
  if (request.definition.length > 0) build.record?.defined(request.definition);
  const entry = await client.importFor(build, request.frontendAttrs);
  const imported = injectIntoSolve(messages, message, request, entry);
  const registry = await client.registryFor(build);
  // With an export of the user's own, one answer of the builder's would stand for both.
  const hasExport = (request.cache?.exports.length ?? 0) > 0;
  // The client may have left meanwhile, and with it whoever would end the export; or the build has moved on.
  const isOver = build.hasEnded || build.builder !== builder;
  if (sharing?.writeBehind === undefined || registry === undefined || hasExport || isOver) return imported;
  if (!sharing.canExport(builder)) return imported;
  if (request.definition.length > 0) build.definitions = [readDefinition(request.definition)];
  build.attached = sharing.cache.beginExport(registry);
  return attachExport(messages, imported, build.attached.entry);
}

async function buildEnded(client: ClientBuilds, build: TrackedBuild, code: GrpcCode): Promise<void> {
  const { request, running } = build;
  build.hasEnded = true;
  client.builds.delete(request.ref);
  try {
    await exportBuild(client, build, code);
  } finally {
    client.progress.delete(request.ref);
    // The export used what the build was given.
    running?.end();
  }
}

async function exportBuild(client: ClientBuilds, build: TrackedBuild, code: GrpcCode): Promise<void> {
  const { attached, builder, definitions, identity, pinning, record, request } = build;
  const { now, sharing } = client.deps;
  if (sharing === undefined || identity === undefined) return;
  const ended = now();
  const note = ({ result, summary }: ExportEnd): void => {
    record?.exported({ result, bytes: summary?.sizeBytes ?? 0, durationMs: Math.round(now() - ended) });
  };
  if (attached !== undefined && sharing.writeBehind !== undefined) {
    const order = { builder: builder.address, identity, request, definitions, slot: attached };
    note(await sharing.writeBehind.attached(order, code === "OK"));
  }
  // It may still be under way when the client leaves.
  const pin = await pinning;
  if (pin === undefined) return;
  if (typeof pin === "string") {
    note({ result: pin });
    return;
  }
  record?.exported({ result: "pending", bytes: 0, durationMs: 0 });
  const outcome: Promise<ClientOutcome> =
    code === "OK" ? outcomeOf(client, sharing, build, identity) : Promise.resolve("failed");
  const end = await pin.clientEnded(outcome);
  if (end.summary !== undefined) sharing.exported.add(builder.address, identity, build.definitions, end.summary);
  note(end);
}

/** Whether there is something to export. */
async function outcomeOf(
  client: ClientBuilds,
  { cache, exported }: Sharing,
  { builder, definitions, request }: TrackedBuild,
  scope: CacheScope,
): Promise<ClientOutcome> {
  const progress = client.progress.get(request.ref);
  if (progress === undefined) return "new";
  await settledWithin(progress.ended, PROGRESS_END_TIMEOUT_MS);
  // A scope that lost a layer waits for a new export, be it of what is cached.
  const isCached = !progress.hasExecuted(definitions) && !cache.isBroken(scope);
  if (isCached && (await exported.has(builder.address, scope, definitions))) return "unchanged";
  // Until its export is complete: a build that finds all of it cached must not take that for granted.
  exported.remove(builder.address, scope, definitions);
  return "new";
}
