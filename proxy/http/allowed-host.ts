/** Which Host headers a loopback listener answers to, so that no web page reaches it under a name of its own. */
import { isLoopback } from "../config/host-port.js";

const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "::1"];

/** The host of a Host header, lower case, without port and brackets. */
const hostOf = (header: string): string =>
  header
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");

/**
 * DNS rebinding: a page's own name resolves to 127.0.0.1, and the browser takes our answers for the page's. The
 * Host header still carries that name. A listener that other machines reach has names that we cannot know.
 */
export function isAllowedHost(header: string | undefined, listenHost: string): boolean {
  if (!isLoopback(listenHost)) return true;
  if (header === undefined) return false;
  const host = hostOf(header);
  return host === listenHost.toLowerCase() || LOOPBACK_HOSTS.includes(host);
}
