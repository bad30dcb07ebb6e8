/** The API over the socket that Docker Desktop opens to the extension's own container. */
import type { v1 } from "@docker/extension-api-client-types";
import { ApiProblem, type ApiRequest, problemOf, type Transport, UNREACHABLE } from "./transport.js";

type Service = NonNullable<NonNullable<v1.DockerDesktopClient["extension"]["vm"]>["service"]>;

const PREFIX = "/api/v1";

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // no JSON after all
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * What hosts of extensions answer differs: the body, its text, or either wrapped as `data` beside a status or
 * headers.
 */
export function bodyOf(answer: unknown): unknown {
  if (typeof answer === "string") return parsed(answer);
  const isWrapped =
    isObject(answer) && "data" in answer && ["status", "statusCode", "headers"].some((key) => key in answer);
  return isWrapped ? bodyOf(answer["data"]) : answer;
}

const statusOf = (thrown: Readonly<Record<string, unknown>>): number | undefined =>
  [thrown["statusCode"], thrown["status"]].find((status) => typeof status === "number");

/** What hosts reject with, in as many shapes: an error, an object with a status, a text that holds the API's. */
export function refusalOf(thrown: unknown): ApiProblem {
  const unreachable = (): ApiProblem => new ApiProblem("unreachable", UNREACHABLE, { cause: thrown });
  if (typeof thrown === "string") {
    const body = parsed(thrown);
    return isObject(body) && "error" in body ? problemOf(body, 0) : unreachable();
  }
  if (!isObject(thrown)) return unreachable();
  for (const candidate of [thrown["data"], thrown["body"], thrown["message"], thrown]) {
    const body = bodyOf(candidate);
    if (isObject(body) && "error" in body) return problemOf(body, statusOf(thrown) ?? 0);
  }
  const status = statusOf(thrown);
  return status === undefined || status === 0 ? unreachable() : problemOf(undefined, status);
}

/** Hosts cannot end a request: its answer is dropped instead. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", abort);
    });
  });
}

export function desktopTransport(service: Service): Transport {
  const send = ({ method, path, body }: ApiRequest): Promise<unknown> => {
    const url = PREFIX + path;
    switch (method) {
      case "GET":
        return service.get(url);
      case "POST":
        return service.post(url, body);
      case "DELETE":
        return service.delete(url);
    }
  };
  return {
    async ask(request) {
      let answer: unknown;
      try {
        answer = await unlessAborted(send(request), request.signal);
      } catch (error) {
        if (request.signal.aborted) throw error;
        throw refusalOf(error);
      }
      const body = bodyOf(answer);
      // Some hosts resolve with the API's refusals too.
      if (isObject(body) && isObject(body["error"]) && "code" in body["error"]) throw problemOf(body, 0);
      return body;
    },
  };
}
