/** Asks several builders the same at once, each on a connection of its own, and makes one answer or one failure of it. */
import { withDeadline } from "../../farm/deadline.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { withBuilderClient } from "../../farm/with-builder-client.js";
import { GrpcError } from "../../grpc/grpc-client.js";
import type { GrpcClient } from "../../grpc/grpc-client.js";

/** Of a large farm, so many causes are told. */
const CAUSES_MAX = 5;
const LOOK_INTERVAL_MS = 1_000;
/** Looks in a row that a builder may be missing: one that prunes may be too busy for its health checks. */
const MISSED_LOOKS_MAX = 30;

/** A call to one builder; `signal` ends it. */
export type Ask<T> = (client: GrpcClient, signal: AbortSignal, builder: FarmBuilder) => Promise<T>;

export interface AskOptions {
  readonly signal: AbortSignal;
  /** A builder that takes longer counts as failed; undefined for no limit. */
  readonly timeoutMs?: number;
  /** A builder that is not among these any more counts as failed: calls into the void would never end by themselves. */
  readonly current?: () => readonly FarmBuilder[];
}

export interface Failure {
  readonly builder: FarmBuilder;
  readonly error: unknown;
}

export interface Answers<T> {
  /** In the order of the builders. */
  readonly values: readonly T[];
  readonly failures: readonly Failure[];
}

/** Resolves when each has answered or failed. @throws GrpcError where all have failed */
export async function askBuilders<T>(
  builders: readonly FarmBuilder[],
  options: AskOptions,
  ask: Ask<T>,
): Promise<Answers<T>> {
  const values: T[] = [];
  const failures: Failure[] = [];
  const outcomes = await Promise.allSettled(builders.map((builder) => askBuilder(builder, options, ask)));
  for (const [index, builder] of builders.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status === "fulfilled") values.push(outcome.value);
    else failures.push({ builder, error: outcome?.reason });
  }
  if (values.length === 0) throw commonFailure(failures);
  return { values, failures };
}

/** @throws Error, GrpcError */
export async function askBuilder<T>(builder: FarmBuilder, options: AskOptions, ask: Ask<T>): Promise<T> {
  const { current, signal, timeoutMs } = options;
  const run = (limited: AbortSignal): Promise<T> =>
    withBuilderClient(builder, limited, (client) => ask(client, limited, builder));
  const watched = (limited: AbortSignal): Promise<T> =>
    current === undefined ? run(limited) : whileAmong(current, builder, limited, run);
  return timeoutMs === undefined
    ? watched(signal)
    : withDeadline(signal, timeoutMs, `no answer within ${timeoutMs / 1000} s`, watched);
}

/** @throws whatever `run` throws; where the builder is lost, an Error that says so, with that as its cause */
async function whileAmong<T>(
  current: () => readonly FarmBuilder[],
  builder: FarmBuilder,
  parent: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(parent.reason);
  };
  let missed = 0;
  const timer = setInterval(() => {
    missed = current().includes(builder) ? 0 : missed + 1;
    if (missed > MISSED_LOOKS_MAX) controller.abort();
  }, LOOK_INTERVAL_MS);
  parent.addEventListener("abort", abort, { once: true });
  try {
    if (parent.aborted) abort();
    return await run(controller.signal);
  } catch (error) {
    if (controller.signal.aborted && !parent.aborted) throw new Error("it does not answer any more", { cause: error });
    throw error;
  } finally {
    clearInterval(timer);
    parent.removeEventListener("abort", abort);
  }
}

/** One failure for all: what they say themselves where they agree, else the cause of each. */
export function commonFailure(failures: readonly Failure[]): GrpcError {
  const [first] = failures;
  if (first?.error instanceof GrpcError && first.error.statusMessage !== undefined) {
    const { code, statusMessage } = first.error;
    const agree = failures.every(({ error }) => error instanceof GrpcError && error.code === code);
    if (agree) return new GrpcError(code, statusMessage);
  }
  const causes = failures.slice(0, CAUSES_MAX).map(causeOf);
  const rest = failures.length - causes.length;
  if (rest > 0) causes.push(`and ${rest} more`);
  return new GrpcError("UNAVAILABLE", `memobuild: no builder answers: ${causes.join("; ")}`);
}

/** Names the builder. */
export function causeOf({ builder, error }: Failure): string {
  return `builder ${builder.name}: ${error instanceof Error ? error.message : String(error)}`;
}
