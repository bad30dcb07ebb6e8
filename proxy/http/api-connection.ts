/** Requests to the API of a running MemoBuild, and its answers checked. */
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import type { z } from "zod";
import { formatHostPort, type HostPort } from "../config/host-port.js";
import { API_PREFIX, type ApiCall } from "./api-calls.js";
import { ApiError, type ApiFailure, apiFailure } from "./api-error.js";

export type ApiTarget = { readonly socketPath: string } | HostPort;

/** Nobody answers there, or who did went away. */
export class ApiUnreachableError extends Error {
  override readonly name = "ApiUnreachableError";
  /** Of the system, such as ENOENT or ECONNREFUSED. */
  readonly code: string | undefined;

  constructor(target: ApiTarget, cause: NodeJS.ErrnoException) {
    super(`${"socketPath" in target ? target.socketPath : formatHostPort(target)}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

/** A prune that names a hundred thousand exports has half of it. */
const ANSWER_MAX_CHARS = 128 * 1024 ** 2;

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && !(error instanceof ApiError);

export class ApiConnection {
  readonly #target: ApiTarget;

  constructor(target: ApiTarget) {
    this.#target = target;
  }

  /** @throws ApiError with what the server has against it, ApiUnreachableError, the signal's reason */
  ask<Input, Answer>(call: ApiCall<Input, Answer>, input: Input, signal?: AbortSignal): Promise<Answer> {
    return this.#guard(signal, async () =>
      understand(call.answer, await textOf(await this.#send(call, input, signal))),
    );
  }

  /** Hands over the answer line by line, as text. @throws as `ask` */
  askForLines<Input>(
    call: ApiCall<Input, unknown>,
    input: Input,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#guard(signal, async () => {
      for await (const line of linesOf(await this.#send(call, input, signal))) onLine(line);
    });
  }

  async #guard<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      signal?.throwIfAborted();
      throw isSystemError(error) ? new ApiUnreachableError(this.#target, error) : error;
    }
  }

  async #send<Input>(
    call: ApiCall<Input, unknown>,
    input: Input,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const { path, body } = requestOf(call, input);
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const abort = signal === undefined ? {} : { signal };
    const request = httpRequest({ ...this.#target, path, method: call.method, headers, agent: false, ...abort });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    if (response.statusCode !== 200) throw apiErrorOf(understand(apiFailure, await textOf(response)));
    return response;
  }
}

export const apiErrorOf = ({ error }: ApiFailure): ApiError => new ApiError(error.code, error.message);

/** @throws ApiError where the server is of a version that says it otherwise */
export function understand<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const message = "the answer makes no sense to this memobuild; is the one that runs of another version?";
    throw new ApiError("internal", message, { cause: error });
  }
}

function requestOf<Input>(call: ApiCall<Input, unknown>, input: Input): { path: string; body: string | undefined } {
  if (call.inputFrom === "body") return { path: API_PREFIX + call.path, body: JSON.stringify(input) };
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries<unknown>(input ?? {})) {
    if (typeof value === "string" || typeof value === "number") values.set(name, String(value));
  }
  const path = call.path.replace(/:(\w+)/g, (_, name: string) => {
    const value = values.get(name) ?? "";
    values.delete(name);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams([...values]).toString();
  return { path: API_PREFIX + path + (query === "" ? "" : `?${query}`), body: undefined };
}

function checkSize(text: string): void {
  if (text.length > ANSWER_MAX_CHARS) throw new ApiError("internal", "the answer is larger than any should be");
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const part of response) {
    text += String(part);
    checkSize(text);
  }
  return text;
}

/** Unlike node:readline, it fails when the connection does. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  response.setEncoding("utf8");
  let rest = "";
  for await (const part of response) {
    const lines = (rest + String(part)).split("\n");
    rest = lines.pop() ?? "";
    checkSize(rest);
    yield* lines;
  }
}
