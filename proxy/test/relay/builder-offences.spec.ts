/** A builder that breaks the rules: its client gets a defined answer, others notice nothing, MemoBuild goes on. */
import { expect } from "chai";
import { memoryMiB } from "../support/bystander.js";
import { FAULT_PATH, okTrailers, responseFrames } from "../support/raw-builder.js";
import { encodeHeaders, encodeIndex, encodeIndexed, encodeTableSize } from "../support/raw-hpack.js";
import {
  ErrorCode,
  Flag,
  frame,
  FrameType,
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
} from "../support/raw-http2.js";
import { endOf, setFaultScene } from "./fault-scene.js";

const MESSAGE = Buffer.from("a message");
/** What a flood may add to the memory of MemoBuild: the largest header list that it takes, decoded and in pieces, a few times. */
const FLOOD_MAX_MIB = 200;

describe("a builder's offence", () => {
  const scene = setFaultScene();

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
        const { client, id } = await scene.meet((connection, streamId) => {
          closed = connection.closed;
          connection.send(frames(streamId));
        });
        scene.expectUnavailable(await endOf(client, id, 3_000));
        await closed;
        await scene.expectServed(client);
      });
    }

    it("garbage instead of a greeting names the builder", async () => {
      scene.builder.greet = (connection) => {
        connection.send(Buffer.from("220 mail.example ESMTP ready, how can I help you today?\r\n"));
      };
      const client = await scene.connect();
      scene.expectUnavailable(await endOf(client, client.request(FAULT_PATH)));
    });

    for (const phase of ["before headers", "after headers", "within a message"]) {
      it(`a close ${phase} ends the call as UNAVAILABLE`, async () => {
        const { client, id } = await scene.meet((connection, streamId) => {
          if (phase !== "before headers") connection.send(responseFrames(streamId));
          if (phase === "within a message") connection.send(frame(FrameType.data, 0, streamId, Buffer.from([0, 0, 0])));
          connection.socket.end();
        });
        scene.expectUnavailable(await endOf(client, id));
        await scene.expectServed(client);
      });
    }

    it("DATA over the window ends it", async () => {
      let closed: Promise<unknown> = Promise.resolve();
      const { client, id } = await scene.meet((connection, streamId) => {
        closed = connection.closed;
        const megabyte = Array.from({ length: 64 }, () => frame(FrameType.data, 0, streamId, Buffer.alloc(16_384)));
        connection.send(responseFrames(streamId));
        for (let i = 0; i < 3; i++) connection.send(...megabyte);
      });
      client.isPolite = false; // so that MemoBuild cannot return what it is sent
      await client.nextOf("headers", id);
      // Room for what came before the offence only then: earlier, it would be passed on and there would be none.
      await closed;
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
        const { client, id } = await scene.meet((connection, streamId) => {
          connection.send(frames(streamId), okTrailers(streamId));
          // Whatever has not ended it by now, this does.
          connection.send(rstStream(streamId, ErrorCode.internalError));
        });
        await endOf(client, id, 3_000);
      });
    }
  });

  describe("floods", () => {
    let idleMiB = 0;

    beforeEach(() => {
      idleMiB = memoryMiB(scene.memoBuild.pid, "VmRSS");
    });

    afterEach(() => {
      expect(memoryMiB(scene.memoBuild.pid, "VmHWM")).to.be.below(idleMiB + FLOOD_MAX_MIB);
    });

    it("a header bomb is refused", async () => {
      const { client, id } = await scene.meet((connection, streamId) => {
        const large = encodeIndexed(["x-bomb", "b".repeat(4000)]);
        const references = Buffer.alloc(60_000, encodeIndex(62)); // 240 MB when decoded
        const block = Buffer.concat([encodeHeaders(RESPONSE), large, references]);
        const cuts = Array.from({ length: Math.floor(block.length / 16_000) }, (_, i) => (i + 1) * 16_000);
        connection.send(headerFrames(streamId, block, false, cuts));
      });
      scene.expectUnavailable(await endOf(client, id));
    });

    it("CONTINUATION without end is refused", async () => {
      const { client, id } = await scene.meet((connection, streamId) => {
        connection.send(frame(FrameType.headers, 0, streamId, encodeHeaders(RESPONSE)));
        const piece = frame(FrameType.continuation, 0, streamId, encodeHeaders([["x", "y".repeat(16_000)]]));
        for (let i = 0; i < 2000; i++) connection.send(piece);
      });
      scene.expectUnavailable(await endOf(client, id));
    });

    it("PING and SETTINGS are answered or cut off", async () => {
      const { client, id } = await scene.meet((connection, streamId) => {
        const many = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.concat([ping(), settings()])));
        for (let i = 0; i < 20; i++) connection.send(many);
        connection.send(responseFrames(streamId), okTrailers(streamId));
      });
      expect(header(await endOf(client, id), "grpc-status")).to.be.oneOf(["0", "14"]);
    });
  });
});
