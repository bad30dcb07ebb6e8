/** Reads along one transfer of files: the client's list, what the builder asks for, and the bytes that are sent. */
import type { ContentHasher, OpenHash } from "./content-hasher.js";
import type { FileTransfer, TransferredFile } from "./file-transfer.js";
import type { ListLimits } from "./list-limits.js";
import { PacketReader, PacketType } from "./packet-reader.js";
import type { Packet } from "./packet-reader.js";
import { parseStat } from "./parse-stat.js";
import type { TransferRequest } from "./transfer-request.js";

interface FileProgress {
  readonly file: { -readonly [Field in keyof TransferredFile]: TransferredFile[Field] };
  sentBytes: number;
  hash: OpenHash | undefined;
}

export class TransferReader {
  readonly #request: TransferRequest;
  readonly #limits: ListLimits;
  readonly #hasher: ContentHasher;
  readonly #client: PacketReader;
  readonly #builder: PacketReader;
  /** By id. */
  readonly #files: FileProgress[] = [];
  #isCut: boolean;
  #isLegible = true;
  #isListComplete = false;
  #isFinished = false;
  #sentBytes = 0;

  /** @param limits and @param hasher are those of the session. */
  constructor(request: TransferRequest, limits: ListLimits, hasher: ContentHasher) {
    this.#request = request;
    this.#limits = limits;
    this.#hasher = hasher;
    this.#isCut = request.isCut;
    this.#client = new PacketReader({
      data: (fileId, bytes, start, end) => {
        this.#addBytes(fileId, bytes, start, end);
      },
      packet: (packet) => {
        this.#readClientPacket(packet);
      },
    });
    this.#builder = new PacketReader({
      data: () => undefined, // a builder sends no files here
      packet: ({ type, id }) => {
        const progress = this.#files[id];
        if (type === PacketType.Request && progress !== undefined) progress.file.wasRequested = true;
      },
    });
  }

  fromClient(bytes: Buffer, start: number, end: number): void {
    this.#read(this.#client, bytes, start, end);
  }

  fromBuilder(bytes: Buffer, start: number, end: number): void {
    this.#read(this.#builder, bytes, start, end);
  }

  /** What was seen. Nothing may be pushed after that. */
  end(): FileTransfer {
    const { name, includePatterns, excludePatterns, followPaths } = this.#request;
    for (const progress of this.#files) this.#dropHash(progress);
    return {
      name,
      includePatterns,
      excludePatterns,
      followPaths,
      files: this.#files.map(({ file }) => file),
      isComplete: this.#isLegible && !this.#isCut && this.#isListComplete && this.#isFinished,
      sentBytes: this.#sentBytes,
    };
  }

  /** What cannot be read ends the reading of this call only: the connection's frames are legible all the same. */
  #read(reader: PacketReader, bytes: Buffer, start: number, end: number): void {
    if (!this.#isLegible) return;
    try {
      reader.push(bytes, start, end);
    } catch {
      this.#isLegible = false;
    }
  }

  #readClientPacket({ type, id, stat, dataBytes }: Packet): void {
    if (type === PacketType.Stat) {
      if (stat === undefined) this.#isListComplete = true;
      else if (!this.#isCut) this.#addFile(stat);
    } else if (type === PacketType.Data) {
      const progress = this.#files[id];
      if (dataBytes === 0 && progress !== undefined) this.#endFile(progress);
    } else if (type === PacketType.Finish) {
      this.#isFinished = true;
    }
  }

  #addFile(message: Buffer): void {
    const stat = parseStat(message);
    // Ids are places in the list, so nothing may be left out but its end.
    this.#isCut = !this.#limits.admit(Buffer.byteLength(stat.path) + Buffer.byteLength(stat.linkname));
    if (this.#isCut) return;
    this.#files.push({ file: { ...stat, wasRequested: false }, sentBytes: 0, hash: undefined });
  }

  #addBytes(fileId: number, bytes: Buffer, start: number, end: number): void {
    this.#sentBytes += end - start;
    const progress = this.#files[fileId];
    if (progress === undefined) return;
    if (progress.sentBytes === 0) progress.hash = this.#hasher.start(progress.file.sizeBytes);
    progress.sentBytes += end - start;
    if (progress.sentBytes > progress.file.sizeBytes) this.#dropHash(progress);
    progress.hash?.update(bytes.subarray(start, end));
  }

  /** A file that changed while it was sent, or could not be opened, has not the size of its list entry. */
  #endFile(progress: FileProgress): void {
    const { file, sentBytes } = progress;
    if (file.contentHash !== undefined) return;
    if (sentBytes === 0) progress.hash = this.#hasher.start(file.sizeBytes);
    if (sentBytes !== file.sizeBytes) this.#dropHash(progress);
    if (progress.hash === undefined) return;
    file.contentHash = this.#hasher.finish(progress.hash);
    progress.hash = undefined;
  }

  #dropHash(progress: FileProgress): void {
    if (progress.hash === undefined) return;
    this.#hasher.drop();
    progress.hash = undefined;
  }
}
