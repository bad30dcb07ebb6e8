/** A builder that breaks the rules of HTTP/2, or uses them in full: its client gets a defined answer, others notice nothing. */
import { expect } from "chai";
import { join } from "node:path";
import { startBystander, type Bystander } from "../support/bystander.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import {
  FAULT_PATH,
  okTrailers,
  responseFrames,
  startRawBuilder,
  type Fault,
  type RawBuilder,
} from "../support/raw-builder.js";
import { encodeHeaders, encodeIndex, encodeIndexed, encodeTableSize } from "../support/raw-hpack.js";
import {
  connectRaw,
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
import { makeTempDir, removeDir } from "../support/temp-dir.js";

const MESSAGE = Buffer.from("a message");
const CODES = [ErrorCode.internalError, ErrorCode.refusedStream, ErrorCode.cancel, ErrorCode.enhanceYourCalm, 0xfe];

describe("a builder's fault", () => {
  let dir = "";
  let builder: RawBuilder;
  let memoBuild: MemoBuild;
  let bystander: Bystander;
  /** What the end of the run undoes, last first; a start that fails leaves the later ones out. */
  const cleanups: (() => Promise<unknown>)[] = [];
  const clients: RawClient[] = [];

  before(async () => {
    dir = await makeTempDir("fault");
    cleanups.unshift(() => removeDir(dir));
    builder = await startRawBuilder(join(dir, "b.sock"));
    cleanups.unshift(() => builder.close());
    memoBuild = await startMemoBuild({ builder: builder.address });
    cleanups.unshift(() => memoBuild.stop());
    bystander = await startBystander(memoBuild);
    cleanups.unshift(() => bystander.finish());
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    builder.greet = (connection) => {
      connection.send(settings());
    };
    await bystander.isUndisturbed();
  });

  after(async () => {
    for (const cleanUp of cleanups) await cleanUp();
  });

  const connect = async (): Promise<RawClient> => {
    const client = await connectRaw(`unix://${memoBuild.unixSocket}`);
    clients.push(client);
    return client;
  };

  /** Makes a call that meets the fault; the client's side of it. */
  const meet = async (fault: Fault, endStream = false): Promise<{ client: RawClient; id: number }> => {
    builder.fault = fault;
    const client = await connect();
    return { client, id: client.request(FAULT_PATH, { message: MESSAGE, endStream }) };
  };

  /** How the call ended for the client: its reset, or its trailers. */
  const endOf = (client: RawClient, id: number, timeoutMs?: number): Promise<Frame> =>
    client.next(
      ({ type, streamId, flags }) =>
        streamId === id &&
        (type === FrameType.rstStream || (type === FrameType.headers && (flags & Flag.endStream) !== 0)),
      "the end of the call",
      timeoutMs,
    );

  const expectUnavailable = (end: Frame): void => {
    expect(header(end, "grpc-status")).to.equal("14");
    expect(decodeURIComponent(header(end, "grpc-message") ?? "")).to.include(builder.address);
  };

  const expectServed = async (client: RawClient): Promise<void> => {
    builder.fault = (connection, streamId) => {
      connection.send(responseFrames(streamId), okTrailers(streamId));
    };
    expect(header(await endOf(client, client.request(FAULT_PATH)), "grpc-status")).to.equal("0");
  };

  describe("a reset", () => {
    for (const code of CODES) {
      it(`with code ${code} before the headers reaches the client as it is`, async () => {
        const { client, id } = await meet((connection, streamId) => {
          connection.send(rstStream(streamId, code));
        });
        const end = await client.next(({ streamId }) => streamId === id, "a frame of the call");
        expect(end).to.include({ type: FrameType.rstStream });
        expect(end.payload.readUInt32BE()).to.equal(code);
      });

      it(`with code ${code} after the headers follows them`, async () => {
        const { client, id } = await meet((connection, streamId) => {
          connection.send(responseFrames(streamId), rstStream(streamId, code));
        });
        expect(header(await client.nextOf("headers", id), ":status")).to.equal("200");
        expect((await client.nextOf("rstStream", id)).payload.readUInt32BE()).to.equal(code);
      });

      it(`with code ${code} within a message follows what came of it`, async () => {
        const { client, id } = await meet((connection, streamId) => {
          const half = frame(FrameType.data, 0, streamId, grpcMessage(MESSAGE).subarray(0, 8));
          connection.send(responseFrames(streamId), half, rstStream(streamId, code));
        });
        expect((await client.nextOf("data", id)).payload).to.deep.equal(grpcMessage(MESSAGE).subarray(0, 8));
        expect((await client.nextOf("rstStream", id)).payload.readUInt32BE()).to.equal(code);
      });
    }

    for (const isTrailersOnly of [true, false]) {
      it(`with NO_ERROR after ${isTrailersOnly ? "a trailers-only answer" : "the trailers"} leaves them whole`, async () => {
        const { client, id } = await meet((connection, streamId) => {
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
      builder.greet = (connection) => {
        builder.greet = (next) => {
          next.send(settings());
        };
        connection.send(settings(), goAway(0, ErrorCode.noError));
      };
      const client = await connect();
      builder.fault = (connection, streamId) => {
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
      const { client, id } = await meet((connection, streamId) => {
        used.add(connection);
        connection.send(goAway(streamId, ErrorCode.noError), responseFrames(streamId), okTrailers(streamId));
      }, true);
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      await expectServed(client);
      expect([...used][0]?.socket.closed, "the connection that went away is closed").to.equal(true);
    });

    it("that leaves the call out refuses it, so that the client makes it again", async () => {
      const { client, id } = await meet((connection) => {
        connection.send(goAway(0, ErrorCode.noError));
      });
      const end = await endOf(client, id);
      expect(end).to.include({ type: FrameType.rstStream });
      expect(end.payload.readUInt32BE()).to.equal(ErrorCode.refusedStream);
      await expectServed(client);
    });

    it("with an error ends the call when the connection goes", async () => {
      const { client, id } = await meet((connection, streamId) => {
        connection.send(goAway(streamId, ErrorCode.internalError, "out of order"));
        connection.socket.end();
      });
      expectUnavailable(await endOf(client, id));
      await expectServed(client);
    });
  });

  describe("settings", () => {
    it("MAX_CONCURRENT_STREAMS 0 holds calls back until it is raised", async () => {
      builder.greet = (connection) => {
        connection.send(settings([Setting.maxConcurrentStreams, 0]));
      };
      const before = new Set(builder.connections);
      let isAllowed = false;
      const { client, id } = await meet((connection, streamId) => {
        expect(isAllowed, "the call was forwarded early").to.equal(true);
        connection.send(responseFrames(streamId), okTrailers(streamId));
      });
      const cancelled = client.request(FAULT_PATH);
      client.send(rstStream(cancelled, ErrorCode.cancel), ping());
      await client.nextOf("ping");
      isAllowed = true;
      for (const connection of builder.connections) {
        if (!before.has(connection)) connection.send(settings([Setting.maxConcurrentStreams, 1]));
      }
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
    });

    it("windows that grow and shrink in mid-stream are kept to the byte", async () => {
      builder.greet = (connection) => {
        connection.isPolite = false;
        connection.send(settings([Setting.initialWindowSize, 10]));
      };
      const sent = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
      const received: Buffer[] = [];
      const bytes = (): number => received.reduce((sum, piece) => sum + piece.length, 0);
      let link: { connection: RawConnection; streamId: number } | undefined;
      builder.fault = (connection, streamId) => {
        link = { connection, streamId };
        const echo = connection.onFrame;
        connection.onFrame = (got) => {
          if (got.type === FrameType.data && got.streamId === streamId) received.push(got.payload);
          else echo(got);
        };
      };
      const client = await connect();
      const id = client.request(FAULT_PATH, { message: sent });
      const reach = (total: number): Promise<number> =>
        poll(bytes, (n) => n >= total, { what: `${total} bytes`, timeoutMs: 3_000 });
      const allow = async (change: Buffer, total: number): Promise<void> => {
        // The answer to a PING sent after the change tells that all of what it allows has come.
        link?.connection.send(change, ping(`total${String(total).padStart(3, "0")}`));
        await link?.connection.nextOf("ping");
        expect(await reach(total)).to.equal(total);
      };
      expect(await reach(10)).to.equal(10);
      await allow(settings([Setting.initialWindowSize, 100]), 100);
      await allow(settings([Setting.initialWindowSize, 20]), 100); // 80 below zero
      await allow(windowUpdate(link?.streamId ?? 0, 80), 100);
      await allow(windowUpdate(link?.streamId ?? 0, 1), 101);
      await allow(windowUpdate(link?.streamId ?? 0, 10_000), 1005);
      expect(Buffer.concat(received)).to.deep.equal(grpcMessage(sent));
      link?.connection.send(responseFrames(link.streamId), okTrailers(link.streamId));
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
    });

    it("that never come end the call after their time limit", async () => {
      builder.greet = () => undefined;
      const client = await connect();
      const end = await endOf(client, client.request(FAULT_PATH), 15_000);
      expectUnavailable(end);
      expect(header(end, "grpc-message")).to.include("SETTINGS");
    });
  });

  describe("header blocks", () => {
    const block = encodeHeaders([...RESPONSE, ["x-list", "a"], ["x-list", "b"]]);
    const answers = async (client: RawClient, frames: (streamId: number) => Buffer): Promise<Frame> => {
      builder.fault = (connection, streamId) => {
        connection.send(frames(streamId), okTrailers(streamId));
      };
      const id = client.request(FAULT_PATH);
      const headers = await client.nextOf("headers", id);
      expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      return headers;
    };

    it("cut into CONTINUATION anywhere are the same headers", async () => {
      const client = await connect();
      const whole = (await answers(client, (id) => headerFrames(id, block, false))).headers;
      expect(whole).to.deep.equal([...RESPONSE, ["x-list", "a"], ["x-list", "b"]]);
      for (let cut = 0; cut <= block.length; cut++) {
        expect((await answers(client, (id) => headerFrames(id, block, false, [cut]))).headers).to.deep.equal(whole);
      }
      const everyByte = Array.from(block.keys());
      expect((await answers(client, (id) => headerFrames(id, block, false, everyByte))).headers).to.deep.equal(whole);
    });

    it("use the table of earlier ones, and may change its size", async () => {
      const client = await connect();
      const pair = ["x-kept", "in the table"] as const;
      const first = Buffer.concat([encodeTableSize(4096), encodeHeaders(RESPONSE), encodeIndexed(pair)]);
      const again = Buffer.concat([encodeHeaders(RESPONSE), encodeIndex(62)]);
      const emptied = Buffer.concat([encodeTableSize(0), encodeTableSize(4096), encodeHeaders(RESPONSE)]);
      expect(header(await answers(client, (id) => headerFrames(id, first, false)), pair[0])).to.equal(pair[1]);
      expect(header(await answers(client, (id) => headerFrames(id, again, false)), pair[0])).to.equal(pair[1]);
      expect((await answers(client, (id) => headerFrames(id, emptied, false))).headers).to.deep.equal(RESPONSE);
      const { client: other, id } = await meet((connection, streamId) => {
        connection.send(headerFrames(streamId, again, false)); // of another connection's table
      });
      expectUnavailable(await endOf(other, id));
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
        const { client, id } = await meet((connection, streamId) => {
          const start = frames(streamId);
          const isAnswered = name.includes("HEADERS") || name.includes("DATA");
          connection.send(start, isAnswered ? Buffer.alloc(0) : responseFrames(streamId), okTrailers(streamId));
        });
        expect(header(await endOf(client, id), "grpc-status")).to.equal("0");
      });
    }

    it("a PING is answered with its payload", async () => {
      const { client, id } = await meet((connection, streamId) => {
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

  describe("on the connection", () => {
    const interrupted = (id: number): Buffer =>
      Buffer.concat([frame(FrameType.headers, 0, id, encodeHeaders(RESPONSE)), ping()]);
    const faults: Readonly<Record<string, (streamId: number) => Buffer>> = {
      "garbage bytes": () => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\nthis is not HTTP/2, not at all"),
      "an oversized frame": (id) => frame(FrameType.data, 0, id, Buffer.alloc(16_385)),
      "a frame of 16 MiB announced": (id) =>
        Buffer.concat([Buffer.from([255, 255, 255, 0, 0]), Buffer.from([0, 0, 0, id])]),
      "DATA before HEADERS": (id) => frame(FrameType.data, 0, id, grpcMessage(MESSAGE)),
      "DATA on stream 0": () => frame(FrameType.data, 0, 0, MESSAGE),
      "DATA on a stream never opened": () => frame(FrameType.data, 0, 4001, MESSAGE),
      "HEADERS on an even stream": () => headerFrames(2, encodeHeaders(RESPONSE), false),
      PUSH_PROMISE: (id) =>
        frame(
          FrameType.pushPromise,
          Flag.endHeaders,
          id,
          Buffer.concat([Buffer.from([0, 0, 0, 2]), encodeHeaders(RESPONSE)]),
        ),
      "a header block interrupted": interrupted,
      "CONTINUATION without HEADERS": (id) =>
        frame(FrameType.continuation, Flag.endHeaders, id, encodeHeaders(RESPONSE)),
      "CONTINUATION of another stream": (id) =>
        Buffer.concat([
          frame(FrameType.headers, 0, id, encodeHeaders(RESPONSE)),
          frame(FrameType.continuation, Flag.endHeaders, id + 2, encodeHeaders(RESPONSE)),
        ]),
      "padding over the payload": (id) => frame(FrameType.data, Flag.padded, id, Buffer.from([200, 1, 2])),
      "an HPACK index out of the table": (id) => headerFrames(id, encodeIndex(999), false),
      "an HPACK table larger than allowed": (id) => headerFrames(id, encodeTableSize(1 << 20), false),
      "an HPACK integer without end": (id) => headerFrames(id, Buffer.alloc(50, 0xff), false),
      "a truncated header block": (id) => headerFrames(id, encodeHeaders(RESPONSE).subarray(0, -3), false),
      "SETTINGS of a wrong length": () => frame(FrameType.settings, 0, 0, Buffer.alloc(5)),
      "SETTINGS with a window over the maximum": () => settings([Setting.initialWindowSize, 0xffff_ffff]),
      "PING of a wrong length": () => frame(FrameType.ping, 0, 0, Buffer.alloc(7)),
      "a connection window over the maximum": () =>
        Buffer.concat([windowUpdate(0, 0x7fff_ffff), windowUpdate(0, 0x7fff_ffff)]),
      "RST_STREAM on stream 0": () => rstStream(0, ErrorCode.cancel),
      "GOAWAY too short": () => frame(FrameType.goAway, 0, 0, Buffer.alloc(4)),
    };
    for (const [name, frames] of Object.entries(faults)) {
      it(`${name} ends it, and its call as UNAVAILABLE`, async () => {
        let closed: Promise<unknown> = Promise.resolve();
        const { client, id } = await meet((connection, streamId) => {
          closed = connection.closed;
          connection.send(frames(streamId));
        });
        expectUnavailable(await endOf(client, id, 3_000));
        await closed;
        await expectServed(client);
      });
    }

    it("garbage instead of a greeting names the builder", async () => {
      builder.greet = (connection) => {
        connection.send(Buffer.from("220 mail.example ESMTP ready, how can I help you today?\r\n"));
      };
      const client = await connect();
      expectUnavailable(await endOf(client, client.request(FAULT_PATH)));
    });

    for (const phase of ["before headers", "after headers", "within a message"]) {
      it(`a close ${phase} ends the call as UNAVAILABLE`, async () => {
        const { client, id } = await meet((connection, streamId) => {
          if (phase !== "before headers") connection.send(responseFrames(streamId));
          if (phase === "within a message") connection.send(frame(FrameType.data, 0, streamId, Buffer.from([0, 0, 0])));
          connection.socket.end();
        });
        expectUnavailable(await endOf(client, id));
        await expectServed(client);
      });
    }

    it("DATA over the window ends it", async () => {
      const { client, id } = await meet((connection, streamId) => {
        const megabyte = Array.from({ length: 64 }, () => frame(FrameType.data, 0, streamId, Buffer.alloc(16_384)));
        connection.send(responseFrames(streamId));
        for (let i = 0; i < 3; i++) connection.send(...megabyte);
      });
      client.isPolite = false; // so that MemoBuild cannot return what it is sent
      await client.nextOf("headers", id);
      client.send(windowUpdate(0, 64 << 20), windowUpdate(id, 64 << 20));
      const end = await endOf(client, id);
      expect(
        end.type === FrameType.rstStream ? end.payload.readUInt32BE() : Number(header(end, "grpc-status")),
      ).not.to.equal(0);
    });
  });

  describe("headers that no gRPC server sends", () => {
    const odd: Readonly<Record<string, (streamId: number) => Buffer>> = {
      "two content types": (id) =>
        headerFrames(id, encodeHeaders([...RESPONSE, ["content-type", "application/grpc"]]), false),
      "two grpc-status": (id) => headerFrames(id, encodeHeaders([...RESPONSE, ...OK, ...OK]), true),
      "an informational answer first": (id) =>
        Buffer.concat([
          headerFrames(
            id,
            encodeHeaders([
              [":status", "103"],
              ["link", "x"],
            ]),
            false,
          ),
          responseFrames(id),
        ]),
      "HTTP 204": (id) => headerFrames(id, encodeHeaders([[":status", "204"]]), true),
      "HTTP 304 with a body to come": (id) => headerFrames(id, encodeHeaders([[":status", "304"]]), false),
      "HTTP 502 with text": (id) =>
        Buffer.concat([
          headerFrames(
            id,
            encodeHeaders([
              [":status", "502"],
              ["content-type", "text/html"],
            ]),
            false,
          ),
          frame(FrameType.data, Flag.endStream, id, Buffer.from("<h1>Bad gateway</h1>")),
        ]),
      "no status": (id) => headerFrames(id, encodeHeaders([["content-type", "application/grpc"]]), false),
      "a status that is no number": (id) => headerFrames(id, encodeHeaders([[":status", "fine"]]), false),
      "status 0": (id) => headerFrames(id, encodeHeaders([[":status", "0"]]), false),
      "status 101": (id) => headerFrames(id, encodeHeaders([[":status", "101"]]), false),
      "status 1000": (id) => headerFrames(id, encodeHeaders([[":status", "1000"]]), false),
      "upper case": (id) => headerFrames(id, encodeHeaders([...RESPONSE, ["X-Upper", "1"]]), false),
      "a name with spaces": (id) => headerFrames(id, encodeHeaders([...RESPONSE, ["x a", "1"]]), false),
      "an empty name": (id) => headerFrames(id, encodeHeaders([...RESPONSE, ["", "1"]]), false),
      "control characters": (id) => headerFrames(id, encodeHeaders([...RESPONSE, ["x-c", "a\r\nb\0c"]]), false),
      "bytes over 127": (id) => headerFrames(id, encodeHeaders([...RESPONSE, ["x-c", "\xe9\xff"]]), false),
      "a request's pseudo-header": (id) => headerFrames(id, encodeHeaders([...RESPONSE, [":path", "/"]]), false),
      "an unknown pseudo-header": (id) => headerFrames(id, encodeHeaders([[":what", "1"], ...RESPONSE]), false),
      "connection headers": (id) =>
        headerFrames(
          id,
          encodeHeaders([...RESPONSE, ["connection", "close"], ["transfer-encoding", "chunked"], ["upgrade", "x"]]),
          false,
        ),
      "te and http2-settings": (id) =>
        headerFrames(id, encodeHeaders([...RESPONSE, ["te", "gzip"], ["http2-settings", "x"]]), false),
      "prototype names": (id) =>
        headerFrames(id, encodeHeaders([...RESPONSE, ["__proto__", "1"], ["constructor", "2"]]), false),
      "trailers with a pseudo-header": (id) =>
        Buffer.concat([responseFrames(id), headerFrames(id, encodeHeaders([[":status", "200"], ...OK]), true)]),
      "headers twice": (id) => Buffer.concat([responseFrames(id), responseFrames(id)]),
      "empty trailers": (id) => Buffer.concat([responseFrames(id), headerFrames(id, Buffer.alloc(0), true)]),
      "frames after the end": (id) =>
        Buffer.concat([responseFrames(id), okTrailers(id), frame(FrameType.data, 0, id, MESSAGE), okTrailers(id)]),
    };
    for (const [name, frames] of Object.entries(odd)) {
      it(`${name}: the call ends and nothing else does`, async () => {
        const { client, id } = await meet((connection, streamId) => {
          connection.send(frames(streamId), okTrailers(streamId));
          // Whatever has not ended it by now, this does.
          connection.send(rstStream(streamId, ErrorCode.internalError));
        });
        await endOf(client, id, 3_000);
      });
    }
  });

  describe("floods", () => {
    it("a header bomb is refused", async () => {
      const { client, id } = await meet((connection, streamId) => {
        const large = encodeIndexed(["x-bomb", "b".repeat(4000)]);
        const references = Buffer.alloc(60_000, encodeIndex(62)); // 240 MB when decoded
        const block = Buffer.concat([encodeHeaders(RESPONSE), large, references]);
        const cuts = Array.from({ length: Math.floor(block.length / 16_000) }, (_, i) => (i + 1) * 16_000);
        connection.send(headerFrames(streamId, block, false, cuts));
      });
      expectUnavailable(await endOf(client, id));
    });

    it("CONTINUATION without end is refused", async () => {
      const { client, id } = await meet((connection, streamId) => {
        connection.send(frame(FrameType.headers, 0, streamId, encodeHeaders(RESPONSE)));
        const piece = frame(FrameType.continuation, 0, streamId, encodeHeaders([["x", "y".repeat(16_000)]]));
        for (let i = 0; i < 2000; i++) connection.send(piece);
      });
      expectUnavailable(await endOf(client, id));
    });

    it("PING and SETTINGS are answered or cut off", async () => {
      const { client, id } = await meet((connection, streamId) => {
        const many = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.concat([ping(), settings()])));
        for (let i = 0; i < 20; i++) connection.send(many);
        connection.send(responseFrames(streamId), okTrailers(streamId));
      });
      expect(header(await endOf(client, id), "grpc-status")).to.be.oneOf(["0", "14"]);
    });
  });
});
