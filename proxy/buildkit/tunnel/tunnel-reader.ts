/** Reads along the connection within a session: which files the client offered, and which the builder took. */
import { CONNECTION_PREFACE } from "../../grpc/http2/frame.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";
import { BytesMessageReader } from "./bytes-message-reader.js";
import { ContentHasher } from "./content-hasher.js";
import type { FileTransfer } from "./file-transfer.js";
import { Http2Reader } from "./http2-reader.js";
import { ListLimits } from "./list-limits.js";
import { TransferReader } from "./transfer-reader.js";
import { parseTransferRequest } from "./transfer-request.js";

/** A build has a few at a time. Those over it are not read. */
const OPEN_TRANSFERS_MAX = 64;

export interface TunnelReaderDeps {
  /** Makes hashes of files' bytes worthless to who does not have it; hashes of one key can be compared. */
  readonly hashKey: Buffer;
  /** Called once for each transfer, when it ended or broke off. What it throws ends the reading. */
  readonly onTransfer: (transfer: FileTransfer) => void;
}

/**
 * Gets the body of a session's call as it passes: in it the client is the server of an HTTP/2 connection, and the
 * builder calls. It only looks: it never throws, keeps no piece, and stops for good where it cannot follow.
 */
export class TunnelReader {
  readonly #onTransfer: (transfer: FileTransfer) => void;
  readonly #limits = new ListLimits();
  readonly #hasher: ContentHasher;
  /** By stream id. */
  readonly #transfers = new Map<number, TransferReader>();
  readonly #client: BytesMessageReader;
  readonly #builder: BytesMessageReader;
  #state: "open" | "illegible" | "ended" = "open";

  constructor({ hashKey, onTransfer }: TunnelReaderDeps) {
    this.#onTransfer = onTransfer;
    this.#hasher = new ContentHasher(hashKey);
    this.#client = this.#createClientReader();
    this.#builder = this.#createBuilderReader();
  }

  /** False once there was something that could not be read; no more is looked at then. */
  get isLegible(): boolean {
    return this.#state !== "illegible";
  }

  /** A piece of the request's body. */
  fromClient(piece: Buffer): void {
    this.#read(this.#client, piece);
  }

  /** A piece of the response's body. */
  fromBuilder(piece: Buffer): void {
    this.#read(this.#builder, piece);
  }

  /** The session is over: transfers under way broke off. */
  ended(): void {
    if (this.#state === "open") this.#stop("ended");
  }

  #read(reader: BytesMessageReader, piece: Buffer): void {
    if (this.#state !== "open") return;
    try {
      reader.push(piece);
    } catch {
      // Whatever it was, those whose bytes these are have nothing to do with it.
      this.#stop("illegible");
    }
  }

  #stop(state: "illegible" | "ended"): void {
    this.#state = state;
    for (const streamId of [...this.#transfers.keys()]) {
      try {
        this.#endTransfer(streamId);
      } catch {
        this.#state = "illegible";
      }
    }
  }

  #createClientReader(): BytesMessageReader {
    const endTransfer = (streamId: number): void => {
      this.#endTransfer(streamId);
    };
    const http2 = new Http2Reader("", {
      headers: () => undefined, // they say nothing about files
      data: (streamId, bytes, start, end) => this.#transfers.get(streamId)?.fromClient(bytes, start, end),
      ended: endTransfer, // after its answer a call is over, whatever the builder still sends
      reset: endTransfer,
    });
    return new BytesMessageReader((bytes, start, end) => {
      http2.push(bytes, start, end);
    });
  }

  #createBuilderReader(): BytesMessageReader {
    const http2 = new Http2Reader(CONNECTION_PREFACE, {
      headers: (streamId, headers) => {
        this.#startTransfer(streamId, headers);
      },
      data: (streamId, bytes, start, end) => this.#transfers.get(streamId)?.fromBuilder(bytes, start, end),
      ended: () => undefined, // the client may go on
      reset: (streamId) => {
        this.#endTransfer(streamId);
      },
    });
    return new BytesMessageReader((bytes, start, end) => {
      http2.push(bytes, start, end);
    });
  }

  #startTransfer(streamId: number, headers: HeaderList): void {
    if (this.#transfers.has(streamId) || this.#transfers.size === OPEN_TRANSFERS_MAX) return;
    const request = parseTransferRequest(headers);
    if (request === undefined) return;
    this.#transfers.set(streamId, new TransferReader(request, this.#limits, this.#hasher));
  }

  #endTransfer(streamId: number): void {
    const transfer = this.#transfers.get(streamId);
    if (transfer === undefined) return;
    this.#transfers.delete(streamId);
    this.#onTransfer(transfer.end());
  }
}
