/** A builder that knows only what a pin job needs of one, and whose answers a test may hold back. */
import net from "node:net";
import { join } from "node:path";
import { loadBuildMessages, type BuildMessages } from "../../buildkit/build-messages.js";
import { CONTROL, LLB_BRIDGE } from "../../buildkit/methods.js";
import type { Builder } from "../../farm/builder.js";
import { statusHeaders } from "../../grpc/grpc-status.js";
import { headerValue } from "../../grpc/http2/header-list.js";
import { ServerConnection } from "../../grpc/http2/server-connection.js";
import type { Stream } from "../../grpc/http2/stream.js";
import { frameMessage, MessageReader } from "../../grpc/message.js";

const EMPTY = new Uint8Array();
const RESPONSE = [":status", "200", "content-type", "application/grpc"];

export interface FakeGateway {
  readonly builder: Builder;
  readonly messages: BuildMessages;
  /** Digest of the vertex that its progress names; "" for no progress. */
  vertex: string;
  /** Whether it answers when it is asked to solve. */
  result: boolean;
  /** Awaited before a build that has returned ends: its export. */
  exporting: () => Promise<void>;
  /** Builds that run. */
  readonly running: ReadonlySet<Stream>;
  /** Builds that were cancelled by us. */
  readonly cancelled: number;
  /** Builds that exported at the same time, at most. */
  readonly exportingMost: number;
  close(): Promise<void>;
}

/** Listens in `dir`. */
export async function startFakeGateway(dir: string): Promise<FakeGateway> {
  const messages = await loadBuildMessages();
  const path = join(dir, "gateway.sock");
  const running = new Set<Stream>();
  const sockets = new Set<net.Socket>();
  const state = {
    ...{
      vertex: "",
      result: true,
      exporting: () => Promise.resolve(),
      cancelled: 0,
      exportingNow: 0,
      exportingMost: 0,
    },
    ...{ running, messages },
    builder: {
      address: `unix://${path}`,
      dial: () =>
        new Promise<net.Socket>((resolve, reject) => {
          const socket = net.connect(path, () => {
            resolve(socket);
          });
          socket.once("error", reject);
        }),
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
  const answer = (stream: Stream, message: Uint8Array): void => {
    stream.respond(RESPONSE, false);
    stream.write(frameMessage(message));
    stream.end(statusHeaders("OK", ""));
  };
  const endBuild = async (solve: Stream): Promise<void> => {
    state.exportingNow++;
    state.exportingMost = Math.max(state.exportingMost, state.exportingNow);
    await state.exporting();
    state.exportingNow--;
    running.delete(solve);
    answer(solve, EMPTY);
  };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    let solve: Stream | undefined;
    const serve = (path: string | undefined, stream: Stream): void => {
      if (path === CONTROL.solve) {
        solve = stream;
        running.add(stream);
      } else if (path === CONTROL.status) {
        stream.respond(RESPONSE, false);
        if (state.vertex === "") return;
        const vertex = { digest: state.vertex, name: "", cached: false, error: "" };
        const vertexes = [{ ...vertex, started: Buffer.alloc(0), completed: Buffer.alloc(0) }];
        stream.write(frameMessage(messages.statusResponse.encode({ vertexes })));
      } else if (path === LLB_BRIDGE.solve) {
        if (state.vertex === "" || !state.result) return;
        const result = { ref: { id: "r1", def: Buffer.alloc(0) }, refs: null, metadata: {} };
        answer(stream, messages.gatewaySolveResponse.encode({ result }));
      } else {
        answer(stream, EMPTY);
        if (path === LLB_BRIDGE.return && solve !== undefined) void endBuild(solve);
      }
    };
    new ServerConnection(socket, {
      call: (stream, headers) => {
        const reader = new MessageReader();
        return {
          headers: () => undefined,
          data: (piece) => {
            stream.consumed(piece.length);
            if (reader.push(piece).length > 0) serve(headerValue(headers, ":path"), stream);
          },
          end: () => undefined,
          failed: () => {
            if (running.delete(stream)) state.cancelled++;
          },
          drain: () => undefined,
        };
      },
      closed: () => undefined,
      now: () => performance.now(),
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return state;
}
