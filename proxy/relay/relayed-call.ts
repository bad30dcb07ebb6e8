/** One call: its client's stream and its builder's stream, and the bytes, half-closes and resets between them. */
import { frameMessage, MessageEdge } from "../grpc/message.js";
import type { Builder } from "../farm/builder.js";
import { codeOfReset, codeOfTrailers, messageOfTrailers, statusHeaders, trailersOnly } from "../grpc/grpc-status.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import type { ClientConnection } from "../grpc/http2/client-connection.js";
import { ErrorCode } from "../grpc/http2/frame.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import type { Stream, StreamFailure, StreamHandler } from "../grpc/http2/stream.js";
import { harmless, type Interception } from "./interception.js";
import { MessageHold, ResponseWatch } from "./message-hold.js";

/** Larger requests cannot be sent to another builder when theirs is lost. */
const KEPT_MAX_BYTES = 1 << 20;
const sameText = (text: string): string => text;
const RESPONSE_HEADERS: HeaderList = [":status", "200", "content-type", "application/grpc"];

/** Told what happens on a call; times are left to it. */
export interface CallObserver {
  /** The request headers were sent to the builder. */
  forwarded(): void;
  bytesToBuilder(bytes: number): void;
  bytesToClient(bytes: number): void;
  /** Called once, last, when the status is known; the client may still be reading. */
  ended(code: GrpcCode): void;
}

export interface RelayedCallOptions {
  readonly interception?: Interception | undefined;
  /** Where it goes depends on its first message: see `firstMessage`. */
  readonly isRead?: boolean;
  /** It may have to be forwarded a second time: its request is kept as long as that is possible. */
  readonly isKept?: boolean;
  /** The builder was lost, or refused it. True: it goes to another one. */
  readonly onLost?: () => boolean;
  /** What the client is told of a builder that was lost for that cause. */
  readonly lostMessage?: (cause: string) => string;
}

/** Forwards a call; it lives until both of its streams have ended. */
export class RelayedCall {
  /** Undefined where the request has none that can be read. */
  readonly firstMessage: Promise<Buffer | undefined>;
  readonly #client: Stream;
  readonly #observer: CallObserver;
  #toBuilder: Pipe;
  readonly #toClient: Pipe;
  readonly #interception: Interception;
  readonly #onLost: () => boolean;
  readonly #lostMessage: (cause: string) => string;
  /** Whether the first message of the request is held at all. */
  readonly #holdsRequest: boolean;
  /** The request's first message, until it was looked into; then undefined. */
  #heldRequest: MessageHold | undefined;
  /** The held message, once it is whole. */
  #message: Buffer | undefined;
  #tellFirst: (message: Buffer | undefined) => void = () => undefined;
  /** Of the request, behind the held message, their window not given back. */
  #heldBytes = 0;
  #heldResponse: MessageHold | undefined;
  #rewriteResponse: Interception["rewriteResponse"];
  readonly #watch: ResponseWatch | undefined;
  /** The whole request body until now, as the client sent it; undefined where it cannot be sent again. */
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  /** Of the answer: behind a part of a message, another answer would not be understood. */
  readonly #edge = new MessageEdge();
  #builder: Stream | undefined;
  #target: Builder | undefined;
  /** Counts the builders that it was forwarded to. */
  #attempt = 0;
  /** Set when the client has half-closed. */
  #requestEnd: { readonly trailers: HeaderList | undefined } | undefined;
  #hasResponded = false;
  #hasAnswered = false;
  #isOver = false;

