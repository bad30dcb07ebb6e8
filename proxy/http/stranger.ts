/** Requests that a web page of somebody else made a browser send to a loopback listener. */
import type { IncomingHttpHeaders } from "node:http";
import { isAllowedHost } from "./allowed-host.js";

/** What is wrong with where the request comes from, or undefined. */
export function strangerProblem(headers: IncomingHttpHeaders, listenHost: string): string | undefined {
  const { host, origin } = headers;
  if (!isAllowedHost(host, listenHost)) return "this Host is not served here; use localhost or the address listened on";
  // Browsers name the page's origin wherever it matters; other clients send none.
  if (origin !== undefined && origin.toLowerCase() !== `http://${String(host).toLowerCase()}`) {
    return "pages of other origins are not answered";
  }
  return undefined;
}
