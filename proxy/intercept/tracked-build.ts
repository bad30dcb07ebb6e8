/** One client's build, from its Control.Solve to its end: what it imports and what it returns. */
import type { CacheOptionsEntry, GatewayResult, Ref, SolveRequest } from "../buildkit/build-messages.js";
import type { Definition } from "../buildkit/definition.js";
import type { RunningBuild } from "../cache/build-overlap.js";
import type { RecordedBuild } from "../builds/recording.js";
import type { Builder } from "../farm/builder.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { ExportSlot } from "../cache/export-slot.js";
import type { ExportResult } from "../writeback/write-behind-metrics.js";
import type { Pin } from "../writeback/write-behind.js";

/** Results of one build; one that has more is not exported. */
const REFS_MAX = 256;
/** Of their definitions together. */
const DEFINITIONS_MAX_BYTES = 16 << 20;

export class TrackedBuild {
  readonly request: SolveRequest;
  /** Another one where it had to move. */
  builder: Builder;
  /** Undefined where the cache is off. */
  readonly running: RunningBuild | undefined;
  /** Undefined where it is not recorded. */
  readonly record: RecordedBuild | undefined;
  /** Set by the first call that runs a frontend or a definition. */
  identity: BuildIdentity | undefined;
  /** Our import, once it was looked for; undefined in it where there is none. */
  import: Promise<CacheOptionsEntry | undefined> | undefined;
  /** All imports of the last call that ran a frontend, ours included. */
  imports: readonly CacheOptionsEntry[] = [];
  /** What it returns. */
  definitions: readonly Definition[] = [];
  /** `host:port` under which the builder reaches the cache registry, asked for once. */
  registry: Promise<string | undefined> | undefined;
  /** Its export behind it; one, whatever its client returns. */
  pinning: Promise<Pin | ExportResult | undefined> | undefined;
  /** Its export within it, where there can be none behind it. */
  attached: ExportSlot | undefined;
  hasEnded = false;
  readonly #definitions = new Map<string, Buffer>();
  #definitionBytes = 0;

  constructor(
    request: SolveRequest,
    builder: Builder,
    running: RunningBuild | undefined,
    record: RecordedBuild | undefined,
  ) {
    this.request = request;
    this.builder = builder;
    this.running = running;
    this.record = record;
  }

  /** Its builder was lost, and another one does it from the beginning. */
  move(builder: Builder): void {
    this.builder = builder;
    this.import = undefined;
    this.imports = [];
    this.registry = undefined;
    this.attached?.discard();
    this.attached = undefined;
    this.record?.moved(builder.address);
  }

  /** Remembers the definitions of results that the builder gave. */
  addResult(result: GatewayResult): void {
    for (const { def, id } of refsOf(result)) {
      if (def.length === 0 || this.#definitions.size >= REFS_MAX) continue;
      if (this.#definitionBytes + def.length > DEFINITIONS_MAX_BYTES) continue;
      this.#definitionBytes += def.length;
      this.#definitions.set(id, def);
      this.record?.defined(def);
    }
  }

  /** The result with the definition of each of its refs; undefined where one is not known, or there is none. */
  completeResult(result: GatewayResult): GatewayResult | undefined {
    const complete = ({ id }: Ref): Ref => ({ id, def: this.#definitions.get(id) ?? Buffer.alloc(0) });
    const refs = Object.entries(result.refs?.refs ?? {}).map(([key, ref]) => [key, complete(ref)] as const);
    const completed: GatewayResult = {
      metadata: result.metadata,
      ref: result.ref === null ? null : complete(result.ref),
      refs: refs.length === 0 ? null : { refs: Object.fromEntries(refs) },
    };
    const all = refsOf(completed);
    return all.length > 0 && all.every(({ def }) => def.length > 0) ? completed : undefined;
  }
}

export function refsOf({ ref, refs }: GatewayResult): readonly Ref[] {
  return [...(ref === null ? [] : [ref]), ...Object.values(refs?.refs ?? {})];
}
