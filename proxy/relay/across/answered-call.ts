/** A call that we answer ourselves: its client's stream, the one message of its request, and the answer. */
import { GrpcError } from "../../grpc/grpc-client.js";
import { statusHeaders, trailersOnly } from "../../grpc/grpc-status.js";
import type { GrpcCode } from "../../grpc/grpc-status.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";
import type { Stream, StreamHandler } from "../../grpc/http2/stream.js";
import { frameMessage, MessageReader } from "../../grpc/message.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import type { CallObserver } from "../relayed-call.js";
import type { FarmCall } from "./farm-call.js";

const RESPONSE_HEADERS: HeaderList = [":status", "200", "content-type", "application/grpc"];

/** Of a request, what belongs to its connection or to the form of its message; calls of our own have these themselves. */
const NOT_SENT_ON: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "te",
  "user-agent",
]);

const NOT_ONE_MESSAGE = "memobuild: the request must be one message";

export interface AnswerDeps {
  /** Those that answer; at least one. */
  readonly builders: readonly FarmBuilder[];
  readonly current: () => readonly FarmBuilder[];
  readonly observer: CallObserver;
}

/** Answers a call that has come in. What its client sends goes to the handler that is returned. */
export function answerCall(
  client: Stream,
  headers: HeaderList,
  farmCall: FarmCall,
  { builders, current, observer }: AnswerDeps,
): StreamHandler {
  const answer = new Answer(client, observer);
  return answer.fromClient(async (request) => {
    await farmCall(request, {
      builders,
      current,
      metadata: metadataOf(headers),
      signal: answer.signal,
      respond: (metadata) => {
        answer.respond(metadata);
      },
      send: (message) => answer.send(message),
    });
  });
}

class Answer {
  readonly #client: Stream;
  readonly #observer: CallObserver;
  readonly #abort = new AbortController();
  readonly #reader = new MessageReader();
  readonly #requests: Buffer[] = [];
  /** Those who wait for room. */
  #waiting: (() => void)[] = [];
  #hasResponded = false;
  #isOver = false;

  constructor(client: Stream, observer: CallObserver) {
    this.#client = client;
    this.#observer = observer;
  }

  /** Aborts when the call is over, also because the client is gone. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Hears the client, and runs `work` once the request is whole. */
  fromClient(work: (request: Buffer) => Promise<void>): StreamHandler {
    return {
      headers: () => undefined,
      data: (piece) => {
        this.#client.consumed(piece.length);
        if (this.#isOver) return;
        this.#requests.push(...this.#reader.push(piece));
        if (!this.#reader.isLegible) this.#end("UNIMPLEMENTED", "memobuild: the request is compressed, or too large");
        // At once: whoever never stops sending would fill the memory.
        else if (this.#requests.length > 1) this.#end("INTERNAL", NOT_ONE_MESSAGE);
      },
      end: () => {
        const [request] = this.#requests.splice(0);
        if (request !== undefined) void this.#run(() => work(request));
        else this.#end("INTERNAL", NOT_ONE_MESSAGE);
      },
      failed: () => {
        this.#over("CANCELLED");
      },
      drain: () => {
        this.#wake();
      },
    };
  }

  respond(metadata: HeaderList): void {
    if (this.#isOver || this.#hasResponded) return;
    this.#hasResponded = true;
    this.#client.respond([...RESPONSE_HEADERS, ...metadata], false);
  }

  /** Resolves when there is room for more, also where there is nobody left to read it. */
  async send(message: Buffer): Promise<void> {
    if (this.#isOver) return;
    this.respond([]);
    const framed = frameMessage(message);
    this.#observer.bytesToClient(framed.length);
    if (this.#client.write(framed)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async #run(work: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    this.#observer.forwarded();
    try {
      await work();
      this.#end("OK", "");
    } catch (error) {
      if (error instanceof GrpcError) this.#end(error.code, error.statusMessage ?? error.message);
      else this.#end("UNAVAILABLE", `memobuild: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #end(code: GrpcCode, message: string): void {
    if (this.#isOver) return;
    if (this.#hasResponded) this.#client.end(statusHeaders(code, message));
    else this.#client.respond(trailersOnly(code, message), true);
    this.#over(code);
  }

  #over(code: GrpcCode): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#requests.length = 0;
    this.#abort.abort();
    this.#wake();
    this.#observer.ended(code);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Metadata fit to be sent on: in pairs, without pseudo-headers. */
function metadataOf(headers: HeaderList): HeaderList {
  const metadata: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = "", value = ""] = headers.slice(at, at + 2);
    if (!name.startsWith(":") && !NOT_SENT_ON.has(name)) metadata.push(name, value);
  }
  return metadata;
}
