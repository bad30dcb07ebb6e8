/** Where buildx reaches MemoBuild, and the command that makes a builder of it. */

export const BUILDER_NAME = "memobuild";

export interface Surroundings {
  /** As the browser names it; "" from `file://`. */
  readonly pageHost: string;
  readonly isDesktop: boolean;
}

export interface Endpoint {
  readonly address: string;
  /** MemoBuild listens there for clients on its own machine alone. */
  readonly isLocal: boolean;
}

const LOOPBACK = "127.0.0.1";
const ANY_HOSTS = ["0.0.0.0", "[::]", "::", ""];
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** A host that leads back to whoever asks it. */
export const namesOwnMachine = (address: string): boolean => LOCAL_HOST.test(tcpOf(address)?.host ?? "");

const tcpOf = (address: string): { host: string; port: string } | undefined => {
  const [, host, port] = /^tcp:\/\/(.*):(\d+)$/.exec(address) ?? [];
  return host === undefined || port === undefined ? undefined : { host, port };
};

/**
 * Docker Desktop publishes the port of its own machine on the user's loopback, whatever MemoBuild listens on there;
 * its sockets stay inside.
 */
function reachableAs(address: string, { isDesktop, pageHost }: Surroundings): Endpoint | undefined {
  const tcp = tcpOf(address);
  if (tcp === undefined) return isDesktop ? undefined : { address, isLocal: true };
  const anyHost = isDesktop || pageHost === "" ? LOOPBACK : pageHost;
  const host = isDesktop || ANY_HOSTS.includes(tcp.host) ? anyHost : tcp.host;
  return { address: `tcp://${host}:${tcp.port}`, isLocal: LOCAL_HOST.test(tcp.host) };
}

/** Best first: TCP that other machines reach, TCP, unix sockets. Empty where buildx cannot get there. */
export function endpointsOf(listen: readonly string[], surroundings: Surroundings): readonly Endpoint[] {
  const rank = ({ address, isLocal }: Endpoint): number => (isLocal ? 1 : 0) + (address.startsWith("tcp:") ? 0 : 2);
  return listen
    .flatMap((address) => reachableAs(address, surroundings) ?? [])
    .sort((one, other) => rank(one) - rank(other));
}

/** What the builder needs to know besides the address. */
export interface Needs {
  readonly hasTls: boolean;
  readonly wantsClientCertificate: boolean;
  /** Results become images of the local Docker without `--load`. */
  readonly loadsByDefault: boolean;
}

export const NO_NEEDS: Needs = { hasTls: false, wantsClientCertificate: false, loadsByDefault: false };

function driverOptions({ hasTls, loadsByDefault, wantsClientCertificate }: Needs, isTcp: boolean): readonly string[] {
  return [
    ...(loadsByDefault ? ["default-load=true"] : []),
    ...(hasTls && isTcp ? ["cacert=ca.pem"] : []),
    ...(hasTls && isTcp && wantsClientCertificate ? ["cert=cert.pem,key=key.pem"] : []),
  ];
}

/** Arguments of `docker buildx`. */
export function createArguments(address: string, needs: Needs): readonly string[] {
  const options = driverOptions(needs, address.startsWith("tcp:")).flatMap((option) => ["--driver-opt", option]);
  return ["create", "--name", BUILDER_NAME, "--driver", "remote", ...options, address];
}

/** What shells take as it stands. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

const quoted = (word: string): string => (PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** To be typed into a shell. */
export const commandOf = (buildxArguments: readonly string[]): string =>
  ["docker", "buildx", ...buildxArguments].map(quoted).join(" ");

/** Where a builder leads, by what `docker buildx inspect` printed; undefined where that does not tell. */
export const inspectedEndpoint = (output: string): string | undefined => /^\s*Endpoint:\s*(\S+)\s*$/m.exec(output)?.[1];
