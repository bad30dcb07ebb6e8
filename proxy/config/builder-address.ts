/** Addresses of BuildKit daemons, with TLS attributes named as buildx's remote driver names them. */
import { isIP } from "node:net";
import { z } from "zod";
import { formatHostPort, type HostPort, parseHostPort } from "./host-port.js";
import { unixPathProblem } from "./unix-path.js";

export interface BuilderTls {
  readonly caFile: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
}

export type BuilderAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: BuilderTls }
  /** A Docker Engine's socket; its own BuildKit is reached by an HTTP upgrade. */
  | { readonly kind: "docker"; readonly path: string };

/** A name that stands for a builder at each of its addresses, all with one certificate: that of the name. */
export interface DnsAddress {
  readonly kind: "dns+tcp";
  readonly host: string;
  readonly port: number;
  readonly tls?: BuilderTls;
}

const DOCKER_SOCKET = "/var/run/docker.sock";
const ATTRIBUTES = ["cacert", "cert", "key", "servername"] as const;
type Attribute = (typeof ATTRIBUTES)[number];
type Attributes = Partial<Record<Attribute, string>>;
type Report = (problem: string) => void;

/** Scheme and address only: it goes to logs and metrics, where no file name of a key belongs. */
export const formatBuilderAddress = (address: BuilderAddress | DnsAddress): string =>
  `${address.kind}://${"path" in address ? address.path : formatHostPort(address)}`;

const isAttribute = (name: string): name is Attribute => ATTRIBUTES.some((attribute) => attribute === name);

function parseAttributes(parts: readonly string[], report: Report): Attributes {
  const attributes: Attributes = {};
  for (const part of parts) {
    const [name = "", ...rest] = part.split("=");
    const value = rest.join("=");
    if (!isAttribute(name)) report(`unknown attribute "${name}"; there are ${ATTRIBUTES.join(", ")}`);
    else if (value === "") report(`attribute ${name} has no value`);
    else if (attributes[name] !== undefined) report(`attribute ${name} is given twice`);
    else if (name !== "servername" && !value.startsWith("/")) report(`${name}=${value} is not an absolute path`);
    else attributes[name] = value;
  }
  return attributes;
}

function parseTls(parts: readonly string[], report: Report): BuilderTls | undefined {
  if (parts.length === 0) return undefined;
  const { cacert, cert, key, servername } = parseAttributes(parts, report);
  // As in buildx: there is no falling back to the system's certificate authorities.
  if (!parts.some((part) => part.startsWith("cacert="))) report("cacert is needed as soon as any TLS attribute is set");
  if ((cert === undefined) !== (key === undefined)) report("cert and key go together");
  return {
    caFile: cacert ?? "",
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
    ...(servername !== undefined && { serverName: servername }),
  };
}

function parseTcp<Kind extends "tcp" | "dns+tcp">(
  kind: Kind,
  text: string,
  report: Report,
): HostPort & { readonly kind: Kind; readonly tls?: BuilderTls } {
  const [hostAndPort = "", ...attributes] = text.split(",");
  const parsed = parseHostPort(hostAndPort, 1);
  const tls = parseTls(attributes, report);
  if (typeof parsed !== "string") return { kind, ...parsed, ...(tls !== undefined && { tls }) };
  report(parsed);
  return z.NEVER;
}

function parseSocket(kind: "unix" | "docker", path: string, report: Report): BuilderAddress {
  const problem = unixPathProblem(path);
  if (problem !== undefined) report(problem);
  return { kind, path };
}

function parseDns(text: string, report: Report): DnsAddress {
  const address = parseTcp("dns+tcp", text, report);
  if (isIP(address.host) !== 0) report(`${address.host} is an address, not a name: use tcp://`);
  return address;
}

export const builderAddress: z.ZodType<BuilderAddress | DnsAddress, string> = z.string().transform((text, context) => {
  const report: Report = (problem) => {
    context.addIssue(problem);
  };
  const [, scheme, rest = ""] = /^([a-z+]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === "tcp") return parseTcp("tcp", rest, report);
  if (scheme === "dns+tcp") return parseDns(rest, report);
  if (scheme === "unix") return parseSocket("unix", rest, report);
  if (scheme === "docker") return parseSocket("docker", rest === "" ? DOCKER_SOCKET : rest, report);
  report(`"${text}" is none of unix:///path, tcp://host:port, dns+tcp://name:port and docker:///path`);
  return z.NEVER;
});
