/** Metrics of the places on builders: who got one and why, who waits, who got none. */
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import { PLACEMENT_REASONS, type PlacementReason } from "./placing.js";

export const QUEUE_REFUSALS = [
  /** It waited as long as it may. */
  "timeout",
  /** Too many wait. */
  "full",
  /** No builder takes it, with or without room. */
  "no_builder",
  /** The client left while it waited. */
  "gone",
] as const;
export type QueueRefusal = (typeof QUEUE_REFUSALS)[number];

const WAIT_BUCKETS = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];

export class FarmMetrics {
  readonly #placements: Counter<"reason">;
  readonly #waiting: Gauge;
  readonly #wait: Histogram;
  readonly #refused: Counter<"reason">;
  readonly #clients: Gauge<"builder">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#placements = new Counter({
      name: "memobuild_placements_total",
      help: "Clients that got a place on a builder, by why it was this one.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of PLACEMENT_REASONS) this.#placements.inc({ reason }, 0);
    this.#waiting = new Gauge({
      name: "memobuild_queue_waiting",
      help: "Builds that wait for a builder.",
      registers,
    });
    this.#wait = new Histogram({
      name: "memobuild_queue_wait_seconds",
      help: "Time for which builds waited for the builder that they got; nearly 0 where one was free.",
      buckets: WAIT_BUCKETS,
      registers,
    });
    this.#refused = new Counter({
      name: "memobuild_queue_refused_total",
      help: "Builds that got no builder, by why.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of QUEUE_REFUSALS) this.#refused.inc({ reason }, 0);
    this.#clients = new Gauge({
      name: "memobuild_builder_clients",
      help: "Clients that have a place on a builder.",
      labelNames: ["builder"],
      registers,
    });
  }

  placed(reason: PlacementReason, waitedMs: number): void {
    this.#placements.inc({ reason });
    this.#wait.observe(waitedMs / 1000);
  }

  waiting(builds: number): void {
    this.#waiting.set(builds);
  }

  refused(reason: QueueRefusal): void {
    this.#refused.inc({ reason });
  }

  clients(builder: string, clients: number): void {
    this.#clients.set({ builder }, clients);
  }

  /** It is no longer in the farm. */
  forgetBuilder(builder: string): void {
    this.#clients.remove({ builder });
  }
}
