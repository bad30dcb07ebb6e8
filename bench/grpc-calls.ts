/** Small unary calls over one connection of our own, so that what a call costs is not hidden by a process that starts. */
import { connectSocket } from "../proxy/test/support/raw-http2.js";
import { codeOfTrailers } from "../proxy/grpc/grpc-status.js";
import { ClientConnection } from "../proxy/grpc/http2/client-connection.js";
import type { StreamHandler } from "../proxy/grpc/http2/stream.js";
import type { HeaderList } from "../proxy/grpc/http2/header-list.js";

const HEADERS = [
  ...[":method", "POST", ":scheme", "http", ":path", "/grpc.health.v1.Health/Check", ":authority", "localhost"],
  ...["content-type", "application/grpc", "te", "trailers", "user-agent", "memobuild-bench"],
];
const EMPTY_MESSAGE = Buffer.alloc(5);

export interface Caller {
  call(): Promise<void>;
  close(): void;
}

export async function connectCaller(address: string): Promise<Caller> {
  const socket = await connectSocket(address);
  socket.setNoDelay(true);
  const connection = new ClientConnection(socket, { draining: () => undefined, closed: () => undefined });
  return {
    call: () => healthCheck(connection),
    close: () => {
      connection.destroy("done");
    },
  };
}

async function healthCheck(connection: ClientConnection): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const end = (trailers: HeaderList | undefined): void => {
      const code = codeOfTrailers(trailers ?? []);
      if (code === "OK") resolve();
      else reject(new Error(`the health check answers ${code}`));
    };
    const handler: StreamHandler = {
      headers: (headers, isEndStream) => {
        if (isEndStream) end(headers);
      },
      data: (piece) => {
        stream.consumed(piece.length);
      },
      end,
      failed: (failure) => {
        reject(new Error(`the health check is ${failure.kind}`));
      },
      drain: () => undefined,
    };
    const stream = connection.request(HEADERS, handler);
    stream.write(EMPTY_MESSAGE);
    stream.end();
  });
}

/** Makes `count` calls, `inFlight` at a time. */
export async function makeCalls(caller: Caller, count: number, inFlight: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await caller.call();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}
