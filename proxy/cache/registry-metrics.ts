/** Metrics of the cache registry. Nothing of a path becomes a label. */
import { Counter } from "prom-client";
import type { Registry } from "prom-client";

export const OPERATIONS = [
  "get_manifest",
  "head_manifest",
  "put_manifest",
  "get_blob",
  "head_blob",
  "upload",
  "probe",
  "other",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** All that the registry answers. `cut` stands for answers that did not end: the client left, or was given up. */
const CODES = ["200", "201", "202", "204", "206", "400", "404", "405", "413", "416", "429", "500", "507", "cut"];
const DIRECTIONS = ["in", "out", "drained"] as const;

export class RegistryMetrics {
  readonly #requests: Counter<"operation" | "code">;
  readonly #deduplicated: Counter;
  /** Plain numbers, because they change with every piece; the counter takes them over when it is read. */
  readonly #bytes: Record<(typeof DIRECTIONS)[number], number> = { in: 0, out: 0, drained: 0 };

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "memobuild_registry_requests_total",
      help: "Requests to the cache registry that ended, by operation and answer.",
      labelNames: ["operation", "code"],
      registers,
    });
    const bytes = this.#bytes;
    new Counter({
      name: "memobuild_registry_bytes_total",
      help: "Bytes of blobs and manifests received and sent; drained: received again while another upload stored them.",
      labelNames: ["direction"],
      registers,
      collect() {
        this.reset();
        for (const direction of DIRECTIONS) this.inc({ direction }, bytes[direction]);
      },
    });
    this.#deduplicated = new Counter({
      name: "memobuild_registry_deduplicated_uploads_total",
      help: "Uploads that were not needed, because another one of the same blob was under way.",
      registers,
    });
    for (const operation of OPERATIONS) for (const code of CODES) this.#requests.inc({ operation, code }, 0);
  }

  request(operation: Operation, code: number | "cut"): void {
    this.#requests.inc({ operation, code: String(code) });
  }

  received(bytes: number): void {
    this.#bytes.in += bytes;
  }

  drained(bytes: number): void {
    this.#bytes.drained += bytes;
  }

  sent(bytes: number): void {
    this.#bytes.out += bytes;
  }

  deduplicated(): void {
    this.#deduplicated.inc();
  }
}
