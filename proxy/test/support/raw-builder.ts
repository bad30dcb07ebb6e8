/** A builder made of raw frames: serves health and echo rightly, and does on a path of its own what a test tells it. */
import { encodeHeaders } from "./raw-hpack.js";
import {
  Flag,
  frame,
  FrameType,
  grpcMessage,
  header,
  headerFrames,
  OK,
  RESPONSE,
  settings,
  startRawServer,
  type Frame,
  type RawConnection,
} from "./raw-http2.js";

export const FAULT_PATH = "/memobuild.test.v1.Raw/Fault";
const LIST_WORKERS_PATH = "/moby.buildkit.v1.Control/ListWorkers";
// ListWorkersResponse{Record: {ID: "w1"}}
const ONE_WORKER = Buffer.from([0x0a, 4, 0x0a, 2, 0x77, 0x31]);

/** Gets the frame that opened the stream; later ones of the stream come by the connection's `next`. */
export type Fault = (connection: RawConnection, streamId: number, opened: Frame) => void;

export interface RawBuilder {
  readonly address: string;
  /** What calls of FAULT_PATH meet from now on. */
  fault: Fault;
  /** What a new connection is greeted with; the default is SETTINGS. */
  greet: (connection: RawConnection) => void;
  readonly connections: ReadonlySet<RawConnection>;
  close(): Promise<void>;
}

const politeGreeting = (connection: RawConnection): void => {
  connection.send(settings());
};

export const responseFrames = (streamId: number): Buffer => headerFrames(streamId, encodeHeaders(RESPONSE), false);
export const okTrailers = (streamId: number): Buffer => headerFrames(streamId, encodeHeaders(OK), true);

/** Starts it on a unix socket. */
export async function startRawBuilder(path: string): Promise<RawBuilder> {
  const state: Pick<RawBuilder, "fault" | "greet"> = { fault: () => undefined, greet: politeGreeting };
  const server = await startRawServer(path, (connection) => {
    state.greet(connection);
    const echoing = new Set<number>();
    connection.onFrame = (received) => {
      serve(connection, received, echoing, state.fault);
    };
  });
  return Object.assign(state, {
    address: `unix://${path}`,
    connections: server.connections,
    close: () => server.close(),
  });
}

function serve(connection: RawConnection, received: Frame, echoing: Set<number>, fault: Fault): void {
  const { type, flags, streamId, payload } = received;
  if (type === FrameType.headers) {
    const path = header(received, ":path");
    if (path === FAULT_PATH) {
      fault(connection, streamId, received);
      return;
    }
    connection.send(responseFrames(streamId));
    if (path === LIST_WORKERS_PATH) {
      connection.send(frame(FrameType.data, 0, streamId, grpcMessage(ONE_WORKER)), okTrailers(streamId));
    } else echoing.add(streamId);
  }
  if (!echoing.has(streamId)) return;
  // The peer's client keeps its messages small, so that the default windows always have room for the echo.
  if (type === FrameType.data) connection.send(frame(FrameType.data, 0, streamId, payload));
  if (type === FrameType.rstStream) echoing.delete(streamId);
  else if ((flags & Flag.endStream) !== 0) {
    echoing.delete(streamId);
    connection.send(okTrailers(streamId));
  }
}
