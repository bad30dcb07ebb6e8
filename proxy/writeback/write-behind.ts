/** Exports the cache of each build behind its back: pins its results while it runs, exports them when it has ended. */
import { setMaxListeners } from "node:events";
import type { BuildMessages, SolveRequest } from "../buildkit/build-messages.js";
import type { Definition } from "../buildkit/definition.js";
import type { BuildIdentity, ExportSummary } from "../cache/cache-index.js";
import { ExportRejected } from "../cache/export-slot.js";
import type { ExportedBuild, ExportSlot } from "../cache/export-slot.js";
import { Turns } from "../cache/turns.js";
import type { Builder } from "../farm/builder.js";
import { withDeadline } from "../farm/deadline.js";
import { GrpcError } from "../grpc/grpc-client.js";
import type { Logger } from "../log/create-logger.js";
import { PinJob } from "./pin-job.js";
import type { ClientBuild } from "./pin-job.js";
import type { ExportResult, WriteBehindMetrics } from "./write-behind-metrics.js";

/** What the client's Return waits at most. */
const HOLD_TIMEOUT_MS = 500;
/** Pinned or exporting, on one builder: each keeps results and a copy of its context from being cleaned up. */
const JOBS_PER_BUILDER_MAX = 64;
/** Exports compete with the builds for the builder's processors. */
const EXPORTING_PER_BUILDER_MAX = 4;

export interface WriteBehindDeps {
  readonly messages: BuildMessages;
  readonly metrics: WriteBehindMetrics;
  readonly logger: Logger;
  /** `--export-timeout`: of one job, from its start to the complete export. */
  /** Of exports that begin now; may change. */
  readonly exportTimeoutMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export interface ExportOrder {
  readonly builder: Builder;
  readonly client: ClientBuild;
  readonly identity: BuildIdentity;
  readonly slot: ExportSlot;
}

/** An export that the client's build itself made. */
export interface AttachedExport {
  /** Address of the builder. */
  readonly builder: string;
  readonly request: SolveRequest;
  /** None where the builder alone knows them. */
  readonly definitions: readonly Definition[];
  readonly identity: BuildIdentity;
  readonly slot: ExportSlot;
}

/** How the client's build ended: only a good one with something new is exported. */
export type ClientOutcome = "new" | "unchanged" | "failed";

export interface ExportEnd {
  readonly result: ExportResult;
  /** Where it was published. */
  readonly summary?: ExportSummary;
}

/** A job that holds the results of a client's build. */
export interface Pin {
  /** The client has its answer. Resolves with what became of the export; never rejects. */
  clientEnded(outcome: Promise<ClientOutcome>): Promise<ExportEnd>;
}

export class WriteBehind {
  readonly #deps: WriteBehindDeps;
  readonly #jobs = new Map<string, JobsOfBuilder>();
  readonly #exports = new Set<Promise<unknown>>();
  readonly #stopped = new AbortController();

