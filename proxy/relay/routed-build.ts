/** One build of a client: where it is, or that it waits for a place, and the calls that belong to it. */
import { CONTROL, LLB_BRIDGE } from "../buildkit/methods.js";
import type { FarmBuilder } from "../farm/farm-builder.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import type { RelayedCall } from "./relayed-call.js";
import type { SolveFacts } from "./solve-facts.js";

/** A call of a client's, and where it was sent. */
export interface ClientCall {
  readonly path: string;
  readonly headers: HeaderList;
  readonly call: RelayedCall;
  /** Those that it belongs to: a session may be shared. */
  readonly builds: Set<RoutedBuild>;
  builder: FarmBuilder | undefined;
  /** Where it was last said to go. */
  target?: FarmBuilder | Promise<FarmBuilder>;
  /** Addresses of builders that could not be reached, where it is of no build. */
  readonly tried: Set<string>;
  /** Told once it is known to belong to a build. */
  readonly onBuild?: ((build: RoutedBuild) => void) | undefined;
}

export class RoutedBuild {
  readonly facts: SolveFacts;
  /** Its calls that have not ended. */
  readonly calls: Set<ClientCall> = new Set();
  /** Addresses of builders that were lost before the client could notice. */
  readonly tried: Set<string> = new Set();
  /** Where it goes; another promise when it has to move. @throws NoBuilderError */
  placed: Promise<FarmBuilder>;
  /** Where it is, once it has a place. */
  builder: FarmBuilder | undefined;
  /** How many are before it, as long as it waits for a builder. */
  #ahead: number | undefined;
  readonly #onWaiting = new Set<(ahead: number) => void>();
  /** The client has an answer of the builder's, such as a handle of what is there, or was told that it is lost. */
  #hasEndedCalls = false;

  constructor(facts: SolveFacts, place: (build: RoutedBuild) => Promise<FarmBuilder>) {
    this.facts = facts;
    this.placed = this.#place(place);
  }

  attach(call: ClientCall): void {
    this.calls.add(call);
    call.builds.add(this);
    call.onBuild?.(this);
  }

  /** The call has ended. */
  detach(call: ClientCall): void {
    this.calls.delete(call);
    // What has ended cannot be sent again: where the builder was lost, the client was told.
    if (call.path !== LLB_BRIDGE.ping) this.#hasEndedCalls = true;
  }

  /**
   * Whether all of it can be done again on another builder without the client's noticing.
   *
   * @param mayRepeat steps may run twice, and the client may see progress twice.
   */
  canMove(mayRepeat: boolean): boolean {
    const calls = [...this.calls];
    // Without a session that was not opened there yet, it may have run by now.
    const mayHaveRun = calls.some(({ call, path }) => path === CONTROL.solve && call.isForwarded);
    const isIdle = !mayHaveRun || calls.some(({ path }) => path === CONTROL.session);
    if (this.#hasEndedCalls || !(isIdle || mayRepeat)) return false;
    return calls.every((call) => canRepeat(call, mayRepeat));
  }

  /** Its builder is lost. */
  move(place: (build: RoutedBuild) => Promise<FarmBuilder>): void {
    if (this.builder !== undefined) this.tried.add(this.builder.address);
    this.builder = undefined;
    this.placed = this.#place(place);
  }

  waits(ahead: number): void {
    this.#ahead = ahead;
    for (const tell of this.#onWaiting) tell(ahead);
  }

  /** Tells at once, and at each change, for as long as it waits; returns how to stop that. */
  onWaiting(tell: (ahead: number) => void): () => void {
    this.#onWaiting.add(tell);
    if (this.#ahead !== undefined) tell(this.#ahead);
    return () => this.#onWaiting.delete(tell);
  }

  #place(place: (build: RoutedBuild) => Promise<FarmBuilder>): Promise<FarmBuilder> {
    const placed = place(this).then((builder) => {
      this.#ahead = undefined;
      this.builder = builder;
      return builder;
    });
    placed.catch(() => undefined); // its calls tell
    return placed;
  }
}

export const isGateway = (path: string): boolean => path.startsWith(LLB_BRIDGE.prefix);

function canRepeat({ call, path }: ClientCall, mayRepeatProgress: boolean): boolean {
  if (!call.isRepeatable) return false;
  // The client has ended it: no builder would find it open.
  if (path === CONTROL.session && call.isHalfClosed) return false;
  if (!call.hasAnswered) return !isGateway(path) || path === LLB_BRIDGE.ping || path === LLB_BRIDGE.solve;
  return path === CONTROL.status && mayRepeatProgress;
}
