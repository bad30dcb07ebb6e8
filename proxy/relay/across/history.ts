/** Control.ListenBuildHistory of a farm: the builds of all builders, in the order in which one daemon tells them. */
import type { Timestamp } from "../../buildkit/build-messages.js";
import { HISTORY_STARTED } from "../../buildkit/history-messages.js";
import type { HistoryEvent, HistoryMessages } from "../../buildkit/history-messages.js";
import { CONTROL } from "../../buildkit/methods.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { type GrpcCode } from "../../grpc/grpc-status.js";
import { GrpcError } from "../../grpc/grpc-client.js";
import { type Ask, askBuilder, askBuilders } from "./ask-builders.js";
import type { FarmCall, FarmCallContext } from "./farm-call.js";

const TIMESTAMP_METADATA = "buildkit-current-timestamp";
/** For all that a builder tells before it ends by itself. */
const LIST_TIMEOUT_MS = 30_000;
/** buildx asks for it in every build, to learn whether there is a history: one that can tell is enough. */
const FEATURE_TEST_REF = "buildx-test-history-api-feature";
/** How often a live list looks for builders that have come, or gone. */
const FOLLOW_INTERVAL_MS = 1_000;
/** What a builder that goes ends its calls with. */
const PASSING: ReadonlySet<GrpcCode> = new Set(["UNAVAILABLE", "CANCELLED"]);

export interface ListenDeps {
  readonly messages: HistoryMessages;
  /** Told of each event that passes. */
  readonly onEvent: (event: HistoryEvent, builder: FarmBuilder) => void;
}

type OnEvent = (message: Buffer, event: HistoryEvent) => unknown;

export function listenBuildHistory(deps: ListenDeps): FarmCall {
  return async (request, context) => {
    // Clients wait for it: they tell from it how far their clock is off.
    context.respond([TIMESTAMP_METADATA, new Date().toISOString()]);
    const { earlyExit, limit, ref } = deps.messages.request.decode(request);
    const [any] = context.builders;
    if (ref === FEATURE_TEST_REF && any !== undefined)
      await askBuilder(
        any,
        context,
        eventsOfOne(request, context, deps, (message) => context.send(message)),
      );
    else if (earlyExit && limit > 0) await sendLatest(request, limit, context, deps);
    else if (earlyExit) await eventsOfAll(request, context, deps, (message) => context.send(message));
    else await follow(request, context, deps);
  };
}

/** Builds that run are told at once and not counted, as a daemon does; then the latest of the others. */
async function sendLatest(request: Buffer, limit: number, context: FarmCallContext, deps: ListenDeps): Promise<void> {
  const ended: { readonly message: Buffer; readonly createdAt: Timestamp }[] = [];
  await eventsOfAll(request, context, deps, (message, { type, createdAt }) => {
    if (type === HISTORY_STARTED) return context.send(message);
    ended.push({ message, createdAt });
    return undefined;
  });
  ended.sort((a, b) => b.createdAt.seconds - a.createdAt.seconds || b.createdAt.nanos - a.createdAt.nanos);
  for (const { message } of ended.slice(0, limit)) await context.send(message);
}

/** One that fails is missed only where none is left that answers. */
async function eventsOfAll(request: Buffer, context: FarmCallContext, deps: ListenDeps, take: OnEvent): Promise<void> {
  const { builders, signal } = context;
  await askBuilders(builders, { signal, timeoutMs: LIST_TIMEOUT_MS }, eventsOfOne(request, context, deps, take));
}

/**
 * Lasts until the client leaves, whatever builders come and go meanwhile; one that comes back tells what it has anew.
 *
 * @throws GrpcError where a builder does not take the request
 */
function follow(request: Buffer, context: FarmCallContext, deps: ListenDeps): Promise<void> {
  const { current, signal } = context;
  const ask = eventsOfOne(request, context, deps, (message) => context.send(message));
  const followed = new Map<FarmBuilder, AbortController>();
  return new Promise((resolve, reject) => {
    const followAll = (): void => {
      const answering = current();
      // One that cannot be reached may never end its call, and would not be asked again when it is back.
      for (const [builder, stop] of followed) if (!answering.includes(builder)) stop.abort();
      for (const builder of answering) {
        if (followed.has(builder)) continue;
        const stop = new AbortController();
        followed.set(builder, stop);
        void askBuilder(builder, { signal: stop.signal }, ask)
          .catch((error: unknown) => {
            if (error instanceof GrpcError && !PASSING.has(error.code)) end(error);
          })
          .finally(() => followed.delete(builder));
      }
    };
    const timer = setInterval(followAll, FOLLOW_INTERVAL_MS).unref();
    const end = (error?: GrpcError): void => {
      clearInterval(timer);
      for (const stop of followed.values()) stop.abort();
      if (error === undefined) resolve();
      else reject(error);
    };
    signal.addEventListener(
      "abort",
      () => {
        end();
      },
      { once: true },
    );
    followAll();
  });
}

const eventsOfOne =
  (request: Buffer, { metadata }: FarmCallContext, { messages, onEvent }: ListenDeps, take: OnEvent): Ask<void> =>
  (client, signal, builder) =>
    client.serverStream(CONTROL.listenBuildHistory, request, { metadata, signal }, (message) => {
      const event = messages.readEvent(message);
      onEvent(event, builder);
      return take(message, event);
    });
