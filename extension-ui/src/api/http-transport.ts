/** The API over HTTP, from the origin that the page was loaded from. */
import { ApiProblem, type ApiRequest, problemOf, type Transport, UNREACHABLE } from "./transport.js";

const PREFIX = "/api/v1";

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // no JSON: whoever answered is not MemoBuild
  }
};

async function ask({ method, path, body, signal }: ApiRequest): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(PREFIX + path, {
      method,
      signal,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    text = await response.text();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiProblem("unreachable", UNREACHABLE, { cause: error });
  }
  const answer = jsonOf(text);
  if (!response.ok) throw problemOf(answer, response.status);
  if (answer === undefined) throw new ApiProblem("unreachable", "Something else than MemoBuild answered.");
  return answer;
}

export const httpTransport: Transport = { ask, eventsUrl: `${PREFIX}/events` };
