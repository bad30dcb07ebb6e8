/**
 * A build of our own that loads the same LLB as a client's while that still runs, so that the builder keeps its results
 * for both, and exports them to the cache only when it is asked to return. A build that starts after the client's
 * ended would export next to nothing.
 */
import { setMaxListeners } from "node:events";
import type { BuildMessages, CacheOptionsEntry, GatewayResult, SolveRequest } from "../buildkit/build-messages.js";
import type { Definition } from "../buildkit/definition.js";
import { OwnBuild } from "../buildkit/own-build.js";
import type { Builder } from "../farm/builder.js";
import { GrpcClient } from "../grpc/grpc-client.js";

/** A builder that lives answers a ping at once, whatever it builds. */
const PING_TIMEOUT_MS = 5_000;
/** gRPC servers close a connection whose client pings more often (grpc-go, keepalive.EnforcementPolicy). */
const PING_INTERVAL_MS = 5 * 60_000;

/** What the client's build is made of. */
export interface ClientBuild {
  /** Its Control.Solve. */
  readonly request: SolveRequest;
  /** All cache imports of its frontend: who loads a step first decides where it is looked up. */
  readonly imports: readonly CacheOptionsEntry[];
  /** What it returns, with the definition of each result. */
  readonly result: GatewayResult;
  readonly definitions: readonly Definition[];
}

export interface PinJobOptions {
  readonly builder: Builder;
  readonly messages: BuildMessages;
  readonly client: ClientBuild;
  readonly cacheExport: CacheOptionsEntry;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class PinJob {
  readonly #options: PinJobOptions;
  readonly #cancelled = new AbortController();
  #grpc: GrpcClient | undefined;
  #build: OwnBuild | undefined;
  #results: Promise<GatewayResult> | undefined;
  #pingedAtMs = -Infinity;

  constructor(options: PinJobOptions) {
    this.#options = options;
    // Each call waits for it: one for each platform, and a few more.
    setMaxListeners(0, this.#cancelled.signal);
  }

  /**
   * Resolves when the builder has loaded the definitions into the job, from when on the client's build may end.
   *
   * @param limit cancels the job.
   * @throws Error where that cannot be; the job is for `cancel` then.
   */
  async pin(limit: AbortSignal): Promise<void> {
    const { builder, client, cacheExport, messages } = this.#options;
    const { signal } = this.#cancelled;
    this.#cancelWith(limit);
    this.#grpc = new GrpcClient(await builder.dial(signal));
    // Cancelled while it was connecting.
    if (signal.aborted) this.#grpc.close();
    const { compatibilityVersion, entitlements, proxyNetwork, session } = client.request;
    const { sourcePolicy, sourcePolicySession } = client.request;
    this.#build = new OwnBuild(
      this.#grpc,
      messages,
      {
        // With a session of its own, the job would be asked for the secrets of the client's steps.
        session,
        // A build that shares steps with another must agree with it in these.
        ...(entitlements.length > 0 && { entitlements }),
        ...(sourcePolicy.length > 0 && { sourcePolicy }),
        ...(sourcePolicySession !== "" && { sourcePolicySession }),
        ...(compatibilityVersion !== 0 && { compatibilityVersion }),
        ...(proxyNetwork && { proxyNetwork }),
        cache: { exports: [cacheExport], imports: [] },
      },
      signal,
    );
    const build = this.#build;
    const loaded = this.#whenLoaded(build);
    loaded.catch(() => undefined); // the race below tells, unless something else fails before
    await build.registered();
    this.#results = this.#load(build);
    this.#results.catch(() => undefined); // `export` tells
    await Promise.race([loaded, this.#results, failureOf(build)]);
  }

  /** Lets the builder export, and resolves when it has. @param limit cancels the job. @throws Error */
  async export(limit: AbortSignal): Promise<void> {
    if (this.#build === undefined || this.#results === undefined) throw new Error("the job is not pinned");
    this.#cancelWith(limit);
    const { metadata } = this.#options.client.result;
    const results = await this.#results;
    // The metadata names the platforms of several results.
    await this.#build.return({ ...results, metadata });
    await this.#build.ended;
    this.#grpc?.close();
  }

  /** Cancels it where the builder does not answer on its connection, unless it was asked lately. */
  async checkAlive(): Promise<void> {
    const now = this.#options.now();
    if (this.#grpc === undefined || now - this.#pingedAtMs < PING_INTERVAL_MS) return;
    this.#pingedAtMs = now;
    if (!(await this.#grpc.isAnswered(PING_TIMEOUT_MS))) this.cancel();
  }

  /** Ends it without export; the builder stops what runs only for it. */
  cancel(): void {
    this.#cancelled.abort();
    this.#grpc?.close();
  }

  #cancelWith(limit: AbortSignal): void {
    const cancel = (): void => {
      this.cancel();
    };
    if (limit.aborted) cancel();
    limit.addEventListener("abort", cancel, { once: true });
  }

  /** Resolves when the progress has named the result of each definition: platforms may share the steps before. */
  async #whenLoaded(build: OwnBuild): Promise<void> {
    const missing = new Set(this.#options.client.definitions.map(({ result }) => result));
    return new Promise((resolve, reject) => {
      build
        .status((status) => {
          for (const { digest } of status.vertexes) missing.delete(digest);
          if (missing.size === 0) resolve();
        })
        .catch(reject);
    });
  }

  /** Loads the definition of each result, and runs what the client's build has not run yet together with it. */
  async #load(build: OwnBuild): Promise<GatewayResult> {
    const { client } = this.#options;
    const load = async (definition: Buffer): Promise<{ readonly id: string; readonly def: Buffer }> => {
      const result = await build.solve({
        definition,
        allowResultReturn: true,
        allowResultArrayRef: true,
        cacheImports: client.imports,
        evaluate: true,
      });
      if (result?.ref === null || result?.ref === undefined) throw new Error("the builder gave no result");
      return { id: result.ref.id, def: Buffer.alloc(0) };
    };
    const { ref, refs } = client.result;
    if (ref !== null) return { ref: await load(ref.def), refs: null, metadata: {} };
    const loaded = Object.entries(refs?.refs ?? {}).map(async ([key, { def }]) => [key, await load(def)] as const);
    return { ref: null, refs: { refs: Object.fromEntries(await Promise.all(loaded)) }, metadata: {} };
  }
}

/** Rejects when the build ends before its time. */
async function failureOf(build: OwnBuild): Promise<never> {
  await build.ended;
  throw new Error("the builder ended the job before it was asked to");
}
