/** A light HTTP/1.1 client on one connection: what a benchmark's client costs must not hide what the servers cost. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const SEND_PIECE_BYTES = 1 << 20;
const HEAD_END = Buffer.from("\r\n\r\n");

export interface ClientAnswer {
  readonly status: number;
  readonly location: string | undefined;
  /** As BuildKit does, the digest of what came is made while it comes. */
  readonly digest: string;
  readonly sizeBytes: number;
}

export class RegistryClient {
  readonly #base: URL;
  readonly #socket: Socket;
  readonly #pieces: AsyncIterator<Buffer, undefined>;

  constructor(base: string) {
    this.#base = new URL(base);
    this.#socket = connect({ host: this.#base.hostname, port: Number(this.#base.port), noDelay: true });
    const pieces: AsyncIterable<Buffer, undefined> = this.#socket;
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** One request at a time. @throws Error where the connection ends first */
  async request(method: string, path: string, body?: Buffer): Promise<ClientAnswer> {
    const length = body === undefined ? "" : `content-length: ${body.length}\r\n`;
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nhost: ${this.#base.host}\r\n${length}\r\n`);
    const sent = body === undefined ? undefined : this.#send(body);
    const answer = await this.#answer(method === "HEAD");
    await sent;
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #send(body: Buffer): Promise<void> {
    for (let at = 0; at < body.length; at += SEND_PIECE_BYTES) {
      if (!this.#socket.write(body.subarray(at, at + SEND_PIECE_BYTES))) await once(this.#socket, "drain");
    }
  }

  async #answer(isHead: boolean): Promise<ClientAnswer> {
    let piece = await this.#next();
    while (!piece.includes(HEAD_END)) piece = Buffer.concat([piece, await this.#next()]);
    const bodyAt = piece.indexOf(HEAD_END) + HEAD_END.length;
    const head = piece.toString("latin1", 0, bodyAt);
    const sizeBytes = isHead ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const hash = createHash("sha256");
    let left = sizeBytes;
    for (let rest = piece.subarray(bodyAt); ; rest = await this.#next()) {
      hash.update(rest);
      left -= rest.length;
      if (left <= 0) break;
    }
    const location = /^location: *(\S+)/im.exec(head)?.[1];
    return { status: Number(head.slice(9, 12)), location, digest: `sha256:${hash.digest("hex")}`, sizeBytes };
  }

  async #next(): Promise<Buffer> {
    const next: IteratorResult<Buffer, undefined> = await this.#pieces.next();
    if (next.done === true) throw new Error("the connection ended");
    return next.value;
  }
}
