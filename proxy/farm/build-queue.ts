/** Gives builds their places on builders: at once where there is room, otherwise in a fair order as places come free. */
import { BuilderPlaces } from "./builder-places.js";
import { fairOrder, projectKey } from "./fair-order.js";
import type { FarmBuilder, FarmView } from "./farm-builder.js";
import type { FarmMetrics, QueueRefusal } from "./farm-metrics.js";
import { noneTakesText, pinnedText, queueFullText, timedOutText, type Busy } from "./no-builder-text.js";
import { placeBuild, refusalOf, type PlacementQuestion } from "./placement.js";
import { NoBuilderError } from "./placing.js";
import type { Lease, PlaceOptions, PlaceRequest, PlacementReason, Placing } from "./placing.js";
import { Tally } from "./tally.js";
import { WaitingBuild, type Lack } from "./waiting-build.js";
import type { Warmth } from "./warmth.js";

/** More than wait for a farm that anybody would call large enough. */
export const QUEUE_MAX = 1_000;

export interface BuildQueueDeps {
  readonly farm: Pick<FarmView, "builders">;
  readonly warmth: Warmth;
  readonly metrics: FarmMetrics;
  /** Clients that a builder has at most; undefined for no limit. When it changes, `placeAgain` says so. */
  readonly maxClients: number | undefined;
  /** How long a build that comes now waits for a builder that has room. */
  readonly queueTimeoutMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

type Attempt =
  | { readonly outcome: "placed"; readonly builder: FarmBuilder; readonly reason: PlacementReason }
  | { readonly outcome: "lacks"; readonly what: Lack }
  /** No wait would help. */
  | { readonly outcome: "hopeless" };

export class BuildQueue implements Placing {
  readonly #deps: BuildQueueDeps;
  /** Oldest first. */
  readonly #waiting = new Set<WaitingBuild>();
  readonly #clients = new Tally();
  readonly #ofTenant = new Tally();
  readonly #ofProject = new Tally();
  /** Addresses that the metrics know. */
  readonly #shown = new Set<string>();
  #tellings = 0;
  #placesOf: readonly FarmBuilder[] = [];
  #placesLimit: number | undefined;
  /** By address, in the farm's order. */
  #places: ReadonlyMap<string, BuilderPlaces> = new Map();
  #candidatesNow: readonly BuilderPlaces[] = [];
  #isClosed = false;

  constructor(deps: BuildQueueDeps) {
    this.#deps = deps;
  }

  /** Builds that wait for a builder. */
  get waiting(): number {
    return this.#waiting.size;
  }

  clientsOn(address: string): number {
    return this.#clients.of(address);
  }

  async place(request: PlaceRequest, options: PlaceOptions): Promise<Lease> {
    options.signal.throwIfAborted();
    if (this.#isClosed) throw stopped();
    // Those that wait were asked when a place last came free: what is free now is not for them.
    const attempt = this.#attempt(request);
    if (attempt.outcome === "placed") return this.#lease(request, attempt.builder, attempt.reason, 0);
    if (attempt.outcome === "hopeless") throw this.#refusal("no_builder", this.#noneText(request));
    if (this.#waiting.size >= QUEUE_MAX) {
      throw this.#refusal("full", queueFullText(this.#waiting.size, this.#busy(request)));
    }
    return this.#wait(request, options, attempt.what);
  }

  /** Builders have come, gone or changed, or take more or fewer clients. */
  placeAgain(): void {
    const addresses = new Set(this.#deps.farm.builders.map(({ address }) => address));
    for (const address of new Set([...addresses, ...this.#shown])) this.#show(address, addresses.has(address));
    this.#serve();
  }

  /** Refuses those that wait, and all that come; leases stay as they are. */
  close(): void {
    this.#isClosed = true;
    this.refuseWaiting();
  }

  /** Those that come find what there is. */
  refuseWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const build of waiting) build.refuse(stopped());
    this.#tell();
  }

  #attempt(request: PlaceRequest): Attempt {
    const question = this.#questionOf(request);
    const placement = placeBuild(question, this.#candidates());
    if (placement.outcome === "full") return { outcome: "lacks", what: "room" };
    if (placement.outcome === "none") {
      return this.#isHopeless(question) ? { outcome: "hopeless" } : { outcome: "lacks", what: "builder" };
    }
    const candidate = this.#placesOn(placement.address);
    if (candidate === undefined) throw new Error(`placed on ${placement.address}, which was not asked`);
    return { outcome: "placed", builder: candidate.builder, reason: placement.reason };
  }

  #questionOf({ tenant, project, scope, platforms, exclude, stayOn }: PlaceRequest): PlacementQuestion {
    const warmth = this.#deps.warmth.of({ tenant, project, scope }, this.#deps.wallClock());
    return { key: projectKey({ tenant, project }), platforms, exclude, stayOn: stayOn?.address, warmth };
  }

  /** Made anew when the farm has other builders, or they have another limit. */
  #candidates(): readonly BuilderPlaces[] {
    const { farm, maxClients } = this.#deps;
    if (this.#placesOf !== farm.builders || this.#placesLimit !== maxClients) {
      this.#placesOf = farm.builders;
      this.#placesLimit = maxClients;
      this.#candidatesNow = farm.builders.map(
        (builder) => new BuilderPlaces(builder, maxClients, this.#clients.of(builder.address)),
      );
      this.#places = new Map(this.#candidatesNow.map((candidate) => [candidate.address, candidate]));
    }
    return this.#candidatesNow;
  }

  #placesOn(address: string): BuilderPlaces | undefined {
    this.#candidates();
    return this.#places.get(address);
  }

