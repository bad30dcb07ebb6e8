/** One client's connection: its calls, the connections to builders that they go to, and how it ends. */
import type { Duplex } from "node:stream";
import type { BuildMessages } from "../buildkit/build-messages.js";
import { sharedPong } from "../buildkit/capabilities.js";
import { CONTROL, LLB_BRIDGE, methodOfPath } from "../buildkit/methods.js";
import { isUp, type FarmBuilder } from "../farm/farm-builder.js";
import type { Logger } from "../log/create-logger.js";
import type { FarmCall } from "./across/farm-call.js";
import { answerCall } from "./across/answered-call.js";
import { BuilderLink } from "./builder-link.js";
import { ClientRouter, type RouterDeps } from "./client-router.js";
import { headerValue } from "../grpc/http2/header-list.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import { ServerConnection } from "../grpc/http2/server-connection.js";
import type { Stream, StreamHandler } from "../grpc/http2/stream.js";
import { RelayedCall } from "./relayed-call.js";
import { harmless, type Interception, type Interceptor } from "./interception.js";
import type { CallObserver } from "./relayed-call.js";
import type { RelayMetrics } from "./relay-metrics.js";
import { isGateway, type ClientCall, type RoutedBuild } from "./routed-build.js";
import { tunnelGreeting, withoutPreface } from "./tunnel-greeting.js";
import { WaitingNotice } from "./waiting-notice.js";

/** A client between two calls, when we are asked to stop, may be in the middle of its preparations for a build. */
const DRAIN_IDLE_MS = 1_000;
/** Clients give the first call of a build 15 s; one that waits for a builder is answered by us before that. */
const PING_ANSWER_MS = 5_000;
const BUILD_CALLS: ReadonlySet<string> = new Set([CONTROL.session, CONTROL.solve, CONTROL.status]);
/** Clients give the other end of a session's tunnel 10 s to begin. */
const GREETING_MS = 5_000;

export interface ClientSessionDeps extends RouterDeps {
  readonly messages: Pick<BuildMessages, "statusResponse">;
  /** The farm's answer to the calls of a path; undefined where one builder answers alone. */
  readonly farmCallOf: (path: string) => FarmCall | undefined;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  /** Looks into the calls of one client; it is asked once for each. */
  readonly createInterceptor?: () => Interceptor;
  /** `--retry-lost-builds`; may change. */
  readonly retriesLostBuilds: boolean;
  /** What somebody can do whose build is lost with its builder; may change. */
  readonly lostAdvice: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

export class ClientSession {
  readonly #deps: ClientSessionDeps;
  readonly #connection: ServerConnection;
  readonly #router: ClientRouter;
  /** By address. */
  readonly #links = new Map<string, BuilderLink>();
  readonly #interceptor: Interceptor | undefined;
  /** Under way. */
  readonly #calls = new Set<ClientCall>();
  readonly #closed = new AbortController();
  #callsInFlight = 0;
  #isDraining = false;
  #idleTimer: NodeJS.Timeout | undefined;

