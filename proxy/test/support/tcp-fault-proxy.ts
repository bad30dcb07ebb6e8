/** A TCP proxy for tests: forwards to a unix socket or port, and delays, stops or cuts what passes when told. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type NetConnectOpts, type Socket } from "node:net";

export interface TcpFaultProxy {
  /** `tcp://127.0.0.1:PORT` */
  readonly address: string;
  /** What is sent from now on, and the end of it, arrives this much later. */
  delayMs: number;
  /** Connections that are open through the proxy. */
  readonly connectionCount: number;
  /** Resets all connections; new ones are served. */
  cut(): void;
  /** Resets all connections and refuses new ones until `open`. */
  refuse(): Promise<void>;
  open(): Promise<void>;
  /** Reads nothing more from either side until `resume`: a network that swallows packets. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

const destinationOf = (address: string): NetConnectOpts => {
  const rest = address.slice(address.indexOf("://") + 3);
  if (address.startsWith("unix://")) return { path: rest };
  return { host: rest.slice(0, rest.lastIndexOf(":")), port: Number(rest.slice(rest.lastIndexOf(":") + 1)) };
};

/** Starts forwarding to `target`, given as `unix://PATH` or `tcp://HOST:PORT`. */
export async function startTcpFaultProxy(target: string): Promise<TcpFaultProxy> {
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const state = {
    delayMs: 0,
    isPaused: false,
    get connectionCount(): number {
      return clients.size;
    },
  };
  const forward = (from: Socket, to: Socket): void => {
    sockets.add(from);
    if (state.isPaused) from.pause();
    const later = (pass: () => void): void => {
      if (state.delayMs > 0) setTimeout(pass, state.delayMs);
      else pass();
    };
    from.on("data", (chunk) => {
      later(() => {
        if (!to.destroyed && !to.write(chunk)) {
          from.pause();
          to.once("drain", () => state.isPaused || from.resume());
        }
      });
    });
    from.on("end", () => {
      later(() => to.end());
    });
    from.on("error", () => undefined); // "close" follows
    from.on("close", () => {
      sockets.delete(from);
      later(() => to.destroy());
    });
  };
  const server = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    const builder = connect(destinationOf(target));
    forward(client, builder);
    forward(builder, client);
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    // The other halves close with them.
    for (const client of clients) client.resetAndDestroy();
  };
  const refuse = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    cut();
    await once(server, "close");
  };
  return Object.assign(state, {
    address: `tcp://127.0.0.1:${port}`,
    cut,
    refuse,
    open: () => listen(port),
    pause: () => {
      state.isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      state.isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    close: refuse,
  });
}
