/** Finds a TCP port on loopback that nobody listens on. */
import { once } from "node:events";
import { createServer } from "node:net";

/** For servers that cannot say which port they got. The port is free at the time of return only. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}
