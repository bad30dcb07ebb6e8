/** The seam between the page and the API: over HTTP on the web page, over Docker Desktop's socket in its tab. */

export type Method = "GET" | "POST" | "DELETE";

export interface ApiRequest {
  readonly method: Method;
  /** Below the API's prefix, query included. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

export interface Transport {
  /** Resolves with the JSON of the answer. @throws ApiProblem */
  ask(request: ApiRequest): Promise<unknown>;
  /** Address of the events as a stream; undefined where there are none, and one polls. */
  readonly eventsUrl?: string;
}

/** What the API refused, or that it could not be reached; the message is for people. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  /** As the API calls it, or `unreachable`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The problem that the body of a refusal tells of. */
export function problemOf(body: unknown, status: number): ApiProblem {
  if (typeof body === "object" && body !== null && "error" in body) {
    const { error } = body;
    if (typeof error === "object" && error !== null && "code" in error && "message" in error) {
      return new ApiProblem(String(error.code), String(error.message));
    }
    if (typeof error === "string") return new ApiProblem("internal", error);
  }
  return new ApiProblem("internal", `MemoBuild answered with status ${status.toString()}`);
}

export const UNREACHABLE = "MemoBuild does not answer. Is it running?";
