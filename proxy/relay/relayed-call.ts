/** One call: its client's stream and its builder's stream, and the bytes, half-closes and resets between them. */
import { frameMessage } from "../grpc/message.js";
import { codeOfReset, codeOfTrailers, messageOfTrailers, statusHeaders, trailersOnly } from "../grpc/grpc-status.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import type { ClientConnection } from "../grpc/http2/client-connection.js";
import { ErrorCode } from "../grpc/http2/frame.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import type { Stream, StreamFailure, StreamHandler } from "../grpc/http2/stream.js";
import { harmless, type Interception } from "./interception.js";
import { MessageHold, ResponseWatch } from "./message-hold.js";

/** Told what happens on a call; times are left to it. */
export interface CallObserver {
  /** The request headers were sent to the builder. */
  forwarded(): void;
  bytesToBuilder(bytes: number): void;
  bytesToClient(bytes: number): void;
  /** Called once, last, when the status is known; the client may still be reading. */
  ended(code: GrpcCode): void;
}

/** Forwards a call; it lives until both of its streams have ended. */
export class RelayedCall {
  readonly #client: Stream;
  readonly #builderAddress: string;
  readonly #observer: CallObserver;
  readonly #toBuilder: Pipe;
  readonly #toClient: Pipe;
  readonly #interception: Interception;
  /** The request's first message, until it was looked into; then undefined. */
  #heldRequest: MessageHold | undefined;
  /** Of the request, behind the held message, their window not given back. */
  #heldBytes = 0;
  #heldResponse: MessageHold | undefined;
  readonly #watch: ResponseWatch | undefined;
  #builder: Stream | undefined;
  /** Set when the client has half-closed. */
  #requestEnd: { readonly trailers: HeaderList | undefined } | undefined;
  #hasResponded = false;
  #isOver = false;

