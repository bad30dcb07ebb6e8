/**
 * Finds the address under which a builder reaches the cache registry, and proves it: an import from an address that
 * does not answer would freeze the whole daemon.
 */
import net from "node:net";
import type { BuildMessages } from "../buildkit/build-messages.js";
import { LLB_BRIDGE } from "../buildkit/methods.js";
import { OwnBuild } from "../buildkit/own-build.js";
import { formatHostPort, isLoopback } from "../config/host-port.js";
import type { HostPort } from "../config/host-port.js";
import { GrpcClient } from "../grpc/grpc-client.js";
import type { Logger } from "../log/create-logger.js";
import { answersInTime } from "./answers-in-time.js";
import type { FarmBuilder } from "./farm-builder.js";
import { settledWithin, withDeadline } from "./deadline.js";

/** A daemon that cannot connect says so at once; one whose packets are dropped tries for 30 s. */
const PROBE_TIMEOUT_MS = 10_000;
const PROBE_TIMED_OUT = `the builder did not come within ${PROBE_TIMEOUT_MS / 1000} s`;
/** What a build waits for a probe that is under way. */
const BUILD_WAIT_MS = 1_000;
/** After a failure, twice as long after each further one: many last moments only. */
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** A network may change behind a builder that stays up. */
const PROOF_MAX_AGE_MS = 30_000;
/** Of an address that is not our own: whoever is behind it passes a request on, and back, within this. */
const ADVERTISED_TIMEOUT_MS = 300;

/** An unguessable place of the registry that tells when somebody asks for it. */
export interface RegistryProbe {
  /** Of an image, without the registry's address. */
  readonly reference: string;
  /** The path of an HTTP address that does the same. */
  readonly httpPath: string;
  readonly seen: Promise<void>;
  revoke(): void;
}

export interface ProbedRegistry {
  /** Where it listens. */
  readonly address: HostPort;
  expectProbe(): RegistryProbe;
}

export interface RegistryReachDeps {
  readonly builder: Pick<FarmBuilder, "address" | "dial" | "reachesUsAt">;
  readonly registry: ProbedRegistry;
  /** `--cache-advertise`. */
  readonly advertise: HostPort | undefined;
  readonly messages: BuildMessages;
  readonly onChange: (isReachable: boolean) => void;
  readonly logger: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

type State =
  | { readonly state: "unknown" }
  | {
      readonly state: "reached";
      readonly address: string;
      readonly provenAtMs: number;
      /** Whether we reach it by that address too; else our own attempts say nothing about the builder's. */
      readonly isOursToo: boolean;
    }
  | { readonly state: "not_reached"; readonly cause: string };

export class RegistryReach {
  readonly #deps: RegistryReachDeps;
  #state: State = { state: "unknown" };
  /** The probe under way. */
  #probing: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MIN_MS;
  #isClosed = false;

  constructor(deps: RegistryReachDeps) {
    this.#deps = deps;
  }

