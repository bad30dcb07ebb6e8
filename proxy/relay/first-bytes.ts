/** Tells from the first bytes of a connection what its client wants to speak, and answers what we do not. */
import type { Duplex } from "node:stream";
import { ErrorCode, goAwayFrame, settingsFrame } from "../grpc/http2/frame.js";

/** `none`: it sent nothing in time, or left. */
export type Speech = "http2" | "tls" | "http1" | "unknown" | "none";

/** As long as grpc-go gives a new connection; `buildx dial-stdio` may connect long before it speaks. */
const FIRST_BYTES_TIMEOUT_MS = 120_000;
const TLS_HANDSHAKE_RECORD = 0x16;
/** Enough to tell HTTP/2's "PRI" from HTTP/1's methods. */
const WANTED_BYTES = 3;

/** Waits for the first bytes and puts them back, so that whoever serves the connection reads them again. */
export function firstBytes(socket: Duplex): Promise<Speech> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const settle = (speech: Speech): void => {
      clearTimeout(timer);
      for (const event of ["end", "close", "error"]) socket.off(event, left);
      socket.off("readable", read);
      if (seen.length > 0) socket.unshift(seen);
      resolve(speech);
    };
    const left = (): void => {
      settle("none");
    };
    const read = (): void => {
      const piece = socket.read() as Buffer | null;
      if (piece === null) return;
      seen = Buffer.concat([seen, piece]);
      if (seen[0] === TLS_HANDSHAKE_RECORD) settle("tls");
      else if (seen.length >= WANTED_BYTES) settle(speechOf(seen.toString("latin1", 0, WANTED_BYTES)));
    };
    const timer = setTimeout(left, FIRST_BYTES_TIMEOUT_MS).unref();
    for (const event of ["end", "close", "error"]) socket.on(event, left);
    socket.on("readable", read);
  });
}

function speechOf(start: string): Speech {
  if (start === "PRI") return "http2";
  return /^[A-Z]{3}$/.test(start) ? "http1" : "unknown";
}

/** A short answer in HTTP/1, which people see who point curl, a browser or a TLS client at this port. */
export function http1Answer(text: string): Buffer {
  const body = `${text}\n`;
  return Buffer.from(
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n" +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The same for HTTP/2: gRPC clients print the debug data of a GOAWAY. */
export function http2Answer(text: string): Buffer {
  return Buffer.concat([settingsFrame([]), goAwayFrame(0, ErrorCode.InadequateSecurity, text)]);
}
