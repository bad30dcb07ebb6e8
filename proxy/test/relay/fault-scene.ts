/** The scene of the builder's faults: a raw builder, MemoBuild, a bystander's stream, and a raw client whose call meets the fault. */
import { expect } from "chai";
import { join } from "node:path";
import { startBystander, type Bystander } from "../support/bystander.js";
import { Cleanups } from "../support/cleanups.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import {
  FAULT_PATH,
  okTrailers,
  responseFrames,
  startRawBuilder,
  type Fault,
  type RawBuilder,
} from "../support/raw-builder.js";
import {
  connectRaw,
  Flag,
  FrameType,
  header,
  settings,
  type Frame,
  type RawClient,
  type RawConnection,
} from "../support/raw-http2.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

export interface Met {
  readonly client: RawClient;
  /** The stream of the call. */
  readonly id: number;
}

export interface FaultScene {
  readonly builder: RawBuilder;
  readonly memoBuild: MemoBuild;
  /** A client that is gone after the test. */
  connect(): Promise<RawClient>;
  /** Makes a call that meets the fault; the client's side of it. */
  meet(fault: Fault, endStream?: boolean): Promise<Met>;
  /** A client whose own connection to the builder begins with `greet`, and has its SETTINGS acknowledged. */
  greeted(greet: (connection: RawConnection) => void): Promise<{ client: RawClient; connection: RawConnection }>;
  expectUnavailable(end: Frame): void;
  /** Expects that another call of this client is served. */
  expectServed(client: RawClient): Promise<void>;
}

const politely = (connection: RawConnection): void => {
  connection.send(settings());
};

/** How a call ended for the client: by a reset, or by the frame that ends the stream. */
export const endOf = (client: RawClient, id: number, timeoutMs?: number): Promise<Frame> =>
  client.next(
    ({ type, streamId, flags }) =>
      streamId === id &&
      (type === FrameType.rstStream ||
        ((type === FrameType.headers || type === FrameType.data) && (flags & Flag.endStream) !== 0)),
    "the end of the call",
    timeoutMs,
  );

/** Registers the hooks that set the scene; after each test the bystander must be undisturbed and nothing held. */
export function setFaultScene(): FaultScene {
  let builder: RawBuilder;
  let memoBuild: MemoBuild;
  let bystander: Bystander;
  const clients: RawClient[] = [];
  const cleanups = new Cleanups();

  before(async () => {
    const dir = await makeTempDir("fault");
    cleanups.add(() => removeDir(dir));
    builder = await startRawBuilder(join(dir, "b.sock"));
    cleanups.add(() => builder.close());
    memoBuild = await startMemoBuild({ builder: builder.address });
    cleanups.add(() => memoBuild.stop());
    bystander = await startBystander(memoBuild);
    cleanups.add(() => bystander.finish());
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    builder.greet = politely;
    await bystander.isUndisturbed();
  });

  after(async () => {
    await cleanups.run();
  });

  const connect = async (): Promise<RawClient> => {
    const client = await connectRaw(`unix://${memoBuild.unixSocket}`);
    clients.push(client);
    return client;
  };

  return {
    get builder() {
      return builder;
    },
    get memoBuild() {
      return memoBuild;
    },
    connect,
    meet: async (fault, endStream = false) => {
      builder.fault = fault;
      const client = await connect();
      return { client, id: client.request(FAULT_PATH, { message: Buffer.from("a message"), endStream }) };
    },
    greeted: async (greet) => {
      // A health check may connect meanwhile and get the same greeting: the client's connection is the one that lasts.
      const acknowledged = new Promise<RawConnection>((resolve) => {
        builder.greet = (connection) => {
          greet(connection);
          const isAck = ({ type, flags }: Frame): boolean => type === FrameType.settings && flags === Flag.ack;
          connection.next(isAck, "SETTINGS acknowledged").then(
            () => {
              resolve(connection);
            },
            () => undefined,
          );
        };
      });
      const client = await connect();
      return { client, connection: await acknowledged };
    },
    expectUnavailable: (end) => {
      expect(header(end, "grpc-status")).to.equal("14");
      expect(decodeURIComponent(header(end, "grpc-message") ?? "")).to.include(builder.address);
    },
    expectServed: async (client) => {
      builder.fault = (connection, streamId) => {
        connection.send(responseFrames(streamId), okTrailers(streamId));
      };
      expect(header(await endOf(client, client.request(FAULT_PATH)), "grpc-status")).to.equal("0");
    },
  };
}