  /**
   * `host:port` for this builder, where it was proven. Waits a moment for a first probe under way; an old proof is
   * renewed behind the caller's back.
   */
  async address(): Promise<string | undefined> {
    if (this.#state.state === "unknown" && this.#probing !== undefined) {
      await settledWithin(this.#probing.done, BUILD_WAIT_MS);
    }
    if (this.#state.state !== "reached") return undefined;
    const { address, isOursToo, provenAtMs } = this.#state;
    if (this.#deps.now() - provenAtMs > PROOF_MAX_AGE_MS && this.#probing === undefined) this.#prove();
    // Our own listener is open; what stands before it may have broken since.
    if (this.#deps.advertise === undefined || !isOursToo) return address;
    if (await answersInTime(`http://${address}/`, ADVERTISED_TIMEOUT_MS)) return address;
    this.#become({ state: "not_reached", cause: `${address} answers no longer` });
    this.#prove();
    return undefined;
  }

  /** Proves it anew: the builder has come up. */
  builderUp(): void {
    this.#prove();
  }

  /** What was proven holds no longer. */
  builderDown(): void {
    clearTimeout(this.#retry);
    this.#retryMs = RETRY_MIN_MS;
    this.#probing?.stop.abort();
    this.#become({ state: "unknown" });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#probing?.stop.abort();
    await this.#probing?.done;
  }

  /** A probe that is under way may have begun before what is to be proven. */
  #prove(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#probing?.stop.abort();
    const stop = new AbortController();
    const probing = { stop, done: this.#check(stop.signal) };
    this.#probing = probing;
    void probing.done.then(() => {
      if (this.#probing === probing) this.#probing = undefined;
    });
  }

  /** Never rejects. */
  async #check(stopped: AbortSignal): Promise<void> {
    const state = await withDeadline(stopped, PROBE_TIMEOUT_MS, PROBE_TIMED_OUT, (signal) => this.#probe(signal)).catch(
      (error: unknown): State => {
        return { state: "not_reached", cause: error instanceof Error ? error.message : String(error) };
      },
    );
    if (stopped.aborted) return;
    this.#become(state);
    if (state.state !== "not_reached") {
      this.#retryMs = RETRY_MIN_MS;
      return;
    }
    this.#retry = setTimeout(() => {
      this.#prove();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #become(state: State): void {
    const { builder, logger, onChange } = this.#deps;
    const hasChanged = state.state !== this.#state.state;
    this.#state = state;
    onChange(state.state === "reached");
    if (!hasChanged) return;
    if (state.state === "reached") {
      logger.info({ builder: builder.address, registry: state.address }, "cache reachable");
    } else if (state.state === "not_reached") {
      const hint =
        "set --registry-listen to an address of this machine that the builder reaches, " +
        "or --cache-advertise to the one under which it does; until then its builds share no cache";
      logger.warn({ builder: builder.address, cause: state.cause, hint }, "cache not reachable");
    }
  }

  async #probe(signal: AbortSignal): Promise<State> {
    const { advertise, builder, messages, registry } = this.#deps;
    const socket = await builder.dial(signal);
    const client = new GrpcClient(socket);
    const probe = registry.expectProbe();
    try {
      const local = socket instanceof net.Socket ? socket.localAddress : undefined;
      const { port } = registry.address;
      const known = builder.reachesUsAt === undefined ? undefined : { host: builder.reachesUsAt, port };
      const target = advertise ?? known ?? addressFor(registry.address, local);
      if (target === undefined) {
        const cause = `the builder is on another machine, and the registry listens on ${formatHostPort(registry.address)}`;
        return { state: "not_reached", cause };
      }
      const address = formatHostPort(target);
      const build = new OwnBuild(client, messages, {}, signal);
      await build.registered();
      // Asks for what is not there: that the registry was asked is the proof, whatever the builder makes of it.
      const answered = build
        .call(
          LLB_BRIDGE.resolveSourceMeta,
          messages.resolveSourceMetaRequest.encode({ source: sourceOf(target, probe) }),
        )
        .then(() => undefined)
        .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      const cause = await Promise.race([probe.seen.then(() => undefined), answered.then((text) => ({ text }))]);
      await build.return({}).catch(() => undefined);
      if (cause === undefined || (await isSeen(probe))) {
        const isOursToo = advertise !== undefined && (await answersInTime(`http://${address}/`, ADVERTISED_TIMEOUT_MS));
        return { state: "reached", address, provenAtMs: this.#deps.now(), isOursToo };
      }
      // Then that it was ended says nothing: the limit has its own words.
      signal.throwIfAborted();
      return { state: "not_reached", cause: `${address}: ${cause.text ?? "something else answers there"}` };
    } finally {
      probe.revoke();
      client.close();
    }
  }
}

/** Whether the probe was seen by now. */
async function isSeen(probe: RegistryProbe): Promise<boolean> {
  return Promise.race([probe.seen.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
}

/** An image leaves nothing behind on the builder; but without TLS it is asked for only on loopback addresses. */
function sourceOf(target: HostPort, probe: RegistryProbe): { readonly identifier: string } {
  const address = formatHostPort(target);
  return {
    identifier: isLoopback(target.host)
      ? `docker-image://${address}/${probe.reference}`
      : `http://${address}${probe.httpPath}`,
  };
}

/**
 * @param listen where the registry listens.
 * @param local our end of a connection to the builder; undefined where that is no network.
 */
export function addressFor(listen: HostPort, local: string | undefined): HostPort | undefined {
  const isWildcard = listen.host === "0.0.0.0" || listen.host === "::";
  if (local === undefined || isLoopback(local)) return isWildcard ? { host: "127.0.0.1", port: listen.port } : listen;
  if (isWildcard) return { host: local.replace(/^::ffff:/, ""), port: listen.port };
  return isLoopback(listen.host) ? undefined : listen;
}
