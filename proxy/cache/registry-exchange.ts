/** One request and its answer: headers, errors in the form of the OCI distribution specification, limits. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RegistryMetrics } from "./registry-metrics.js";

/** Of a connection that moves no byte of a body while one is under way. */
export const BODY_IDLE_TIMEOUT_MS = 60_000;
/** How long a client may go on sending a body that was refused, so that it gets to read why. */
const LINGER_MS = 1000;

/** One body for all that is not there: what exists cannot be told from what is not allowed. */
const NOT_FOUND = errorBody("NAME_UNKNOWN", "not found");

function errorBody(code: string, message: string): Buffer {
  return Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
}

export type AnswerHeaders = Readonly<Record<string, string | number>>;

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly metrics: RegistryMetrics;

  constructor(request: IncomingMessage, response: ServerResponse, metrics: RegistryMetrics) {
    this.request = request;
    this.response = response;
    this.metrics = metrics;
  }

  get isHead(): boolean {
    return this.request.method === "HEAD";
  }

  get isRead(): boolean {
    return this.isHead || this.request.method === "GET";
  }

  /** Of the request's body; undefined where it comes in chunks. */
  get contentLength(): number | undefined {
    const text = this.request.headers["content-length"];
    return text === undefined ? undefined : Number(text);
  }

  /** The whole answer; of a body to HEAD only its length. */
  answer(status: number, headers: AnswerHeaders = {}, body: Uint8Array = Buffer.alloc(0)): void {
    this.response.writeHead(status, status === 204 ? headers : { "content-length": body.length, ...headers });
    if (this.isHead || body.length === 0) {
      this.response.end();
      return;
    }
    this.limitIdle();
    this.metrics.sent(body.length);
    this.response.end(body);
  }

  /** The head of an answer whose body follows. */
  begin(status: number, headers: AnswerHeaders): void {
    this.response.writeHead(status, headers);
  }

  notFound(): void {
    this.#refuse(404, {}, NOT_FOUND);
  }

  error(status: number, code: string, message: string, headers: AnswerHeaders = {}): void {
    this.#refuse(status, headers, errorBody(code, message));
  }

  /** Ends the connection: the client sees that the answer is not whole. */
  cut(): void {
    this.response.destroy();
    this.request.socket.destroy();
  }

  /** Fires when the client has left or was given up, and when all is answered. */
  closed(): AbortSignal {
    const controller = new AbortController();
    this.response.once("close", () => {
      controller.abort();
    });
    if (this.response.closed) controller.abort();
    return controller.signal;
  }

  /** From now on the connection is cut when nothing moves on it: Node's answer to a timeout nobody listens to. */
  limitIdle(): void {
    this.response.setTimeout(BODY_IDLE_TIMEOUT_MS);
  }

  /** The bytes of the request; they may be left unread. */
  async *body(): AsyncGenerator<Uint8Array, void> {
    this.limitIdle();
    const pieces: AsyncIterable<Uint8Array> = this.request.iterator({ destroyOnReturn: false });
    yield* pieces;
    // What is done with them may take longer than a client may be silent.
    this.response.setTimeout(0);
  }

  #refuse(status: number, headers: AnswerHeaders, body: Buffer): void {
    const { request, response } = this;
    const all = { "content-type": "application/json", ...headers };
    if (request.complete || !hasBody(request)) {
      this.answer(status, all, body);
      return;
    }
    response.writeHead(status, { ...all, "content-length": body.length, connection: "close" });
    response.write(body);
    // Ended at once, the connection would be reset under what still comes in, and the client not get the answer.
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, LINGER_MS).unref();
    request.once("close", end);
    request.resume();
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
