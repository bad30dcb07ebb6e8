/** Paths of unix sockets: what the system accepts as one. */

/** Linux holds a socket path in 108 bytes, the closing zero included. */
export const UNIX_PATH_MAX_BYTES = 107;

/** What is wrong with the path, or undefined. */
export function unixPathProblem(path: string): string | undefined {
  if (!path.startsWith("/") || path.includes("\0")) {
    return `"${path}" is not an absolute path, as in unix:///run/memobuild.sock`;
  }
  const sizeBytes = Buffer.byteLength(path);
  return sizeBytes > UNIX_PATH_MAX_BYTES
    ? `socket path ${path} has ${sizeBytes} bytes, the system allows ${UNIX_PATH_MAX_BYTES}`
    : undefined;
}