  constructor(client: Stream, observer: CallObserver, options: RelayedCallOptions = {}) {
    const { interception = {}, isKept = true, isRead = false, onLost = () => false, lostMessage = sameText } = options;
    this.#client = client;
    this.#observer = observer;
    this.#onLost = onLost;
    this.#lostMessage = lostMessage;
    this.#toBuilder = this.#pipeToBuilder();
    this.#toClient = new Pipe(undefined, (bytes) => {
      observer.bytesToClient(bytes);
    });
    this.#toClient.writeTo(client);
    this.#interception = interception;
    const { observeResponse, request, rewriteResponse } = interception;
    this.#rewriteResponse = rewriteResponse;
    this.#holdsRequest = isRead || request !== undefined;
    this.firstMessage = new Promise((resolve) => {
      this.#tellFirst = resolve;
    });
    if (!isKept) this.#kept = undefined;
    if (this.#holdsRequest) this.#heldRequest = new MessageHold();
    else this.#tellFirst(undefined);
    if (rewriteResponse !== undefined) this.#heldResponse = new MessageHold();
    if (observeResponse !== undefined) this.#watch = new ResponseWatch(observeResponse);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A builder may have seen it. */
  get isForwarded(): boolean {
    return this.#attempt > 0;
  }

  /** The client got bytes of a builder's answer. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** The client sends no more. */
  get isHalfClosed(): boolean {
    return this.#requestEnd !== undefined;
  }

  /** It can be forwarded again, to another builder; whether the client may notice is for others to know. */
  get isRepeatable(): boolean {
    return !this.#isOver && this.#kept !== undefined && this.#edge.isWhole;
  }

  /** Hears the client. */
  get fromClient(): StreamHandler {
    return {
      headers: () => undefined,
      data: (piece) => {
        harmless(() => {
          this.#interception.observeBytes?.fromClient(piece);
        }, undefined);
        this.#keep(piece);
        if (this.#heldRequest === undefined) this.#toBuilder.write(piece);
        else this.#holdRequest(this.#heldRequest, piece);
      },
      end: (trailers) => {
        this.#requestEnd = { trailers };
        if (this.#heldRequest?.isWhole === false) this.#releaseIllegible(this.#heldRequest);
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

  /** Sends the call on; what the client has sent until now follows. After a loss, to another builder. */
  forward(request: HeaderList, connection: ClientConnection, target: Builder): void {
    if (this.#isOver) return;
    if (this.#attempt++ > 0) this.#rewind();
    const builder = connection.request(request, this.#fromBuilder(this.#attempt));
    this.#observer.forwarded();
    // Where it was refused at once, somebody may have sent it elsewhere by now.
    this.#builder = builder;
    this.#target = target;
    this.#toClient.readsFrom(builder);
    this.#toBuilder.writeTo(builder);
    if (this.#heldRequest !== undefined && this.#message !== undefined) {
      void this.#changeRequest(this.#heldRequest, this.#message, target);
    }
    this.#endRequestIfDue();
  }

  /** Gives up the builder that it was forwarded to; `forward` follows, or `fail`. */
  leave(): void {
    if (this.#builder === undefined) return;
    this.#attempt++;
    this.#builder.reset(ErrorCode.Cancel);
    this.#builder = undefined;
    this.#target = undefined;
  }

  /** Fails the call, which a builder may not have seen, with UNAVAILABLE. */
  fail(message: string): void {
    if (this.#isOver) return;
    this.#tellUnsent();
    if (this.#hasResponded) this.#client.end(statusHeaders("UNAVAILABLE", message));
    else this.#client.respond(trailersOnly("UNAVAILABLE", message), true);
    // The rest of the request goes nowhere; gRPC clients end it when they have their answer.
    this.#toBuilder.discard();
    this.#over("UNAVAILABLE", message);
  }

  /** Sends a message of ours before the builder's, with `metadata` where it is the first of the answer. */
  announce(message: Buffer, metadata: HeaderList): void {
    if (this.#isOver) return;
    if (!this.#hasResponded) this.#client.respond([...RESPONSE_HEADERS, ...metadata], false);
    this.#hasResponded = true;
    this.#toClient.writeOwn(frameMessage(message));
  }

  /**
   * Begins the answer in place of the builder that comes later.
   *
   * @param rewriteResponse of that one's first message, see `Interception`
   */
  greet(message: Buffer, rewriteResponse: NonNullable<Interception["rewriteResponse"]>): void {
    if (this.#isOver || this.#hasAnswered || this.#rewriteResponse !== undefined) return;
    this.#rewriteResponse = rewriteResponse;
    this.#heldResponse = new MessageHold();
    this.announce(message, []);
  }

  /** Answers in place of a builder. */
  answer(message: Buffer): void {
    if (this.#isOver) return;
    this.announce(message, []);
    this.#client.end(statusHeaders("OK", ""));
    this.#toBuilder.discard();
    this.#over("OK");
  }

  /** What is heard from a builder that it has left since counts no more. */
  #fromBuilder(attempt: number): StreamHandler {
    return {
      headers: (headers, isEndStream) => {
        if (attempt !== this.#attempt) return;
        // Trailers-only stays one HEADERS frame; other headers go out now, not with the first message.
        if (!this.#hasResponded) this.#client.respond(headers, isEndStream);
        else if (isEndStream) this.#client.end(withoutResponseHeaders(headers));
        this.#hasResponded = true;
        if (isEndStream) this.#over(codeOfTrailers(headers), messageOfTrailers(headers));
      },
      data: (piece) => {
        if (attempt !== this.#attempt) return;
        if (!this.#hasAnswered) this.#answered();
        if (this.#kept !== undefined) this.#edge.push(piece);
        if (this.#heldResponse === undefined) this.#toClient.write(piece);
        else this.#holdResponse(this.#heldResponse, piece);
        harmless(() => {
          this.#watch?.push(piece);
          this.#interception.observeBytes?.fromBuilder(piece);
        }, undefined);
      },
      end: (trailers) => {
        if (attempt !== this.#attempt) return;
        // A message that was cut off goes out as it is.
        if (this.#heldResponse !== undefined) this.#toClient.writeOwn(this.#heldResponse.takeRest());
        this.#client.end(trailers);
        this.#over(codeOfTrailers(trailers ?? []), messageOfTrailers(trailers ?? []));
      },
      failed: (failure) => {
        if (attempt === this.#attempt) this.#builderFailed(failure);
      },
      drain: () => {
        if (attempt === this.#attempt) this.#toBuilder.drained();
      },
    };
  }

  #pipeToBuilder(): Pipe {
    return new Pipe(this.#client, (bytes) => {
      this.#observer.bytesToBuilder(bytes);
    });
  }

  #keep(piece: Buffer): void {
    if (this.#kept === undefined) return;
    this.#keptBytes += piece.length;
    if (this.#keptBytes > KEPT_MAX_BYTES) this.#kept = undefined;
    // A piece of its own: the one that came is a part of what was read from the socket.
    this.#kept?.push(Buffer.from(piece));
  }

  #answered(): void {
    this.#hasAnswered = true;
    // A request that goes on while it is answered is a conversation: nobody can have it twice.
    if (this.#requestEnd === undefined) this.#kept = undefined;
  }

  /** Back to where nothing was sent to a builder. */
  #rewind(): void {
    this.#toBuilder.discard();
    this.#toBuilder = this.#pipeToBuilder();
    this.#client.consumed(this.#heldBytes);
    this.#heldBytes = 0;
    this.#heldRequest = undefined;
    const kept = Buffer.concat(this.#kept ?? []);
    if (!this.#holdsRequest) {
      this.#toBuilder.writeOwn(kept);
      return;
    }
    const held = new MessageHold();
    this.#heldRequest = held;
    const message = held.push(kept);
    if (message === "illegible" || (message === "more" && this.#requestEnd !== undefined)) this.#releaseIllegible(held);
    else if (message !== "more") this.#message = message;
  }

  #holdRequest(held: MessageHold, piece: Buffer): void {
    // Window for the whole message, and for no more until it has gone on.
    if (held.isWhole) this.#heldBytes += piece.length;
    else this.#client.consumed(piece.length);
    const message = held.push(piece);
    if (message === "more") return;
    // What comes meanwhile is kept by `held`, in its order.
    if (message === "illegible") this.#releaseIllegible(held);
    // Who looked into the call was told already that it has ended.
    else if (this.#isOver) this.#release(held, frameMessage(message));
    else {
      this.#message = message;
      this.#tellFirst(message);
      if (this.#target !== undefined) void this.#changeRequest(held, message, this.#target);
    }
  }

  #releaseIllegible(held: MessageHold): void {
    this.#tellFirst(undefined);
    this.#release(held, Buffer.alloc(0));
  }

  async #changeRequest(held: MessageHold, message: Buffer, target: Builder): Promise<void> {
    const unchanged = Promise.resolve(message);
    const changed = harmless(() => this.#interception.request?.(message, target), undefined) ?? unchanged;
    const first = await changed.catch(() => message);
    // It may have gone to another builder meanwhile, which needs changes of its own.
    if (this.#heldRequest === held) this.#release(held, frameMessage(first));
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
      const rewrite = this.#rewriteResponse ?? ((same: Buffer) => same);
      const changed = harmless(() => rewrite(message), message);
      if (changed !== undefined) this.#toClient.writeOwn(frameMessage(changed));
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
        if (this.#onLost()) break;
        // gRPC clients make a refused call again by themselves; it then goes to a new connection.
        this.#client.reset(ErrorCode.RefusedStream);
        this.#over("UNAVAILABLE");
        break;
      case "lost":
        if (!this.#onLost()) this.fail(this.#lostMessage(failure.cause));
        break;
    }
  }

  #clientFailed(failure: StreamFailure): void {
    // A client that is gone means the same to the builder as one that cancels.
    this.#builder?.reset(failure.kind === "reset" ? failure.code : ErrorCode.Cancel);
    this.#toBuilder.discard();
    this.#tellUnsent();
    this.#over("CANCELLED");
  }

  #tellUnsent(): void {
    const unsent = this.#message;
    if (this.#isOver || this.#attempt > 0 || unsent === undefined) return;
    harmless(() => {
      this.#interception.unsent?.(unsent);
    }, undefined);
  }

  #over(code: GrpcCode, message = ""): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#kept = undefined;
    this.#tellFirst(undefined);
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
    this.#undrainedBytes = 0;
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

/** Trailers-only headers, as trailers behind headers that were sent already. */
function withoutResponseHeaders(headers: HeaderList): HeaderList {
  const trailers: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = "", value = ""] = headers.slice(at, at + 2);
    if (name !== ":status" && name !== "content-type") trailers.push(name, value);
  }
  return trailers;
}
