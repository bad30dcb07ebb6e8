/** What a client sees among the steps of its build while that waits for a builder. */
import { createHash } from "node:crypto";
import type { BuildMessages, Timestamp, Vertex } from "../buildkit/build-messages.js";
import type { HeaderList } from "../grpc/http2/header-list.js";

/** Clients take the difference to their own clock from it. */
const TIMESTAMP_METADATA = "buildkit-current-timestamp";

const timestampOf = (ms: number): Timestamp => ({ seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1_000_000 });

export class WaitingNotice {
  readonly #messages: Pick<BuildMessages, "statusResponse">;
  readonly #vertex: Vertex;

  /** @param nowMs since 1970 */
  constructor(messages: Pick<BuildMessages, "statusResponse">, ref: string, nowMs: number) {
    this.#messages = messages;
    const digest = `sha256:${createHash("sha256").update(`waiting ${ref}`).digest("hex")}`;
    const started = timestampOf(nowMs);
    this.#vertex = { digest, name: "", inputs: [], cached: false, started, completed: null, error: "" };
  }

  /** For the answer that a notice begins. @param nowMs since 1970 */
  metadata(nowMs: number): HeaderList {
    return [TIMESTAMP_METADATA, new Date(nowMs).toISOString()];
  }

  waiting(ahead: number): Buffer {
    return this.#encode({ ...this.#vertex, name: `memobuild: waiting for a builder, ${ahead} ahead` });
  }

  /** @param nowMs since 1970 */
  placed(builder: string, nowMs: number): Buffer {
    return this.#encode({ ...this.#vertex, name: `memobuild: building on ${builder}`, completed: timestampOf(nowMs) });
  }

  #encode(vertex: Vertex): Buffer {
    return this.#messages.statusResponse.encode({ vertexes: [vertex] });
  }
}
