/** A builder that uses HTTP/2 in full, resets and goes away: its client sees the same, and others notice nothing. */
import { expect } from "chai";
import { poll } from "../support/poll.js";
import { FAULT_PATH, okTrailers, responseFrames } from "../support/raw-builder.js";
import { encodeHeaders, encodeIndex, encodeIndexed, encodeTableSize } from "../support/raw-hpack.js";
import {
  ErrorCode,
  Flag,
  frame,
  FrameType,
  goAway,
  grpcMessage,
  header,
  headerFrames,
  OK,
  ping,
  RESPONSE,
  rstStream,
  Setting,
  settings,
  windowUpdate,
  type Frame,
  type RawClient,
  type RawConnection,
} from "../support/raw-http2.js";
import { endOf, setFaultScene } from "./fault-scene.js";

const MESSAGE = Buffer.from("a message");
const CODES = [ErrorCode.internalError, ErrorCode.refusedStream, ErrorCode.cancel, ErrorCode.enhanceYourCalm, 0xfe];

describe("what a builder may do", () => {
  const scene = setFaultScene();

  describe("a reset", () => {
    for (const code of CODES) {
      it(`with code ${code} before the headers reaches the client as it is`, async () => {
        const { client, id } = await scene.meet((connection, streamId) => {
          connection.send(rstStream(streamId, code));
        });
        const end = await client.next(({ streamId }) => streamId === id, "a frame of the call");
        expect(end).to.include({ type: FrameType.rstStream });
        expect(end.payload.readUInt32BE()).to.equal(code);
      });

      it(`with code ${code} after the headers follows them`, async () => {
        const { client, id } = await scene.meet((connection, streamId) => {
          connection.send(responseFrames(streamId), rstStream(streamId, code));
        });
        expect(header(await client.nextOf("headers", id), ":status")).to.equal("200");
        expect((await client.nextOf("rstStream", id)).payload.readUInt32BE()).to.equal(code);
      });

      it(`with code ${code} within a message follows what came of it`, async () => {
        const { client, id } = await scene.meet((connection, streamId) => {
          const half = frame(FrameType.data, 0, streamId, grpcMessage(MESSAGE).subarray(0, 8));
          connection.send(responseFrames(streamId), half, rstStream(streamId, code));
        });
        expect((await client.nextOf("data", id)).payload).to.deep.equal(grpcMessage(MESSAGE).subarray(0, 8));
        expect((await client.nextOf("rstStream", id)).payload.readUInt32BE()).to.equal(code);
      });
    }

    for (const isTrailersOnly of [true, false]) {
      it(`with NO_ERROR after ${isTrailersOnly ? "a trailers-only answer" : "the trailers"} leaves them whole`, async () => {
        const { client, id } = await scene.meet((connection, streamId) => {
          const answer = isTrailersOnly
            ? headerFrames(streamId, encodeHeaders([...RESPONSE, ...OK]), true)
            : Buffer.concat([responseFrames(streamId), okTrailers(streamId)]);
          connection.send(answer, rstStream(streamId, ErrorCode.noError));
        });
        expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      });
    }
  });

  describe("GOAWAY", () => {
    it("before the first call sends the call to a new connection", async () => {
      scene.builder.greet = (connection) => {
        scene.builder.greet = (next) => {
          next.send(settings());
        };
        connection.send(settings(), goAway(0, ErrorCode.noError));
      };
      const client = await scene.connect();
      scene.builder.fault = (connection, streamId) => {
        connection.send(responseFrames(streamId), okTrailers(streamId));
      };
      const answered = await poll(
        () => endOf(client, client.request(FAULT_PATH)),
        // A call that meets the GOAWAY may be refused: clients make such a call again by themselves.
        (end) => {
          if (end.type === FrameType.rstStream) expect(end.payload.readUInt32BE()).to.equal(ErrorCode.refusedStream);
          return end.type === FrameType.headers;
        },
        { what: "a call is served" },
      );
      expect(header(answered, "grpc-status")).to.equal("0");
    });

    it("during a call lets it end well and sends the next to a new connection", async () => {
      const used = new Set<RawConnection>();
      const { client, id } = await scene.meet((connection, streamId) => {
        used.add(connection);
        connection.send(goAway(streamId, ErrorCode.noError), responseFrames(streamId), okTrailers(streamId));
      }, true);
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      await scene.expectServed(client);
      expect([...used][0]?.socket.closed, "the connection that went away is closed").to.equal(true);
    });

    it("that leaves the call out refuses it, so that the client makes it again", async () => {
      const { client, id } = await scene.meet((connection) => {
        connection.send(goAway(0, ErrorCode.noError));
      });
      const end = await endOf(client, id);
      expect(end).to.include({ type: FrameType.rstStream });
      expect(end.payload.readUInt32BE()).to.equal(ErrorCode.refusedStream);
      await scene.expectServed(client);
    });

    it("with an error ends the call when the connection goes", async () => {
      const { client, id } = await scene.meet((connection, streamId) => {
        connection.send(goAway(streamId, ErrorCode.internalError, "out of order"));
        connection.socket.end();
      });
      scene.expectUnavailable(await endOf(client, id));
      await scene.expectServed(client);
    });
  });

  describe("settings", () => {
    it("MAX_CONCURRENT_STREAMS 0 holds calls back until it is raised", async () => {
      const { client, connection } = await scene.greeted((greeted) => {
        greeted.send(settings([Setting.maxConcurrentStreams, 0]));
      });
      const forwarded: number[] = [];
      scene.builder.fault = (at, streamId) => {
        forwarded.push(streamId);
        at.send(responseFrames(streamId), okTrailers(streamId));
      };
      const id = client.request(FAULT_PATH);
      const cancelled = client.request(FAULT_PATH);
      client.send(rstStream(cancelled, ErrorCode.cancel), ping());
      await client.nextOf("ping");
      expect(forwarded).to.deep.equal([]);
      connection.send(settings([Setting.maxConcurrentStreams, 1]));
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      expect(forwarded, "the cancelled call").to.have.length(1);
    });

    it("windows that grow and shrink in mid-stream are kept to the byte", async () => {
      const { client, connection } = await scene.greeted((greeted) => {
        greeted.isPolite = false; // returns no windows
        greeted.send(settings([Setting.initialWindowSize, 10]));
      });
      const sent = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
      const received: Buffer[] = [];
      const bytes = (): number => Buffer.concat(received).length;
      let streamId = 0;
      scene.builder.fault = (_, opened) => {
        streamId = opened;
      };
      const serve = connection.onFrame;
      connection.onFrame = (got) => {
        if (got.type === FrameType.data) received.push(got.payload);
        serve(got);
      };
      const id = client.request(FAULT_PATH, { message: sent });
      await poll(bytes, (total) => total >= 10, { what: "the first bytes" });
      const reach = async (change: readonly Buffer[], total: number): Promise<void> => {
        // What the change allows comes before the answer to a PING sent after it.
        connection.send(...change, ping());
        await connection.nextOf("ping");
        expect(bytes()).to.equal(total);
      };
      await reach([], 10);
      await reach([settings([Setting.initialWindowSize, 100])], 100);
      await reach([settings([Setting.initialWindowSize, 20])], 100); // now 80 below zero
      await reach([windowUpdate(streamId, 80)], 100);
      await reach([windowUpdate(streamId, 1)], 101);
      await reach([windowUpdate(streamId, 10_000)], 1005);
      expect(Buffer.concat(received)).to.deep.equal(grpcMessage(sent));
      connection.send(responseFrames(streamId), okTrailers(streamId));
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
    });

    it("that never come end the call after their time limit", async () => {
      scene.builder.greet = (connection) => {
        connection.isPolite = false; // sends nothing at all
      };
      scene.builder.fault = () => undefined;
      const client = await scene.connect();
      const end = await endOf(client, client.request(FAULT_PATH), 15_000);
      scene.expectUnavailable(end);
      // The health check of such a builder may find out before: then its connections are asked whether they live.
      expect(header(end, "grpc-message")).to.match(/SETTINGS|did not answer within/);
    });
  });

  describe("header blocks", () => {
    const block = encodeHeaders([...RESPONSE, ["x-list", "a"], ["x-list", "b"]]);
    const answers = async (client: RawClient, frames: (streamId: number) => Buffer): Promise<Frame> => {
      scene.builder.fault = (connection, streamId) => {
        connection.send(frames(streamId), okTrailers(streamId));
      };
      const id = client.request(FAULT_PATH);
      const headers = await client.nextOf("headers", id);
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      return headers;
    };

    it("cut into CONTINUATION anywhere are the same headers", async () => {
      const client = await scene.connect();
      const whole = (await answers(client, (id) => headerFrames(id, block, false))).headers;
      expect(whole).to.deep.equal([...RESPONSE, ["x-list", "a"], ["x-list", "b"]]);
      for (let cut = 0; cut <= block.length; cut++) {
        expect((await answers(client, (id) => headerFrames(id, block, false, [cut]))).headers).to.deep.equal(whole);
      }
      const everyByte = Array.from(block.keys());
      expect((await answers(client, (id) => headerFrames(id, block, false, everyByte))).headers).to.deep.equal(whole);
    });

    it("use the table of earlier ones, and may change its size", async () => {
      const client = await scene.connect();
      const pair = ["x-kept", "in the table"] as const;
      const first = Buffer.concat([encodeTableSize(4096), encodeHeaders(RESPONSE), encodeIndexed(pair)]);
      const again = Buffer.concat([encodeHeaders(RESPONSE), encodeIndex(62)]);
      const emptied = Buffer.concat([encodeTableSize(0), encodeTableSize(4096), encodeHeaders(RESPONSE)]);
      expect(header(await answers(client, (id) => headerFrames(id, first, false)), pair[0])).to.equal(pair[1]);
      expect(header(await answers(client, (id) => headerFrames(id, again, false)), pair[0])).to.equal(pair[1]);
      expect((await answers(client, (id) => headerFrames(id, emptied, false))).headers).to.deep.equal(RESPONSE);
      const { client: other, id } = await scene.meet((connection, streamId) => {
        connection.send(headerFrames(streamId, again, false)); // of another connection's table
      });
      scene.expectUnavailable(await endOf(other, id));
    });
  });

  describe("what is no error", () => {
    const harmless: Readonly<Record<string, (streamId: number) => Buffer>> = {
      "an unknown frame": (id) => frame(0x2a, 0xff, id, Buffer.from("?")),
      "an unknown setting": () => settings([0x2a, 1]),
      PRIORITY: (id) => frame(FrameType.priority, 0, id, Buffer.alloc(5)),
      "an empty DATA frame": (id) => Buffer.concat([responseFrames(id), frame(FrameType.data, 0, id)]),
      "padded DATA": (id) =>
        Buffer.concat([
          responseFrames(id),
          frame(
            FrameType.data,
            Flag.padded,
            id,
            Buffer.concat([Buffer.from([3]), grpcMessage(MESSAGE), Buffer.alloc(3)]),
          ),
        ]),
      "padded HEADERS": (id) => {
        const block = encodeHeaders(RESPONSE);
        const payload = Buffer.concat([Buffer.from([2]), block, Buffer.alloc(2)]);
        return frame(FrameType.headers, Flag.endHeaders | Flag.padded, id, payload);
      },
    };
    for (const [name, frames] of Object.entries(harmless)) {
      it(`${name} is taken`, async () => {
        const { client, id } = await scene.meet((connection, streamId) => {
          const start = frames(streamId);
          const isAnswered = name.includes("HEADERS") || name.includes("DATA");
          connection.send(start, isAnswered ? Buffer.alloc(0) : responseFrames(streamId), okTrailers(streamId));
        });
        expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      });
    }

    it("a PING is answered with its payload", async () => {
      const { client, id } = await scene.meet((connection, streamId) => {
        connection.send(ping("payload!"));
        void connection.nextOf("ping").then(({ payload }) => {
          connection.send(
            headerFrames(streamId, encodeHeaders([...RESPONSE, ...OK, ["x-ping", payload.toString()]]), true),
          );
        });
      });
      expect(header(await endOf(client, id), "x-ping")).to.equal("payload!");
    });
  });
});
