/** The messages of a builder's history of builds: what is read of them, and what is asked. */
import { z } from "zod";
import type { Timestamp } from "./build-messages.js";
import { loadProto } from "./codec.js";
import type { Codec } from "./codec.js";

export interface HistoryRequest {
  readonly activeOnly: boolean;
  /** "" for builds of any ref. */
  readonly ref: string;
  /** Ends when all there is has been told, rather than going on with what happens next. */
  readonly earlyExit: boolean;
  readonly filter: readonly string[];
  /** Of builds that have ended, latest first; 0 for all. */
  readonly limit: number;
}

/** What happened to a build, as BuildHistoryEvent.type has it. */
export const HISTORY_STARTED = 0;

export interface HistoryEvent {
  readonly type: number;
  readonly ref: string;
  readonly createdAt: Timestamp;
  /** Digests of what the builder keeps of it: log, trace, results, attestations. */
  readonly digests: readonly string[];
}

export interface HistoryMessages {
  readonly request: Codec<HistoryRequest>;
  /** @throws Error where the bytes are no event. */
  readonly readEvent: (message: Buffer) => HistoryEvent;
}

const descriptor = z.object({ digest: z.string() }).nullable();
const resultInfo = z
  .object({
    resultDeprecated: descriptor,
    attestations: z.array(descriptor),
    results: z.array(z.object({ value: descriptor })),
  })
  .nullable();
const record = z.object({
  ref: z.string(),
  createdAt: z.object({ seconds: z.number(), nanos: z.number() }).nullable(),
  ...{ logs: descriptor, trace: descriptor, externalError: descriptor },
  result: resultInfo,
  results: z.array(z.object({ value: resultInfo })),
});
const event = z.object({ type: z.number(), record: record.nullable() });

const historyRequest: z.ZodType<HistoryRequest> = z.object({
  activeOnly: z.boolean(),
  ref: z.string(),
  earlyExit: z.boolean(),
  filter: z.array(z.string()),
  limit: z.number(),
});

/** Reads the descriptions; file access happens here, once. */
export async function loadHistoryMessages(): Promise<HistoryMessages> {
  const control = await loadProto("control.proto");
  const events = control("moby.buildkit.v1.BuildHistoryEvent", event);
  return {
    request: control("moby.buildkit.v1.BuildHistoryRequest", historyRequest),
    readEvent: (message) => {
      const decoded = events.decode(message);
      return {
        type: decoded.type,
        ref: decoded.record?.ref ?? "",
        createdAt: decoded.record?.createdAt ?? { seconds: 0, nanos: 0 },
        digests: decoded.record === null ? [] : digestsOf(decoded.record),
      };
    },
  };
}

function digestsOf({ logs, trace, externalError, result, results }: z.infer<typeof record>): string[] {
  const infos = [result, ...results.map(({ value }) => value)].filter((info) => info !== null);
  const descriptors = infos.flatMap((info) => [
    info.resultDeprecated,
    ...info.attestations,
    ...info.results.map(({ value }) => value),
  ]);
  return [logs, trace, externalError, ...descriptors].flatMap((found) => found?.digest ?? []);
}
