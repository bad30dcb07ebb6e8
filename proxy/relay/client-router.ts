/**
 * Where the calls of one client go. Its first real build chooses a builder, and from then on all that it sends goes
 * there; what comes before goes to any builder, or waits for the build that it belongs to.
 */
import { setMaxListeners } from "node:events";
import { BUILD_ID_METADATA, CONTENT_PREFIX, CONTROL, SESSION_METADATA } from "../buildkit/methods.js";
import { digestOf, refOf } from "../buildkit/request-subject.js";
import { settledWithin } from "../farm/deadline.js";
import { isUp, type FarmBuilder, type FarmView } from "../farm/farm-builder.js";
import { NoBuilderError, type Lease, type Placing } from "../farm/placing.js";
import { headerValue } from "../grpc/http2/header-list.js";
import type { WhereIs } from "./across/where-is.js";
import { isGateway, RoutedBuild, type ClientCall } from "./routed-build.js";
import type { ReadSolve, SolveFacts } from "./solve-facts.js";

/** What a call waits for the Control.Solve of its build: less than the daemon would, which then says what it misses. */
const SOLVE_WAIT_MS = 2_500;
/** A build and the question for its progress come together; one for an old build comes alone. */
const STATUS_WAIT_MS = 250;
/** Without its session a build is of no project: it comes with it. */
const SHARED_KEY_WAIT_MS = 250;
/** Of one client; further ones are not remembered. */
const SESSIONS_MAX = 1_000;

export interface RouterDeps {
  readonly farm: FarmView;
  readonly placing: Placing;
  /** Whether a build may have to wait though there is a builder; may change. */
  readonly isLimited: boolean;
  readonly whereIs: WhereIs;
  readonly readSolve: ReadSolve;
  /** 0 to 1, without 1. */
  readonly random: () => number;
}

interface Session {
  readonly sharedKey: string;
  readonly call: ClientCall;
}

export class ClientRouter {
  readonly #deps: RouterDeps;
  /** By ref, while they run. */
  readonly #builds = new Map<string, RoutedBuild>();
  /** By id, while they are open. */
  readonly #sessions = new Map<string, Session>();
  /** Told of each build and session that comes. */
  readonly #arrivals = new Set<() => void>();
  readonly #closed = new AbortController();
  #lease: Lease | undefined;
  #placing: { readonly lease: Promise<Lease>; readonly stop: AbortController; ahead?: number } | undefined;
  /** Of its builds; all go there as long as that is possible. */
  #pinned: FarmBuilder | undefined;
  /** For what is of no build. */
  #provisional: FarmBuilder | undefined;

