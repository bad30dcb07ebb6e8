/** Metrics of the relay. Labels are closed sets, so that nothing a client sends becomes a time series. */
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import { KNOWN_METHODS, OTHER_METHOD } from "../buildkit/methods.js";
import type { MethodName } from "../buildkit/methods.js";
import { GRPC_CODES } from "../grpc/grpc-status.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import type { CallObserver } from "./relayed-call.js";

type Side = "client" | "builder";
const DIRECTIONS = ["to_builder", "to_client"] as const;
type Direction = (typeof DIRECTIONS)[number];

const SECONDS_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15];

export class RelayMetrics {
  readonly #now: () => number;
  readonly #calls: Counter<"service" | "method" | "code">;
  readonly #callsInFlight: Gauge;
  readonly #moved: Counter;
  /** Plain numbers, because they change with every piece; the counter takes them over when it is read. */
  readonly #bytes: Record<Direction, number> = { to_builder: 0, to_client: 0 };
  readonly #connections: Gauge<"side">;
  readonly #connectionsTotal: Counter<"side">;
  readonly #addedLatency: Histogram;
  readonly #rejected: Counter<"reason">;

  /** @param now milliseconds of a clock that never goes back. */
  constructor(registry: Registry, now: () => number) {
    this.#now = now;
    const registers = [registry];
    this.#calls = new Counter({
      name: "memobuild_relay_calls_total",
      help: "Calls that ended, by the gRPC status that the client got.",
      labelNames: ["service", "method", "code"],
      registers,
    });
    this.#callsInFlight = new Gauge({
      name: "memobuild_relay_calls_in_flight",
      help: "Calls that have not ended.",
      registers,
    });
    const bytes = this.#bytes;
    new Counter({
      name: "memobuild_relay_bytes_total",
      help: "Bytes of messages forwarded.",
      labelNames: ["direction"],
      registers,
      collect() {
        this.reset();
        for (const direction of DIRECTIONS) this.inc({ direction }, bytes[direction]);
      },
    });
    this.#moved = new Counter({
      name: "memobuild_relay_moved_builds_total",
      help: "Builds that went to another builder because theirs was lost.",
      registers,
    });
    this.#connections = new Gauge({
      name: "memobuild_relay_connections",
      help: "Open connections, to clients and to builders.",
      labelNames: ["side"],
      registers,
    });
    this.#connectionsTotal = new Counter({
      name: "memobuild_relay_connections_total",
      help: "Connections that were opened.",
      labelNames: ["side"],
      registers,
    });
    this.#addedLatency = new Histogram({
      name: "memobuild_relay_added_latency_seconds",
      help: "Time from the arrival of a call's headers to their being sent to the builder, connecting included.",
      buckets: SECONDS_BUCKETS,
      registers,
    });
    this.#rejected = new Counter({
      name: "memobuild_relay_rejected_connections_total",
      help: "Connections that were not served, by what their first bytes were.",
      labelNames: ["reason"],
      registers,
    });
    this.#preset();
  }

  /** A call's headers have arrived. */
  call({ service, method }: MethodName): CallObserver {
    const startedMs = this.#now();
    this.#callsInFlight.inc();
    return {
      forwarded: () => {
        this.#addedLatency.observe((this.#now() - startedMs) / 1000);
      },
      bytesToBuilder: (bytes) => {
        this.#bytes.to_builder += bytes;
      },
      bytesToClient: (bytes) => {
        this.#bytes.to_client += bytes;
      },
      ended: (code) => {
        this.#callsInFlight.dec();
        this.#calls.inc({ service, method, code });
      },
    };
  }

  moved(builds: number): void {
    this.#moved.inc(builds);
  }

  connectionOpened(side: Side): void {
    this.#connections.inc({ side });
    this.#connectionsTotal.inc({ side });
  }

  connectionClosed(side: Side): void {
    this.#connections.dec({ side });
  }

  connectionRejected(reason: RejectionReason): void {
    this.#rejected.inc({ reason });
  }

  #preset(): void {
    for (const { service, method } of [...KNOWN_METHODS, OTHER_METHOD]) {
      for (const code of GRPC_CODES) this.#calls.inc({ service, method, code: code satisfies GrpcCode }, 0);
    }
    const sides: readonly Side[] = ["client", "builder"];
    for (const side of sides) {
      this.#connections.set({ side }, 0);
      this.#connectionsTotal.inc({ side }, 0);
    }
    for (const reason of REJECTION_REASONS) this.#rejected.inc({ reason }, 0);
  }
}

export const REJECTION_REASONS = [
  "http1",
  "tls_on_plain_port",
  "plain_on_tls_port",
  "not_http2",
  "tls_handshake",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];
