/** The other end of the API: a `CacheAdmin` that asks the MemoBuild behind a unix socket. */
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import type { z } from "zod";
import type { CacheAdmin } from "../cache/cache-admin.js";
import {
  ApiError,
  apiFailure,
  type ApiFailure,
  cacheUsage,
  exportList,
  exportSummary,
  pruneResult,
  type VerifyLine,
  verifyLine,
} from "./api-messages.js";

/** Nobody answers on the socket, or who did went away. */
export class ApiUnreachableError extends Error {
  override readonly name = "ApiUnreachableError";
  /** Of the system, such as ENOENT or ECONNREFUSED. */
  readonly code: string | undefined;

  constructor(path: string, cause: NodeJS.ErrnoException) {
    super(`${path}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

interface Ask {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** A prune that names a hundred thousand exports has half of it. */
const ANSWER_MAX_BYTES = 128 * 1024 ** 2;

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && !(error instanceof ApiError);

class Connection {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws the signal's reason, ApiUnreachableError */
  async #guard<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      signal?.throwIfAborted();
      throw isSystemError(error) ? new ApiUnreachableError(this.#path, error) : error;
    }
  }

  async #send({ method, url, body, signal }: Ask): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { "content-type": "application/json" };
    const abort = signal === undefined ? {} : { signal };
    const request = httpRequest({ socketPath: this.#path, path: url, method, headers, agent: false, ...abort });
    request.end(text);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return response;
  }

  /** What `schema` makes of the answer. @throws ApiError with what the server has against it */
  ask<T>(schema: z.ZodType<T>, ask: Ask): Promise<T> {
    return this.#guard(ask.signal, async () => {
      const response = await this.#send(ask);
      const answer = await textOf(response);
      if (response.statusCode === 200) return understand(schema, answer);
      throw apiErrorFrom(answer);
    });
  }

  /** Hands over the answer line by line. */
  askForLines<T>(schema: z.ZodType<T>, ask: Ask, onLine: (line: T) => void): Promise<void> {
    return this.#guard(ask.signal, async () => {
      const response = await this.#send(ask);
      if (response.statusCode !== 200) throw apiErrorFrom(await textOf(response));
      for await (const line of linesOf(response)) onLine(understand(schema, line));
    });
  }
}

function checkSize(text: string): void {
  if (text.length > ANSWER_MAX_BYTES) throw new ApiError("internal", "the answer is larger than any should be");
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

/** @throws ApiError where the server is of a version that says it otherwise */
function understand<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const message = "the answer makes no sense to this memobuild; is the one that runs of another version?";
    throw new ApiError("internal", message, { cause: error });
  }
}

const apiErrorOf = ({ error }: ApiFailure): ApiError => new ApiError(error.code, error.message);
const apiErrorFrom = (text: string): ApiError => apiErrorOf(understand(apiFailure, text));

/** Every method rejects with ApiError, ApiUnreachableError or, where it was aborted, the signal's reason. */
export function createApiClient(path: string): CacheAdmin {
  const connection = new Connection(path);
  return {
    async list({ project, limit }) {
      const query = new URLSearchParams({ limit: String(limit), ...(project !== undefined && { project }) });
      const url = `/v1/cache/exports?${query.toString()}`;
      return (await connection.ask(exportList, { method: "GET", url })).exports;
    },
    usage: () => connection.ask(cacheUsage, { method: "GET", url: "/v1/cache/usage" }),
    prune: (options, signal) =>
      connection.ask(pruneResult, { method: "POST", url: "/v1/cache/prune", body: options, signal }),
    async setPinned(id, isPinned) {
      try {
        const method = isPinned ? "POST" : "DELETE";
        return await connection.ask(exportSummary, { method, url: `/v1/cache/exports/${id}/pin` });
      } catch (error) {
        if (error instanceof ApiError && error.code === "not_found") return undefined;
        throw error;
      }
    },
    async verify(onProgress, signal) {
      const ask = { method: "POST", url: "/v1/cache/verify", signal } as const;
      let last: VerifyLine | undefined;
      await connection.askForLines(verifyLine, ask, (line) => {
        last = line;
        if ("progress" in line) onProgress(line.progress);
      });
      if (last !== undefined && "result" in last) return last.result;
      throw last !== undefined && "error" in last
        ? apiErrorOf(last)
        : new ApiError("internal", "the verification ended without a result");
    },
  };
}
