/** Requests that a web page of somebody else made a browser send here. */
import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { isAllowedHost } from "./allowed-host.js";
import { refuse } from "./refuse.js";

/** A proxy in front of us may speak TLS, so the scheme tells nothing. "" of what is no page of a host. */
const hostOfOrigin = (origin: string): string => /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1] ?? "";

/** What is wrong with where the request comes from, or undefined. */
export function strangerProblem(headers: IncomingHttpHeaders, listenHost: string): string | undefined {
  const { host, origin } = headers;
  if (!isAllowedHost(host, listenHost)) return "this Host is not served here; use localhost or the address listened on";
  // Browsers name the page's origin wherever it matters; other clients send none.
  if (origin !== undefined && hostOfOrigin(origin) !== host?.toLowerCase()) {
    return "pages of other origins are not answered";
  }
  return undefined;
}

/** Refuses them before anything of them is read. */
export function withoutStrangers(listenHost: string, answer: RequestListener): RequestListener {
  return (request, response) => {
    const problem = strangerProblem(request.headers, listenHost);
    if (problem === undefined) answer(request, response);
    else refuse(response, "forbidden", problem);
  };
}
