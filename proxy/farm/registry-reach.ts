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
import type { Builder } from "./builder.js";
import { withDeadline } from "./deadline.js";

/** A daemon that cannot connect says so at once; one whose packets are dropped tries for 30 s. */
const PROBE_TIMEOUT_MS = 10_000;
const PROBE_TIMED_OUT = `the builder did not come within ${PROBE_TIMEOUT_MS / 1000} s`;
/** What a build waits for a probe that is under way. */
const BUILD_WAIT_MS = 1_000;
const RETRY_MS = 60_000;
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
  readonly builder: Builder;
  readonly registry: ProbedRegistry;
  /** `--cache-advertise`. */
  readonly advertise: HostPort | undefined;
  readonly messages: BuildMessages;
  readonly onChange: (isReachable: boolean) => void;
  readonly logger: Logger;
}

type State =
  | { readonly state: "unknown" }
  | { readonly state: "reached"; readonly address: string }
  | { readonly state: "not_reached"; readonly cause: string };

export class RegistryReach {
  readonly #deps: RegistryReachDeps;
  readonly #stopped = new AbortController();
  #state: State = { state: "unknown" };
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #wasOpen = true;

  constructor(deps: RegistryReachDeps) {
    this.#deps = deps;
  }

  /**
   * `host:port` for this builder, once it was proven; undefined where it is not, or where what is advertised does not
   * answer now. Waits a moment for a probe under way.
   */
  async address(): Promise<string | undefined> {
    if (this.#state.state === "unknown" && this.#running !== undefined) {
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, BUILD_WAIT_MS);
      });
      await Promise.race([this.#running, waited]);
      clearTimeout(timer);
    }
    if (this.#state.state !== "reached") return undefined;
    const { address } = this.#state;
    return (await this.#isOpen(address)) ? address : undefined;
  }

  /** Proves it anew: the builder has come up. */
  builderUp(): void {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
  }

  /** What was proven holds no longer. */
  builderDown(): void {
    clearTimeout(this.#retry);
    this.#state = { state: "unknown" };
    this.#deps.onChange(false);
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#stopped.abort();
    await this.#running;
  }

  /** Our own listener is; what stands before it may have broken since the builder was seen to come through. */
  async #isOpen(address: string): Promise<boolean> {
    const { advertise, builder, logger } = this.#deps;
    if (advertise === undefined) return true;
    const isOpen = await answersInTime(`http://${address}/`, ADVERTISED_TIMEOUT_MS);
    if (isOpen !== this.#wasOpen) {
      this.#wasOpen = isOpen;
      const said = { builder: builder.address, registry: address };
      if (isOpen) logger.info(said, "cache answers again");
      else logger.warn(said, "cache does not answer at the address that is advertised; builds go on without it");
    }
    return isOpen;
  }

  async #check(): Promise<void> {
    const { builder, logger, onChange } = this.#deps;
    clearTimeout(this.#retry);
    const state = await withDeadline(this.#stopped.signal, PROBE_TIMEOUT_MS, PROBE_TIMED_OUT, (signal) =>
      this.#probe(signal),
    ).catch((error: unknown): State => {
      return { state: "not_reached", cause: error instanceof Error ? error.message : String(error) };
    });
    if (this.#stopped.signal.aborted) return;
    const hasChanged = state.state !== this.#state.state;
    this.#state = state;
    onChange(state.state === "reached");
    if (state.state === "not_reached") {
      this.#retry = setTimeout(() => {
        this.builderUp();
      }, RETRY_MS).unref();
    }
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
      const target = advertise ?? addressFor(registry.address, local);
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
      if (cause === undefined || (await isSeen(probe))) return { state: "reached", address };
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
    identifier: isLoopback(target.host) ? `docker-image://${address}/${probe.reference}` : `http://${address}${probe.httpPath}`,
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