  constructor(deps: RouterDeps) {
    this.#deps = deps;
    // Each call that looks for its builder waits for it.
    setMaxListeners(0, this.#closed.signal);
  }

  /** Whether where it goes depends on its first message. */
  reads(path: string): boolean {
    if (path === CONTROL.solve) return true;
    return this.#only() === undefined && (path === CONTROL.status || path.startsWith(CONTENT_PREFIX));
  }

  /** @throws NoBuilderError, also where there is a promise */
  route(call: ClientCall): FarmBuilder | Promise<FarmBuilder> {
    const { headers, path } = call;
    if (path === CONTROL.session) this.#opened(headerValue(headers, SESSION_METADATA.id) ?? "", call);
    if (path === CONTROL.solve) return this.#routeSolve(call);
    const only = this.#only();
    if (only !== undefined) return only;
    if (path === CONTROL.session) return this.#routeSession(headerValue(headers, SESSION_METADATA.id) ?? "", call);
    if (path === CONTROL.status) return this.#routeStatus(call);
    if (isGateway(path)) return this.#routeGateway(headerValue(headers, BUILD_ID_METADATA) ?? "", call);
    if (path.startsWith(CONTENT_PREFIX)) return this.#routeContent(call);
    return this.base();
  }

  /** For what belongs to no build. @throws NoBuilderError */
  base(tried: ReadonlySet<string> = new Set()): FarmBuilder {
    const { builders } = this.#deps.farm;
    const isFit = (builder: FarmBuilder | undefined): builder is FarmBuilder =>
      builder !== undefined && builders.includes(builder) && !tried.has(builder.address) && isUp(builder);
    if (isFit(this.#pinned)) return this.#pinned;
    if (isFit(this.#provisional)) return this.#provisional;
    const able = builders.filter(isFit);
    // One that is not known to answer may do so all the same, and else its connection says why not.
    const untried = builders.filter(({ address }) => !tried.has(address));
    const best = able.filter(({ isDraining }) => !isDraining);
    // Clients ask before they build: not all of them the same builder.
    const [any] = [...best.slice(Math.floor(this.#deps.random() * best.length)), ...able, ...untried, ...builders];
    if (any === undefined)
      throw new NoBuilderError(
        "there is no builder yet: those that start, or whose names are looked up, are in the log; memobuild builders add adds one",
      );
    this.#provisional = any;
    return any;
  }

  /** The builds of this client that are on the builder. */
  buildsOn(builder: FarmBuilder): readonly RoutedBuild[] {
    return [...this.#builds.values()].filter((build) => build.builder === builder);
  }

  /** Their builder is lost: finds them another, for their calls to be sent again. */
  move(builds: readonly RoutedBuild[], lost: FarmBuilder): void {
    if (this.#lease?.builder === lost) this.#releaseLease();
    if (this.#pinned === lost) this.#pinned = undefined;
    if (this.#provisional === lost) this.#provisional = undefined;
    for (const build of builds) build.move((moved) => this.#place(moved));
  }

  /** The call has ended. */
  ended(call: ClientCall): void {
    for (const build of call.builds) {
      build.detach(call);
      if (call.path === CONTROL.solve) this.#buildEnded(build, call);
    }
    if (call.path !== CONTROL.session) return;
    const id = headerValue(call.headers, SESSION_METADATA.id) ?? "";
    if (this.#sessions.get(id)?.call === call) this.#sessions.delete(id);
  }

  /** The client is gone. */
  close(): void {
    this.#closed.abort();
    this.#giveUpPlace("the client is gone");
    for (const tell of this.#arrivals) tell();
  }

  /** With one builder there is nothing to choose, and with no limit nothing to wait for. */
  #only(): FarmBuilder | undefined {
    const { farm, isLimited } = this.#deps;
    const [only, ...others] = farm.builders;
    return others.length === 0 && !isLimited ? only : undefined;
  }

  async #routeSolve(call: ClientCall): Promise<FarmBuilder> {
    const facts = this.#readSolve(await call.call.firstMessage);
    // Of what has ended nobody would tell the end once more.
    if (facts === undefined || call.call.isOver) return this.base();
    const known = this.#builds.get(facts.ref);
    // The builder says what is wrong with a second one.
    if (known !== undefined) return known.placed;
    const build = new RoutedBuild(facts, (unplaced) => this.#place(unplaced));
    build.attach(call);
    this.#builds.set(facts.ref, build);
    for (const id of facts.sessions) {
      const session = this.#sessions.get(id);
      if (session !== undefined) build.attach(session.call);
    }
    for (const tell of this.#arrivals) tell();
    return build.placed;
  }

  #readSolve(message: Buffer | undefined): SolveFacts | undefined {
    if (message === undefined) return undefined;
    try {
      return this.#deps.readSolve(message);
    } catch {
      return undefined; // the builder says what is wrong with it
    }
  }

  async #place(build: RoutedBuild): Promise<FarmBuilder> {
    const { facts, tried } = build;
    if (facts.isInternal) return this.#sessionHome(facts) ?? this.base(tried);
    const sharedKey = await this.#sharedKeyOf(facts);
    if (this.#builds.get(facts.ref) !== build) throw new Error("the client cancelled its build");
    const lease = await this.#leaseFor(build, sharedKey);
    this.#deps.whereIs.noteRef(facts.ref, lease.builder.address);
    return lease.builder;
  }

  /** All builds of a client have one place, since they may need each other. */
  async #leaseFor(build: RoutedBuild, sharedKey: string): Promise<Lease> {
    if (this.#lease !== undefined) return this.#lease;
    if (this.#placing !== undefined) {
      if (this.#placing.ahead !== undefined) build.waits(this.#placing.ahead);
      return this.#placing.lease;
    }
    const stop = new AbortController();
    const { facts, tried } = build;
    const stayOn = this.#only() === undefined ? (this.#sessionHome(facts) ?? this.#firmPin()) : undefined;
    const lease = this.#deps.placing.place(
      { ...facts.identify(sharedKey), platforms: facts.platforms, exclude: tried, stayOn },
      {
        signal: stop.signal,
        onWaiting: (ahead) => {
          if (this.#placing !== undefined) this.#placing.ahead = ahead;
          for (const waiting of this.#builds.values()) if (waiting.builder === undefined) waiting.waits(ahead);
        },
      },
    );
    const placing = { lease, stop };
    this.#placing = placing;
    try {
      const placed = await lease;
      // All that wanted it may have ended in the very moment in which it came.
      if (this.#placing !== placing) placed.release();
      else {
        this.#lease = placed;
        this.#pinned = placed.builder;
      }
      return placed;
    } finally {
      if (this.#placing === placing) this.#placing = undefined;
    }
  }

  /** Where its sessions are open already: they cannot be opened a second time. */
  #sessionHome({ sessions }: SolveFacts): FarmBuilder | undefined {
    for (const id of sessions) {
      const builder = this.#sessions.get(id)?.call.builder;
      if (builder !== undefined) return builder;
    }
    return undefined;
  }

  /** Its earlier builds are there, and more can be. */
  #firmPin(): FarmBuilder | undefined {
    const pinned = this.#pinned;
    if (pinned === undefined || !this.#deps.farm.builders.includes(pinned)) return undefined;
    if (this.buildsOn(pinned).length > 0) return pinned;
    return isUp(pinned) && !pinned.isDraining ? pinned : undefined;
  }

  #opened(id: string, call: ClientCall): void {
    if (id === "" || this.#sessions.has(id) || this.#sessions.size >= SESSIONS_MAX) return;
    this.#sessions.set(id, { sharedKey: headerValue(call.headers, SESSION_METADATA.sharedKey) ?? "", call });
    for (const build of this.#builds.values()) if (build.facts.sessions.includes(id)) build.attach(call);
    for (const tell of this.#arrivals) tell();
  }

  async #sharedKeyOf({ needsSharedKey, session }: SolveFacts): Promise<string> {
    const find = (): string | undefined => this.#sessions.get(session)?.sharedKey;
    if (!needsSharedKey || session === "" || this.#only() !== undefined) return find() ?? "";
    return (await this.#arrived(find, SHARED_KEY_WAIT_MS)) ?? "";
  }

  async #routeSession(id: string, call: ClientCall): Promise<FarmBuilder> {
    const find = (): RoutedBuild | undefined =>
      [...this.#builds.values()].find(({ facts }) => facts.sessions.includes(id));
    const pin = this.#firmPin();
    const build = find() ?? (pin === undefined ? await this.#arrived(find, SOLVE_WAIT_MS) : undefined);
    if (build !== undefined) return this.#follow(build, call);
    // It may be for a build that comes, which goes where those go that wait for their place.
    const placed = await this.#placing?.lease.catch(() => undefined);
    return placed?.builder ?? pin ?? this.#firmPin() ?? this.base();
  }

  async #routeGateway(ref: string, call: ClientCall): Promise<FarmBuilder> {
    const build = await this.#arrived(() => this.#builds.get(ref), SOLVE_WAIT_MS);
    return build === undefined ? this.base() : this.#follow(build, call);
  }

  /** Of a build under way, or of one that ended, maybe on behalf of another client. */
  async #routeStatus(call: ClientCall): Promise<FarmBuilder> {
    const { farm, whereIs } = this.#deps;
    const message = await call.call.firstMessage;
    const ref = message === undefined ? undefined : refOf(call.path, message);
    if (ref === undefined) return this.base();
    const find = (): RoutedBuild | undefined => this.#builds.get(ref);
    const build = await this.#arrived(find, STATUS_WAIT_MS);
    if (build !== undefined) return this.#follow(build, call);
    const late = this.#arrived(find, SOLVE_WAIT_MS);
    const home = await whereIs.ref(ref, farm.builders.filter(isUp), this.#closed.signal);
    if (home !== undefined) return home;
    const begun = await late;
    return begun === undefined ? this.base() : this.#follow(begun, call);
  }

  async #routeContent(call: ClientCall): Promise<FarmBuilder> {
    const { farm, whereIs } = this.#deps;
    const message = await call.call.firstMessage;
    const digest = message === undefined ? undefined : digestOf(call.path, message);
    const able = farm.builders.filter(isUp);
    const home = digest === undefined ? undefined : await whereIs.digest(digest, able, this.#closed.signal);
    return home ?? this.base();
  }

  /** A build's calls go where it goes, now and when it has to move. */
  #follow(build: RoutedBuild, call: ClientCall): Promise<FarmBuilder> {
    if (!call.call.isOver) build.attach(call);
    return build.placed;
  }

  /** What `find` finds, now or when it has come in time. */
  async #arrived<T>(find: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    const found = find();
    if (found !== undefined || this.#closed.signal.aborted) return found;
    let tell: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      tell = () => {
        if (find() !== undefined || this.#closed.signal.aborted) resolve();
      };
    });
    this.#arrivals.add(tell);
    await settledWithin(arrival, timeoutMs);
    this.#arrivals.delete(tell);
    return find();
  }

  #hasBuilds(): boolean {
    return [...this.#builds.values()].some(({ facts }) => !facts.isInternal);
  }

  #buildEnded(build: RoutedBuild, solve: ClientCall): void {
    if (this.#builds.get(build.facts.ref) === build) this.#builds.delete(build.facts.ref);
    // It ended well: what becomes of a session that outlasts it is nothing to the build any more.
    if (solve.call.hasAnswered) for (const call of build.calls) call.builds.delete(build);
    if (!this.#hasBuilds()) this.#giveUpPlace("the client cancelled its build");
  }

  /** The place that it has, or waits for. */
  #giveUpPlace(cause: string): void {
    this.#placing?.stop.abort(new Error(cause));
    // A build that comes from now on needs a place of its own.
    this.#placing = undefined;
    this.#releaseLease();
  }

  #releaseLease(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }
}