  /** Takes over a socket whose next bytes are the client's preface. */
  constructor(socket: Duplex, deps: ClientSessionDeps, onClosed: (session: ClientSession) => void) {
    const { logger, metrics, now } = deps;
    this.#deps = deps;
    this.#interceptor = deps.createInterceptor?.();
    this.#router = new ClientRouter(deps);
    // The first call will need it; if there is none, that call is told. Where there are many, it may need another one.
    if (deps.farm.builders.length === 1)
      harmless(() => {
        this.#linkTo(this.#router.base())
          .connect()
          .catch(() => undefined);
      }, undefined);
    metrics.connectionOpened("client");
    this.#connection = new ServerConnection(socket, {
      call: (stream, headers) => this.#call(stream, headers),
      closed: (cause) => {
        clearTimeout(this.#idleTimer);
        this.#closed.abort();
        this.#router.close();
        for (const link of this.#links.values()) link.close();
        harmless(() => this.#interceptor?.closed(), undefined);
        metrics.connectionClosed("client");
        logger.debug({ cause }, "client connection closed");
        onClosed(this);
      },
      now,
    });
  }

  /** Lets calls end; GOAWAY goes out when the client has had none for a moment, because a build makes many in turn. */
  drain(): void {
    this.#isDraining = true;
    this.#closeWhenIdle();
  }

  /** Ends all calls now. */
  destroy(): void {
    this.#connection.destroy("memobuild stops");
  }

  /** The builder answers nobody any more: finds out whether it still answers here, and gives up what it does not. */
  checkAlive(address: string): void {
    void this.#links.get(address)?.checkAlive();
  }

  /** Those that would be missed; others can be made anywhere. */
  buildCallsOn(address: string): number {
    const isThere = ({ builder, path }: ClientCall): boolean =>
      builder?.address === address && (BUILD_CALLS.has(path) || isGateway(path));
    return [...this.#calls].filter(isThere).length;
  }

  /** Ends what this client has on the builder. */
  dropBuilder(address: string, cause: string): void {
    this.#links.get(address)?.drop(cause);
    this.#links.delete(address);
  }

  #call(stream: Stream, headers: HeaderList): StreamHandler {
    const path = headerValue(headers, ":path") ?? "";
    const observer = this.#deps.metrics.call(methodOfPath(path));
    const across = this.#deps.farmCallOf(path);
    const current = (): readonly FarmBuilder[] => this.#deps.farm.builders.filter(isUp);
    const builders = current();
    if (across !== undefined && builders.length > 1) {
      return answerCall(stream, headers, across, {
        builders,
        current,
        observer: this.#track(observer, () => undefined),
      });
    }
    return this.#relay(stream, headers, path, observer);
  }

  #relay(stream: Stream, headers: HeaderList, path: string, observer: CallObserver): StreamHandler {
    // Nobody may change a body whose length is told; gRPC clients do not tell it.
    const isOpenEnded = headerValue(headers, "content-length") === undefined;
    const interception = isOpenEnded ? harmless(() => this.#interceptor?.call(path, headers), undefined) : undefined;
    const tracked = this.#track(observer, () => {
      this.#calls.delete(routed);
      this.#router.ended(routed);
    });
    const call: RelayedCall = new RelayedCall(stream, tracked, {
      interception: path === LLB_BRIDGE.ping ? this.#narrowPong(interception) : interception,
      isRead: this.#router.reads(path),
      isKept: this.#mayWait(),
      onLost: () => this.#goesElsewhere(routed),
      lostMessage: (cause) => this.#lostMessage(routed, cause),
    });
    const onBuild = (build: RoutedBuild): void => void this.#announceWaiting(call, build);
    const isStatus = path === CONTROL.status;
    const routed: ClientCall = {
      ...{ path, headers, call, builds: new Set(), builder: undefined, tried: new Set() },
      ...(isStatus && { onBuild }),
    };
    this.#calls.add(routed);
    this.#send(routed, () => this.#router.route(routed));
    if (path === LLB_BRIDGE.ping) this.#answerPingInTime(routed);
    if (path === CONTROL.session && this.#mayWait()) this.#greetInTime(call);
    return call.fromClient;
  }

  /** At once where it is known where to. */
  #send(routed: ClientCall, route: () => FarmBuilder | Promise<FarmBuilder>): void {
    const failed = (error: unknown): void => {
      routed.call.fail(`memobuild: ${error instanceof Error ? error.message : String(error)}`);
    };
    try {
      const target = route();
      routed.target = target;
      if (!(target instanceof Promise)) this.#forward(routed, target);
      else {
        // Its build may have moved in the very moment in which it had a place.
        target.then(
          (builder) => {
            if (routed.target === target) this.#forward(routed, builder);
          },
          (error: unknown) => {
            if (routed.target === target) failed(error);
          },
        );
      }
    } catch (error) {
      failed(error);
    }
  }

  #forward(routed: ClientCall, builder: FarmBuilder): void {
    // Nobody would close a connection that is opened for a client that has left.
    if (routed.call.isOver) return;
    routed.builder = builder;
    const link = this.#linkTo(builder);
    const { ready } = link;
    if (ready !== undefined) routed.call.forward(routed.headers, ready, builder);
    else {
      link.connect().then(
        (connection) => {
          // Its build may have moved meanwhile.
          if (routed.builder === builder) routed.call.forward(routed.headers, connection, builder);
        },
        (error: unknown) => {
          if (routed.builder !== builder || this.#goesElsewhere(routed)) return;
          routed.call.fail(this.#lostMessage(routed, error instanceof Error ? error.message : String(error)));
        },
      );
    }
  }

  #linkTo(builder: FarmBuilder): BuilderLink {
    const known = this.#links.get(builder.address);
    if (known?.builder === builder) return known;
    known?.close();
    const { farm, logger, metrics, now } = this.#deps;
    const link = new BuilderLink({
      ...{ builder, metrics, logger, now },
      onTrouble: () => {
        farm.suspect(builder);
      },
    });
    this.#links.set(builder.address, link);
    return link;
  }

