/** A builder that knows only what builds of our own need of one, and whose answers a test may hold back. */
import net from "node:net";
import { join } from "node:path";
import { loadBuildMessages, type BuildMessages, type SolveRequest } from "../../buildkit/build-messages.js";
import { CONTROL, LLB_BRIDGE } from "../../buildkit/methods.js";
import type { Builder } from "../../farm/builder.js";
import { statusHeaders, trailersOnly } from "../../grpc/grpc-status.js";
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
  /** Awaited before it tells progress. */
  loading: () => Promise<void>;
  /** Awaited before a build that has returned ends: its export. */
  exporting: () => Promise<void>;
  /** Looks into a source, or rejects. */
  resolve: (source: string) => Promise<unknown>;
  /** What it was asked to build. */
  readonly solves: readonly SolveRequest[];
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
  const solves: SolveRequest[] = [];
  const resolve: FakeGateway["resolve"] = () => Promise.resolve();
  const sockets = new Set<net.Socket>();
  const state = {
    ...{
      vertex: "",
      result: true,
      loading: () => Promise.resolve(),
      exporting: () => Promise.resolve(),
      cancelled: 0,
      exportingNow: 0,
      exportingMost: 0,
    },
    ...{ running, solves, messages, resolve },
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
  const tellProgress = async (stream: Stream): Promise<void> => {
    stream.respond(RESPONSE, false);
    await state.loading();
    if (state.vertex === "") return;
    const vertex = { digest: state.vertex, inputs: [], name: "", cached: false, error: "" };
    const vertexes = [{ ...vertex, started: null, completed: null }];
    stream.write(frameMessage(messages.statusResponse.encode({ vertexes })));
  };
  const resolveSource = async (stream: Stream, message: Buffer): Promise<void> => {
    const { source } = messages.resolveSourceMetaRequest.decode(message);
    try {
      await state.resolve(source?.identifier ?? "");
      answer(stream, EMPTY);
    } catch (error) {
      stream.respond(trailersOnly("UNKNOWN", error instanceof Error ? error.message : String(error)), true);
    }
  };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    let solve: Stream | undefined;
    const serve = (path: string | undefined, stream: Stream, message: Buffer): void => {
      if (path === CONTROL.solve) {
        solve = stream;
        running.add(stream);
        solves.push(messages.solveRequest.decode(message));
      } else if (path === CONTROL.status) {
        void tellProgress(stream);
      } else if (path === LLB_BRIDGE.resolveSourceMeta) {
        void resolveSource(stream, message);
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
            for (const message of reader.push(piece)) serve(headerValue(headers, ":path"), stream, message);
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