  constructor(deps: WriteBehindDeps) {
    this.#deps = deps;
    // Each job waits for it, and their number has its own limit.
    setMaxListeners(0, this.#stopped.signal);
  }

  /** Resolves within the time that a client's Return may be held; with why, where there will be no export. */
  async pin(order: ExportOrder): Promise<Pin | ExportResult> {
    const { metrics, messages, now } = this.#deps;
    const jobs = this.#jobsOf(order.builder.address);
    const key = jobKey(order);
    if (jobs.keys.has(key) || jobs.keys.size >= JOBS_PER_BUILDER_MAX) {
      const result = jobs.keys.has(key) ? "duplicate" : "refused";
      metrics.ended(result);
      order.slot.discard();
      return result;
    }
    jobs.keys.add(key);
    metrics.jobs(1);
    const started = now();
    const { builder, client, slot } = order;
    const job = new PinJob({ builder, messages, client, cacheExport: slot.entry, now });
    jobs.running.add(job);
    let over: ExportEnd | undefined;
    const end = (ended: ExportEnd): ExportEnd => {
      if (over !== undefined) return over;
      over = ended;
      clearTimeout(lifeTime);
      jobs.lost.signal.removeEventListener("abort", lost);
      jobs.keys.delete(key);
      jobs.running.delete(job);
      metrics.jobs(-1);
      job.cancel();
      slot.discard();
      metrics.ended(ended.result);
      return ended;
    };
    // Also while the client's build goes on: what is pinned takes up space on the builder.
    const lifeTime = setTimeout(() => {
      end({ result: "timed_out" });
    }, this.#deps.exportTimeoutMs).unref();
    const lost = (): void => {
      end({ result: "failed" });
    };
    jobs.lost.signal.addEventListener("abort", lost, { once: true });
    try {
      await withDeadline(this.#stopped.signal, HOLD_TIMEOUT_MS, "the builder did not load it in time", (signal) =>
        job.pin(signal),
      );
    } catch (error) {
      // What a step says when it fails may hold what nobody else should read.
      const cause = error instanceof GrpcError ? new Error(error.code) : error;
      this.#warn(builder.address, client.request.ref, "not_pinned", cause);
      return end({ result: "not_pinned" }).result;
    } finally {
      metrics.held(now() - started);
    }
    return {
      clientEnded: (outcome) => {
        outcome.catch(() => undefined); // nobody waits for it where the job is over
        return this.#track(
          over === undefined ? this.#finish(order, job, jobs, outcome, started).then(end) : Promise.resolve(over),
        );
      },
    };
  }

  /** Pinned or exporting, on that builder. */
  jobsOn(builder: string): number {
    return this.#jobs.get(builder)?.keys.size ?? 0;
  }

  /** The builder answers nobody any more: gives up the exports whose connections lead nowhere. */
  checkAlive(builder: string): void {
    for (const job of this.#jobs.get(builder)?.running ?? []) void job.checkAlive();
  }

  /** The builder is given up, and with it what it holds. */
  dropBuilder(builder: string): void {
    this.#jobs.get(builder)?.lost.abort(new Error("the builder is lost"));
    this.#jobs.delete(builder);
  }

  /** Pinned or exporting. */
  get jobs(): number {
    return [...this.#jobs.values()].reduce((sum, { keys }) => sum + keys.size, 0);
  }

  /** The client's build, which made the export, has ended. Resolves with what became of it; never rejects. */
  attached(order: AttachedExport, isGood: boolean): Promise<ExportEnd> {
    const { metrics, now } = this.#deps;
    const ended = now();
    const publish = async (): Promise<ExportEnd> => {
      if (!isGood) return { result: "build_failed" };
      const summary = await order.slot.publish(exportedBuild(order));
      metrics.published(now() - ended, summary.sizeBytes);
      return { result: "published", summary };
    };
    const exported = publish()
      .catch((error: unknown) => this.#failure(order.builder, order.request.ref, error))
      .then((end) => {
        order.slot.discard();
        metrics.ended(end.result);
        return end;
      });
    return this.#track(exported);
  }

  /** Lets exports end until `hurry` aborts, then cancels them. */
  async drain(hurry: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#stopped.abort();
    };
    if (hurry.aborted) stop();
    hurry.addEventListener("abort", stop, { once: true });
    await Promise.allSettled(this.#exports);
    hurry.removeEventListener("abort", stop);
  }

  async #finish(
    order: ExportOrder,
    job: PinJob,
    jobs: JobsOfBuilder,
    outcome: Promise<ClientOutcome>,
    started: number,
  ): Promise<ExportEnd> {
    const { exportTimeoutMs, metrics, now } = this.#deps;
    const clientEnded = now();
    try {
      const ended = await outcome;
      if (ended !== "new") return { result: ended === "failed" ? "build_failed" : "unchanged" };
      const leftMs = Math.max(0, exportTimeoutMs - (clientEnded - started));
      const summary = await withDeadline(this.#stopped.signal, leftMs, TIMED_OUT, (signal) =>
        jobs.turns.take(signal, async () => {
          await job.export(signal);
          const { builder, client, identity, slot } = order;
          const { definitions, request } = client;
          return slot.publish(exportedBuild({ builder: builder.address, definitions, identity, request }));
        }),
      );
      metrics.published(now() - clientEnded, summary.sizeBytes);
      return { result: "published", summary };
    } catch (error) {
      return this.#failure(order.builder.address, order.client.request.ref, error);
    }
  }

  async #track(exported: Promise<ExportEnd>): Promise<ExportEnd> {
    this.#exports.add(exported);
    return exported.finally(() => this.#exports.delete(exported));
  }

  #jobsOf(builder: string): JobsOfBuilder {
    const known = this.#jobs.get(builder);
    if (known !== undefined) return known;
    const jobs: JobsOfBuilder = {
      ...{ keys: new Set(), running: new Set(), lost: new AbortController() },
      turns: new Turns(EXPORTING_PER_BUILDER_MAX),
    };
    // Each job waits for it.
    setMaxListeners(0, jobs.lost.signal);
    this.#jobs.set(builder, jobs);
    return jobs;
  }

  #failure(builder: string, ref: string, error: unknown): ExportEnd {
    if (this.#stopped.signal.aborted) return { result: "stopped" };
    const result = error instanceof ExportRejected ? "rejected" : isTimeOut(error) ? "timed_out" : "failed";
    this.#warn(builder, ref, result, error);
    return { result };
  }

  #warn(builder: string, ref: string, result: ExportResult, error: unknown): void {
    const cause = withoutToken(error instanceof Error ? error.message : String(error));
    this.#deps.logger.warn({ builder, ref, result, cause }, "cache not exported");
  }
}

function exportedBuild({ builder, definitions, identity, request }: Omit<AttachedExport, "slot">): ExportedBuild {
  const stepCount = new Set(definitions.flatMap(({ steps }) => steps)).size;
  return { ...identity, revision: request.frontendAttrs["vcs:revision"] ?? "", builder, ref: request.ref, stepCount };
}

/**
 * Equal for builds of one project that have the same operations. Those of local files name their session: what does
 * the same to other files makes another cache.
 */
function jobKey({ client, identity }: ExportOrder): string {
  const { tenant, project } = identity;
  return JSON.stringify([tenant, project, ...client.definitions.flatMap(({ vertexes }) => vertexes)]);
}

interface JobsOfBuilder {
  /** What each job loads. */
  readonly keys: Set<string>;
  readonly running: Set<PinJob>;
  readonly turns: Turns;
  /** Aborts when the builder is lost. */
  readonly lost: AbortController;
}

const TIMED_OUT = "the export took longer than --export-timeout";
const isTimeOut = (error: unknown): boolean => error instanceof Error && error.message === TIMED_OUT;

/** The builder names the address that it pushed to, which holds a secret. */
const withoutToken = (message: string): string => message.replace(/\b[0-9a-f]{32}\b/g, "…");
