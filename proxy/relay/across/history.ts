/** Control.ListenBuildHistory of a farm: the builds of all builders, in the order in which one daemon tells them. */
import type { Timestamp } from "../../buildkit/build-messages.js";
import { HISTORY_STARTED } from "../../buildkit/history-messages.js";
import type { HistoryEvent, HistoryMessages } from "../../buildkit/history-messages.js";
import { CONTROL } from "../../buildkit/methods.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { askBuilders } from "./ask-builders.js";
import type { FarmCall, FarmCallContext } from "./farm-call.js";

const TIMESTAMP_METADATA = "buildkit-current-timestamp";
/** For all that a builder tells before it ends by itself. */
const LIST_TIMEOUT_MS = 30_000;

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
    const { earlyExit, limit } = deps.messages.request.decode(request);
    if (earlyExit && limit > 0) await sendLatest(request, limit, context, deps);
    else {
      const timeoutMs = earlyExit ? LIST_TIMEOUT_MS : undefined;
      await eventsOfAll(request, context, deps, timeoutMs, (message) => context.send(message));
    }
  };
}

/** Builds that run are told at once and not counted, as a daemon does; then the latest of the others. */
async function sendLatest(request: Buffer, limit: number, context: FarmCallContext, deps: ListenDeps): Promise<void> {
  const ended: { readonly message: Buffer; readonly createdAt: Timestamp }[] = [];
  await eventsOfAll(request, context, deps, LIST_TIMEOUT_MS, (message, { type, createdAt }) => {
    if (type === HISTORY_STARTED) return context.send(message);
    ended.push({ message, createdAt });
    return undefined;
  });
  ended.sort((a, b) => b.createdAt.seconds - a.createdAt.seconds || b.createdAt.nanos - a.createdAt.nanos);
  for (const { message } of ended.slice(0, limit)) await context.send(message);
}

/** Lasts until the last builder ends it; one that fails is missed only where none is left that answers. */
async function eventsOfAll(
  request: Buffer,
  { builders, metadata, signal }: FarmCallContext,
  { messages, onEvent }: ListenDeps,
  timeoutMs: number | undefined,
  take: OnEvent,
): Promise<void> {
  const options = timeoutMs === undefined ? { signal } : { signal, timeoutMs };
  await askBuilders(builders, options, (client, limited, builder) =>
    client.serverStream(CONTROL.listenBuildHistory, request, { metadata, signal: limited }, (message) => {
      const event = messages.readEvent(message);
      onEvent(event, builder);
      return take(message, event);
    }),
  );
}
