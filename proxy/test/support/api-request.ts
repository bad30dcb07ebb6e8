/** Plain requests to the API, with whatever headers a test wants. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import type { ApiTarget } from "../../http/api-client.js";

export interface ApiRequest {
  readonly method?: string;
  /** Below the host, query included. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export function openRequest(
  target: ApiTarget,
  { method = "GET", path, headers = {}, body }: ApiRequest,
): ClientRequest {
  const request = httpRequest({ ...target, method, path, headers, agent: false });
  request.end(body);
  return request;
}

export async function responseTo(target: ApiTarget, request: ApiRequest): Promise<IncomingMessage> {
  const [response] = (await once(openRequest(target, request), "response")) as [IncomingMessage];
  return response;
}

export async function answerTo(target: ApiTarget, request: ApiRequest): Promise<ApiAnswer> {
  const response = await responseTo(target, request);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** As in `404 not_found: there is no build x`. */
export async function refusalOf(target: ApiTarget, request: ApiRequest): Promise<string> {
  const { status, body } = await answerTo(target, request);
  const { error } = JSON.parse(body) as { error: { code: string; message: string } };
  return `${status} ${error.code}: ${error.message}`;
}
