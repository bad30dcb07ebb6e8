/** Metrics of builds and of their recording. */
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { Logger } from "../log/create-logger.js";
import { BUILD_OUTCOMES, CAUSE_KINDS, type BuildRecord, type CauseKind } from "./build-record.js";

/** Parts of the recording that can fail, each without harm to the build. */
export const RECORD_PARTS = [
  "begin",
  "checkpoint",
  "definition",
  "events",
  "export",
  "finish",
  "log",
  "removal",
  "retention",
  "session",
  "status",
] as const;
export type RecordPart = (typeof RECORD_PARTS)[number];

const STEP_RESULTS_COUNTED = ["cached_builder", "cached_shared", "cached_unknown", "ran"] as const;
const SECONDS_BUCKETS = [0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1280];

export class BuildMetrics {
  readonly #builds: Counter<"outcome">;
  readonly #running: Gauge;
  readonly #seconds: Histogram<"outcome">;
  readonly #steps: Counter<"result">;
  readonly #misses: Counter<"cause">;
  readonly #savedSeconds: Counter;
  readonly #failures: Counter<"part">;
  readonly #logger: Logger;
  readonly #logged = new Set<RecordPart>();

  constructor(registry: Registry, logger: Logger) {
    this.#logger = logger;
    const registers = [registry];
    const [builds, steps, misses] = ["memobuild_builds_total", "memobuild_build_steps_total", "memobuild_misses_total"];
    this.#builds = new Counter({ name: builds, help: "Builds that ended.", labelNames: ["outcome"], registers });
    for (const outcome of BUILD_OUTCOMES) if (outcome !== "running") this.#builds.inc({ outcome }, 0);
    this.#running = new Gauge({ name: "memobuild_builds_running", help: "Builds under way.", registers });
    this.#seconds = new Histogram({
      name: "memobuild_build_seconds",
      help: "How long builds took, as their clients saw it.",
      labelNames: ["outcome"],
      buckets: SECONDS_BUCKETS,
      registers,
    });
    for (const outcome of BUILD_OUTCOMES) if (outcome !== "running") this.#seconds.zero({ outcome });
    const stepsHelp =
      "Steps that could be cached, by what became of them; base images and internal steps are left out.";
    this.#steps = new Counter({ name: steps, help: stepsHelp, labelNames: ["result"], registers });
    for (const result of STEP_RESULTS_COUNTED) this.#steps.inc({ result }, 0);
    const missesHelp = "Steps that ran first, each with what it cascaded to, by why.";
    this.#misses = new Counter({ name: misses, help: missesHelp, labelNames: ["cause"], registers });
    for (const cause of CAUSE_KINDS) this.#misses.inc({ cause }, 0);
    this.#savedSeconds = new Counter({
      name: "memobuild_build_saved_seconds_total",
      help: "What the steps that were reused took when they last ran.",
      registers,
    });
    this.#failures = new Counter({
      name: "memobuild_record_failures_total",
      help: "What could not be recorded of builds, which went on all the same.",
      labelNames: ["part"],
      registers,
    });
    for (const part of RECORD_PARTS) this.#failures.inc({ part }, 0);
  }

  began(): void {
    this.#running.inc();
  }

  ended(record: BuildRecord): void {
    const { counts, endedAtMs = 0, outcome, savedMs, startedAtMs, steps } = record;
    this.#builds.inc({ outcome });
    this.#seconds.observe({ outcome }, Math.max(0, endedAtMs - startedAtMs) / 1_000);
    const { cached, cachedBuilder, cachedShared, ran } = counts;
    this.#steps.inc({ result: "cached_builder" }, cachedBuilder);
    this.#steps.inc({ result: "cached_shared" }, cachedShared);
    this.#steps.inc({ result: "cached_unknown" }, cached - cachedBuilder - cachedShared);
    this.#steps.inc({ result: "ran" }, ran);
    for (const cause of rootCauses(steps)) this.#misses.inc({ cause });
    this.#savedSeconds.inc(savedMs / 1_000);
  }

  /** It runs no more, whether its record could be kept or not. */
  gone(): void {
    this.#running.dec();
  }

  /** Counts it, and logs the first of its kind. */
  failed(part: RecordPart, error: unknown): void {
    this.#failures.inc({ part });
    if (this.#logged.has(part)) return;
    this.#logged.add(part);
    this.#logger.warn({ part, cause: error instanceof Error ? error.message : String(error) }, "build not recorded");
  }
}

const rootCauses = (steps: BuildRecord["steps"]): CauseKind[] =>
  steps.flatMap(({ cause }) => (cause === undefined || cause.root !== undefined ? [] : [cause.kind]));
