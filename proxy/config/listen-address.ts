/** Addresses that clients connect to: a unix socket or a TCP port. */
import { z } from "zod";
import { formatHostPort, parseHostPort } from "./host-port.js";
import { unixPathProblem } from "./unix-path.js";

export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export const formatListenAddress = (address: ListenAddress): string =>
  address.kind === "unix" ? `unix://${address.path}` : `tcp://${formatHostPort(address)}`;

function parse(text: string): ListenAddress | string {
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === "unix") return unixPathProblem(rest) ?? { kind: "unix", path: rest };
  if (scheme !== "tcp") return `"${text}" is neither unix:///path nor tcp://host:port`;
  const parsed = parseHostPort(rest, 0);
  return typeof parsed === "string" ? parsed : { kind: "tcp", ...parsed };
}

export const listenAddress: z.ZodType<ListenAddress, string> = z.string().transform((text, context) => {
  const parsed = parse(text);
  if (typeof parsed !== "string") return parsed;
  context.addIssue(parsed);
  return z.NEVER;
});
