/** `host:port` as written by users: names, IPv4 addresses, and IPv6 addresses in brackets. */
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { z } from "zod";

export interface HostPort {
  /** A name or an address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;
const HOST_PORT = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:[\]]*)):(?<port>\d{1,5})$/;
const HOST_NAME = /^(?!-)[A-Za-z0-9._-]{1,253}$/;
const ONLY_DIGITS_AND_DOTS = /^[\d.]+$/;

const isHost = (host: string): boolean => isIPv4(host) || (HOST_NAME.test(host) && !ONLY_DIGITS_AND_DOTS.test(host));

/** What is wrong with the text as `host:port`, or the parts. */
export function parseHostPort(text: string, minPort: number): HostPort | string {
  const { bracketed, plain, port } = HOST_PORT.exec(text)?.groups ?? {};
  if (port === undefined) return `"${text}" is not host:port, as in 127.0.0.1:8372 or [::1]:8372`;
  const host = bracketed ?? plain ?? "";
  if (host === "") return `"${text}" has no host; 0.0.0.0 or [::] stands for every address`;
  if (bracketed === undefined ? !isHost(host) : !isIPv6(host))
    return `"${host}" is neither a host name nor an IP address`;
  if (Number(port) < minPort || Number(port) > MAX_PORT) return `port ${port} is outside ${minPort} to ${MAX_PORT}`;
  return { host, port: Number(port) };
}

export const formatHostPort = ({ host, port }: HostPort): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** True where only this machine can connect. A name other than localhost may resolve to anything: false. */
export function isLoopback(host: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  const family = isIP(host);
  return family === 0 ? host.toLowerCase() === "localhost" : loopback.check(host, family === 6 ? "ipv6" : "ipv4");
}

const hostPort = (minPort: number): z.ZodType<HostPort, string> =>
  z.string().transform((text, context) => {
    const parsed = parseHostPort(text, minPort);
    if (typeof parsed !== "string") return parsed;
    context.addIssue(parsed);
    return z.NEVER;
  });

/** Where a listener goes; port 0 lets the system choose one. */
export const listenHostPort: z.ZodType<HostPort, string> = hostPort(0);

/** Where others connect to. */
export const connectHostPort: z.ZodType<HostPort, string> = hostPort(1);
