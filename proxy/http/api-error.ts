/** Why the API did not do what it was asked for, on the wire and as an error. */
import { z } from "zod";

/**
 * `cache_off`, `busy`, `running`, `exists`, `last_builder`: the state of MemoBuild stands against it, and may change. `forbidden`:
 * the request came by way of a web page of somebody else, or where the API is not served. `unauthorized`: it lacks the token that
 * the API wants on a port. `unavailable`: MemoBuild is starting or
 * stopping.
 */
export const API_ERROR_CODES = [
  "bad_request",
  "unauthorized",
  "forbidden",
  "not_found",
  "ambiguous",
  "running",
  "exists",
  "last_builder",
  "cache_off",
  "busy",
  "timeout",
  "unavailable",
  "internal",
] as const;
export type ApiErrorCode = (typeof API_ERROR_CODES)[number];

export const STATUS_OF_CODE: Readonly<Record<ApiErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  ambiguous: 409,
  running: 409,
  exists: 409,
  last_builder: 409,
  cache_off: 409,
  busy: 409,
  timeout: 503,
  unavailable: 503,
  internal: 500,
};

export interface ApiFailure {
  readonly error: { readonly code: ApiErrorCode; readonly message: string };
}

export const apiFailure: z.ZodType<ApiFailure> = z.object({
  error: z.object({ code: z.enum(API_ERROR_CODES), message: z.string() }),
});

/** The message is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const failureOf = (code: ApiErrorCode, message: string): ApiFailure => ({ error: { code, message } });