  /**
   * Whether a call whose builder is lost goes to another one. All builds that this client has there move together, or
   * none does, since they may need each other.
   */
  #goesElsewhere(routed: ClientCall): boolean {
    const { builder, builds, call } = routed;
    const { farm } = this.#deps;
    if (builder === undefined || this.#closed.signal.aborted) return false;
    if (!farm.builders.some((other) => other !== builder)) return false;
    if (builds.size > 0) {
      const lost = this.#router.buildsOn(builder);
      // Those of the call may have ended.
      return lost.some((build) => builds.has(build)) && this.#moveBuilds(lost, builder);
    }
    // What is of no build is sent again only where nobody can have seen it.
    if (call.isForwarded || routed.tried.size >= farm.builders.length) return false;
    routed.tried.add(builder.address);
    routed.builder = undefined;
    this.#send(routed, () => this.#router.base(routed.tried));
    return true;
  }

  #moveBuilds(builds: readonly RoutedBuild[], lost: FarmBuilder): boolean {
    const { farm, retriesLostBuilds } = this.#deps;
    const isLeft = ({ tried }: RoutedBuild): boolean =>
      farm.builders.some((builder) => builder !== lost && !tried.has(builder.address));
    if (!builds.every((build) => isLeft(build) && build.canMove(retriesLostBuilds))) return false;
    const calls = new Set(builds.flatMap((build) => [...build.calls]));
    // First of all: a build goes where its session is.
    for (const call of calls) {
      call.call.leave();
      call.builder = undefined;
    }
    this.#router.move(builds, lost);
    for (const call of calls) {
      const [build] = call.builds;
      if (build !== undefined) this.#send(call, () => build.placed);
    }
    this.#deps.metrics.moved(builds.length);
    return true;
  }

  #lostMessage({ builder, builds, call }: ClientCall, cause: string): string {
    const isBuilding = call.isForwarded && [...builds].some(({ facts }) => !facts.isInternal);
    const isPreparing = builds.size > 0 && this.#mayWait();
    const preparing = isPreparing ? "; run it again, another builder takes it" : "";
    const advice = isBuilding ? `; the build is lost with it: ${this.#deps.lostAdvice}` : preparing;
    return `memobuild: builder ${builder?.address ?? ""}: ${cause}${advice}`;
  }

  /** Whether a build may have to wait for its builder, or to move. */
  #mayWait(): boolean {
    return this.#deps.isLimited || this.#deps.farm.builders.length > 1;
  }

  /** A client gives up a session to which nobody speaks. */
  #greetInTime(call: RelayedCall): void {
    setTimeout(() => {
      if (!this.#closed.signal.aborted) call.greet(tunnelGreeting(), withoutPreface);
    }, GREETING_MS).unref();
  }

  /** A client gives up on a build whose first call is not answered in time, be it that it waits for a builder. */
  #answerPingInTime(routed: ClientCall): void {
    setTimeout(() => {
      const isWaiting = !routed.call.isOver && routed.builder === undefined && routed.builds.size > 0;
      const pong = isWaiting ? this.#commonPong() : undefined;
      if (pong !== undefined) routed.call.answer(pong);
    }, PING_ANSWER_MS).unref();
  }

  async #announceWaiting(call: RelayedCall, build: RoutedBuild): Promise<void> {
    const { messages, wallClock } = this.#deps;
    let notice: WaitingNotice | undefined;
    const stop = build.onWaiting((ahead) => {
      notice ??= new WaitingNotice(messages, build.facts.ref, wallClock());
      call.announce(notice.waiting(ahead), notice.metadata(wallClock()));
    });
    const builder = await build.placed.catch(() => undefined); // the call itself tells
    stop();
    if (builder !== undefined && notice !== undefined) call.announce(notice.placed(builder.name, wallClock()), []);
  }

  /** What all builders can do: a build may run on another than the one that its client asked. */
  #narrowPong(interception: Interception | undefined): Interception | undefined {
    const narrow = this.#narrower();
    return narrow === undefined ? interception : { ...interception, rewriteResponse: narrow };
  }

  #narrower(): ((pong: Buffer) => Buffer) | undefined {
    const pongs = this.#pongs();
    return pongs.length < 2 ? undefined : sharedPong(pongs);
  }

  #commonPong(): Buffer | undefined {
    const [first] = this.#pongs();
    return first === undefined ? undefined : (this.#narrower()?.(first) ?? first);
  }

  #pongs(): readonly Buffer[] {
    return this.#deps.farm.builders.flatMap(({ pong }) => pong ?? []);
  }

  #track(observer: CallObserver, onEnded: () => void): CallObserver {
    this.#callsInFlight++;
    return {
      ...observer,
      ended: (code) => {
        observer.ended(code);
        onEnded();
        this.#callsInFlight--;
        if (this.#isDraining) this.#closeWhenIdle();
      },
    };
  }

  #closeWhenIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#callsInFlight > 0) return;
    this.#idleTimer = setTimeout(() => {
      if (this.#callsInFlight === 0) this.#connection.goAway();
    }, DRAIN_IDLE_MS);
  }
}
