/** gRPC status codes: their names, what an HTTP/2 reset means in them, and the answer to a call that we fail ourselves. */
import type { HeaderList } from "./http2/header-list.js";
import { headerValue } from "./http2/header-list.js";
import { ErrorCode } from "./http2/frame.js";

/** Index = number on the wire (https://github.com/grpc/grpc/blob/v1.82.1/doc/statuscodes.md). */
export const GRPC_CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

export type GrpcCode = (typeof GRPC_CODES)[number];

/** Status in trailers or in a trailers-only answer; UNKNOWN where there is none, as gRPC clients read it. */
export function codeOfTrailers(trailers: HeaderList): GrpcCode {
  const status = headerValue(trailers, "grpc-status");
  return (status !== undefined && /^\d{1,2}$/.test(status) ? GRPC_CODES[Number(status)] : undefined) ?? "UNKNOWN";
}

/** `grpc-message` of trailers, "" where there is none. */
export function messageOfTrailers(trailers: HeaderList): string {
  const message = headerValue(trailers, "grpc-message") ?? "";
  const bytes: number[] = [];
  for (let at = 0; at < message.length; at++) {
    const escaped = /^%([0-9a-fA-F]{2})/.exec(message.slice(at, at + 3))?.[1];
    bytes.push(escaped === undefined ? message.charCodeAt(at) & 0xff : Number.parseInt(escaped, 16));
    if (escaped !== undefined) at += 2;
  }
  return Buffer.from(bytes).toString("utf8");
}

/** What a client makes of RST_STREAM before a status (https://github.com/grpc/grpc/blob/v1.82.1/doc/PROTOCOL-HTTP2.md#errors). */
export function codeOfReset(code: number): GrpcCode {
  switch (code) {
    case ErrorCode.RefusedStream:
      return "UNAVAILABLE";
    case ErrorCode.Cancel:
      return "CANCELLED";
    case ErrorCode.EnhanceYourCalm:
      return "RESOURCE_EXHAUSTED";
    case ErrorCode.InadequateSecurity:
      return "PERMISSION_DENIED";
    default:
      return "INTERNAL";
  }
}

/** `grpc-status` and `grpc-message` (percent-encoded, as the protocol wants it). */
export function statusHeaders(code: GrpcCode, message: string): HeaderList {
  return ["grpc-status", String(GRPC_CODES.indexOf(code)), "grpc-message", percentEncode(message)];
}

/** The whole of a trailers-only answer. */
export function trailersOnly(code: GrpcCode, message: string): HeaderList {
  return [":status", "200", "content-type", "application/grpc", ...statusHeaders(code, message)];
}

function percentEncode(message: string): string {
  let encoded = "";
  for (const byte of Buffer.from(message)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
