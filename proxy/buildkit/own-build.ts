/** An internal build of our own on a builder: Control.Solve with the gateway calls that belong to it. */
import { randomBytes } from "node:crypto";
import type { GrpcClient } from "../grpc/grpc-client.js";
import type {
  BuildMessages,
  GatewayResult,
  GatewaySolveRequest,
  SolveRequest,
  StatusResponse,
} from "./build-messages.js";
import { BUILD_ID_METADATA, CONTROL, LLB_BRIDGE } from "./methods.js";

const EMPTY_MESSAGE = new Uint8Array();
const REF_BYTES = 16;

export class OwnBuild {
  readonly #ref = randomBytes(REF_BYTES).toString("hex");
  readonly #client: GrpcClient;
  readonly #messages: BuildMessages;
  readonly #signal: AbortSignal;
  /** Resolves with the exporters' response when the builder is done with the build. @throws GrpcError */
  readonly ended: Promise<Readonly<Record<string, string>>>;

  /**
   * Starts it; the builder does not record it. It lasts until its result is returned, or until `signal` aborts, which
   * stops what it runs.
   */
  constructor(client: GrpcClient, messages: BuildMessages, request: Partial<SolveRequest>, signal: AbortSignal) {
    this.#client = client;
    this.#messages = messages;
    this.#signal = signal;
    const solve = messages.solveRequest.encode({ ...request, ref: this.#ref, internal: true });
    this.ended = client
      .unary(CONTROL.solve, solve, { signal })
      .then((response) => messages.solveResponse.decode(response).exporterResponse);
    // Who waits for a call of the build hears of its failure there.
    this.ended.catch(() => undefined);
  }

  /** Resolves when the builder knows the build. @throws GrpcError */
  async registered(): Promise<void> {
    await this.call(LLB_BRIDGE.ping, EMPTY_MESSAGE);
  }

  /** Follows the progress until the build ends. @throws GrpcError */
  async status(onStatus: (status: StatusResponse) => void): Promise<void> {
    const request = this.#messages.statusRequest.encode({ ref: this.#ref });
    await this.#client.serverStream(CONTROL.status, request, { signal: this.#signal }, (message) => {
      onStatus(this.#messages.statusResponse.decode(message));
    });
  }

  /** Loads LLB, and with `evaluate` runs it. @throws GrpcError */
  async solve(request: Partial<GatewaySolveRequest>): Promise<GatewayResult | null> {
    const answer = await this.call(LLB_BRIDGE.solve, this.#messages.gatewaySolveRequest.encode(request));
    return this.#messages.gatewaySolveResponse.decode(answer).result;
  }

  /** Ends the build with this result; exports follow, and then `ended`. @throws GrpcError */
  async return(result: Partial<GatewayResult>): Promise<void> {
    const complete: GatewayResult = { ref: null, refs: null, metadata: {}, ...result };
    await this.call(LLB_BRIDGE.return, this.#messages.returnRequest.encode({ result: complete }));
  }

  /** A gateway call of this build. @throws GrpcError */
  async call(path: string, message: Uint8Array): Promise<Buffer> {
    return this.#client.unary(path, message, { metadata: [BUILD_ID_METADATA, this.#ref], signal: this.#signal });
  }
}