  /** All that it could wait for are not to be used, have failed for it, or are gone. */
  #isHopeless({ exclude, stayOn }: PlacementQuestion): boolean {
    const { builders } = this.#deps.farm;
    const eligible = stayOn === undefined ? builders : builders.filter(({ address }) => address === stayOn);
    // A farm that has none yet may be about to find its first, such as by DNS.
    if (eligible.length === 0) return stayOn !== undefined;
    return eligible.every(({ address, health }) => exclude.has(address) || health.state === "refused");
  }

  #wait(request: PlaceRequest, options: PlaceOptions, what: Lack): Promise<Lease> {
    const { now, queueTimeoutMs } = this.#deps;
    const build = new WaitingBuild({
      ...{ ...options, request, queueTimeoutMs, now },
      onTimeout: () => {
        this.#timedOut(build);
      },
      onAbort: () => {
        this.#deps.metrics.refused("gone");
        this.#refuse(build, build.abortReason);
      },
    });
    this.#waiting.add(build);
    build.lack(what);
    this.#tell();
    return build.lease;
  }

  #timedOut(build: WaitingBuild): void {
    const error =
      build.lacks === "room"
        ? this.#refusal("timeout", timedOutText(build.waitedMs, this.#busy(build.request)))
        : this.#refusal("no_builder", this.#noneText(build.request));
    this.#refuse(build, error);
  }

  #refuse(build: WaitingBuild, error: unknown): void {
    this.#waiting.delete(build);
    build.refuse(error);
    this.#tell();
  }

  /** @param freed the only builder where there may be more room than when this was last called; undefined for any. */
  #serve(freed?: string): void {
    for (const build of this.#order([...this.#waiting])) {
      if (freed !== undefined && this.#isFull(freed)) break;
      const attempt = this.#attempt(build.request);
      if (attempt.outcome === "lacks") {
        build.lack(attempt.what);
        continue;
      }
      this.#waiting.delete(build);
      if (attempt.outcome === "hopeless") {
        build.refuse(this.#refusal("no_builder", this.#noneText(build.request)));
      } else {
        build.take(this.#lease(build.request, attempt.builder, attempt.reason, build.waitedMs));
      }
    }
    this.#tell();
  }

  #order(builds: readonly WaitingBuild[]): WaitingBuild[] {
    return fairOrder(builds, {
      ofTenant: (tenant) => this.#ofTenant.of(tenant),
      ofProject: (tenant, project) => this.#ofProject.of(projectKey({ tenant, project })),
    });
  }

  /** Tells only those that wait for room: the others wait for a builder, not for each other. */
  #tell(): void {
    this.#deps.metrics.waiting(this.#waiting.size);
    const telling = ++this.#tellings;
    const queue = this.#order([...this.#waiting].filter(({ lacks }) => lacks === "room"));
    for (const [ahead, build] of queue.entries()) {
      build.tell(ahead);
      // It left when it was told, and the rest has been told since.
      if (telling !== this.#tellings) return;
    }
  }

  #lease(request: PlaceRequest, builder: FarmBuilder, reason: PlacementReason, waitedMs: number): Lease {
    const { metrics, wallClock, warmth } = this.#deps;
    this.#count(request, builder.address, 1);
    warmth.placed(request, builder.address, wallClock());
    metrics.placed(reason, waitedMs);
    let isReleased = false;
    return {
      builder,
      reason,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#count(request, builder.address, -1);
        this.#serve(builder.address);
      },
    };
  }

  #count({ tenant, project }: PlaceRequest, address: string, change: 1 | -1): void {
    this.#clients.add(address, change);
    this.#ofTenant.add(tenant, change);
    this.#ofProject.add(projectKey({ tenant, project }), change);
    const places = this.#placesOn(address);
    if (places !== undefined) places.clients = this.#clients.of(address);
    this.#show(address, places !== undefined);
  }

  #show(address: string, isInFarm: boolean): void {
    const clients = this.#clients.of(address);
    if (isInFarm || clients > 0) {
      this.#shown.add(address);
      this.#deps.metrics.clients(address, clients);
    } else if (this.#shown.delete(address)) {
      this.#deps.metrics.forgetBuilder(address);
    }
  }

  #isFull(address: string): boolean {
    const { maxClients } = this.#deps;
    return maxClients !== undefined && this.#clients.of(address) >= maxClients;
  }

  #refusal(reason: QueueRefusal, message: string): NoBuilderError {
    this.#deps.metrics.refused(reason);
    return new NoBuilderError(message);
  }

  #busy({ stayOn }: PlaceRequest): Busy {
    const { farm, maxClients } = this.#deps;
    return { builders: farm.builders.length, maxClients, stayOn: stayOn?.address };
  }

  #noneText(request: PlaceRequest): string {
    const question = { exclude: request.exclude, stayOn: request.stayOn?.address };
    const candidates = this.#candidates();
    const refused = candidates.flatMap((candidate) => {
      const refusal = refusalOf(question, candidate, candidates.length === 1);
      return refusal === undefined ? [] : [{ builder: candidate.builder, refusal }];
    });
    if (question.stayOn === undefined) return noneTakesText(refused);
    return pinnedText(
      question.stayOn,
      refused.find(({ builder }) => builder.address === question.stayOn),
    );
  }
}

function stopped(): NoBuilderError {
  return new NoBuilderError("MemoBuild is stopping");
}