  /** @param builderAddress for messages to the client. */
  constructor(client: Stream, builderAddress: string, observer: CallObserver, interception: Interception = {}) {
    this.#client = client;
    this.#builderAddress = builderAddress;
    this.#observer = observer;
    this.#toBuilder = new Pipe(client, (bytes) => {
      observer.bytesToBuilder(bytes);
    });
    this.#toClient = new Pipe(undefined, (bytes) => {
      observer.bytesToClient(bytes);
    });
    this.#toClient.writeTo(client);
    this.#interception = interception;
    const { observeResponse, request, rewriteResponse } = interception;
    if (request !== undefined) this.#heldRequest = new MessageHold();
    if (rewriteResponse !== undefined) this.#heldResponse = new MessageHold();
    if (observeResponse !== undefined) this.#watch = new ResponseWatch(observeResponse);
  }

  /** Hears the client. */
  get fromClient(): StreamHandler {
    return {
      headers: () => undefined,
      data: (piece) => {
        harmless(() => {
          this.#interception.observeBytes?.fromClient(piece);
        }, undefined);
        if (this.#heldRequest === undefined) this.#toBuilder.write(piece);
        else this.#holdRequest(this.#heldRequest, piece);
      },
      end: (trailers) => {
        this.#requestEnd = { trailers };
        if (this.#heldRequest?.isWhole === false) this.#release(this.#heldRequest, Buffer.alloc(0));
        this.#endRequestIfDue();
      },
      failed: (failure) => {
        this.#clientFailed(failure);
      },
      drain: () => {
        this.#toClient.drained();
      },
    };
  }

  /** Sends the call on; what the client has sent meanwhile follows. */
  forward(request: HeaderList, connection: ClientConnection): void {
    if (this.#isOver) return;
    const builder = connection.request(request, this.#fromBuilder());
    this.#observer.forwarded();
    this.#builder = builder;
    this.#toClient.readsFrom(builder);
    this.#toBuilder.writeTo(builder);
    this.#endRequestIfDue();
  }

  /** Fails the call, which the builder may not have seen: UNAVAILABLE, with the builder's address and the cause. */
  fail(cause: string): void {
    if (this.#isOver) return;
    const message = `memobuild: builder ${this.#builderAddress}: ${cause}`;
    if (this.#hasResponded) this.#client.end(statusHeaders("UNAVAILABLE", message));
    else this.#client.respond(trailersOnly("UNAVAILABLE", message), true);
    // The rest of the request goes nowhere; gRPC clients end it when they have their answer.
    this.#toBuilder.discard();
    this.#over("UNAVAILABLE", message);
  }

  #fromBuilder(): StreamHandler {
    return {
      headers: (headers, isEndStream) => {
        this.#hasResponded = true;
        // Trailers-only stays one HEADERS frame; other headers go out now, not with the first message.
        this.#client.respond(headers, isEndStream);
        if (isEndStream) this.#over(codeOfTrailers(headers), messageOfTrailers(headers));
      },
      data: (piece) => {
        if (this.#heldResponse === undefined) this.#toClient.write(piece);
        else this.#holdResponse(this.#heldResponse, piece);
        harmless(() => {
          this.#watch?.push(piece);
          this.#interception.observeBytes?.fromBuilder(piece);
        }, undefined);
      },
      end: (trailers) => {
        // A message that was cut off goes out as it is.
        if (this.#heldResponse !== undefined) this.#toClient.writeOwn(this.#heldResponse.takeRest());
        this.#client.end(trailers);
        this.#over(codeOfTrailers(trailers ?? []), messageOfTrailers(trailers ?? []));
      },
      failed: (failure) => {
        this.#builderFailed(failure);
      },
      drain: () => {
        this.#toBuilder.drained();
      },
    };
  }

  #holdRequest(held: MessageHold, piece: Buffer): void {
    // Window for the whole message, and for no more until it has gone on.
    if (held.isWhole) this.#heldBytes += piece.length;
    else this.#client.consumed(piece.length);
    const message = held.push(piece);
    if (message === "more") return;
    // What comes meanwhile is kept by `held`, in its order.
    if (message === "illegible") this.#release(held, Buffer.alloc(0));
    // Who looked into the call was told already that it has ended.
    else if (this.#isOver) this.#release(held, frameMessage(message));
    else void this.#changeRequest(held, message);
  }

  async #changeRequest(held: MessageHold, message: Buffer): Promise<void> {
    const unchanged = Promise.resolve(message);
    const changed = harmless(() => this.#interception.request?.(message), undefined) ?? unchanged;
    this.#release(held, frameMessage(await changed.catch(() => message)));
  }

  /** The request goes on: `first`, and what was held behind it. */
  #release(held: MessageHold, first: Buffer): void {
    this.#heldRequest = undefined;
    this.#client.consumed(this.#heldBytes);
    this.#toBuilder.writeOwn(first);
    this.#toBuilder.writeOwn(held.takeRest());
    this.#endRequestIfDue();
  }

  #holdResponse(held: MessageHold, piece: Buffer): void {
    this.#builder?.consumed(piece.length);
    const message = held.push(piece);
    if (message === "more") return;
    this.#heldResponse = undefined;
    if (message !== "illegible") {
      const changed = harmless(() => this.#interception.rewriteResponse?.(message), undefined) ?? message;
      this.#toClient.writeOwn(frameMessage(changed));
    }
    this.#toClient.writeOwn(held.takeRest());
  }

  #endRequestIfDue(): void {
    if (this.#requestEnd !== undefined && this.#heldRequest === undefined)
      this.#builder?.end(this.#requestEnd.trailers);
  }

  #builderFailed(failure: StreamFailure): void {
    switch (failure.kind) {
      case "reset":
        // With NO_ERROR after its answer, a builder says that it wants no more of the request.
        this.#client.reset(failure.code);
        this.#over(codeOfReset(failure.code));
        break;
      case "unprocessed":
        // gRPC clients make a refused call again by themselves; it then goes to a new connection.
        this.#client.reset(ErrorCode.RefusedStream);
        this.#over("UNAVAILABLE");
        break;
      case "lost":
        this.fail(failure.cause);
        break;
    }
  }

  #clientFailed(failure: StreamFailure): void {
    // A client that is gone means the same to the builder as one that cancels.
    this.#builder?.reset(failure.kind === "reset" ? failure.code : ErrorCode.Cancel);
    this.#toBuilder.discard();
    this.#over("CANCELLED");
  }

  #over(code: GrpcCode, message = ""): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#observer.ended(code);
    harmless(() => {
      this.#interception.ended?.(code, message);
    }, undefined);
  }
}

/** One direction of a call: bytes from one stream to the other, whose window returns when the other has room. */
class Pipe {
  readonly #count: (bytes: number) => void;
  #from: Stream | undefined;
  #to: Stream | undefined;
  /** Came before there was a stream to write them to; the window bounds them. */
  #early: { readonly piece: Buffer; readonly isOwn: boolean }[] = [];
  /** Written to a stream that asked to wait. */
  #undrainedBytes = 0;
  #isDiscarding = false;

  constructor(from: Stream | undefined, count: (bytes: number) => void) {
    this.#from = from;
    this.#count = count;
  }

  readsFrom(from: Stream): void {
    this.#from = from;
  }

  writeTo(to: Stream): void {
    this.#to = to;
    for (const { piece, isOwn } of this.#early.splice(0)) {
      if (isOwn) this.writeOwn(piece);
      else this.write(piece);
    }
  }

  write(piece: Buffer): void {
    if (this.#isDiscarding) this.#from?.consumed(piece.length);
    else if (this.#to === undefined) this.#early.push({ piece, isOwn: false });
    else {
      this.#count(piece.length);
      if (this.#to.write(piece)) this.#from?.consumed(piece.length);
      else this.#undrainedBytes += piece.length;
    }
  }

  /** Writes bytes whose window was given back already. Few: they are not held back for a reader that is slow. */
  writeOwn(piece: Buffer): void {
    if (piece.length === 0 || this.#isDiscarding) return;
    if (this.#to === undefined) this.#early.push({ piece, isOwn: true });
    else {
      this.#count(piece.length);
      this.#to.write(piece);
    }
  }

  drained(): void {
    const bytes = this.#undrainedBytes;
    this.#undrainedBytes = 0;
    if (bytes > 0) this.#from?.consumed(bytes);
  }

  /** Lets the sender go on, to nowhere. */
  discard(): void {
    this.#isDiscarding = true;
    for (const { piece, isOwn } of this.#early.splice(0)) if (!isOwn) this.#from?.consumed(piece.length);
    this.drained();
  }
}
