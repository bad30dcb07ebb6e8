/** Header lists to the pair: what the client sends is what the builder gets, and the reverse; nothing is added, dropped or joined. */
import { expect } from "chai";
import { FAULT_PATH } from "../support/raw-builder.js";
import { encodeHeaders, type Pair } from "../support/raw-hpack.js";
import { Flag, FrameType, frame, grpcMessage, headerFrames, OK, RESPONSE, type Frame } from "../support/raw-http2.js";
import { setFaultScene } from "./fault-scene.js";

const CUSTOM: readonly Pair[] = [
  ["user-agent", "buildx/0.36.1 grpc-go/1.82.1"],
  ["grpc-timeout", "1234567u"],
  ["grpc-accept-encoding", "gzip"],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["x-many", "1"],
  ["x-between", "a"],
  ["x-many", "2"],
  ["x-many", "1, 2"],
  ["x-bytes-bin", "AAEC"],
  ["x-bytes-bin", "//8="],
  ["x-empty", ""],
  ["cookie", "a=1"],
  ["cookie", "b=2"],
  ["authorization", "Bearer t0ken"],
];

/** Order counts among the values of one name only. */
const byName = (pairs: readonly Pair[] | undefined): Record<string, string[]> => {
  const lists: Record<string, string[]> = {};
  for (const [name, value] of pairs ?? []) (lists[name] ??= []).push(value);
  return lists;
};

describe("header lists", () => {
  const scene = setFaultScene();

  it("of a request reach the builder as they are", async () => {
    const opened = new Promise<Frame>((resolve) => {
      scene.builder.fault = (_, __, frame) => {
        resolve(frame);
      };
    });
    const client = await scene.connect();
    client.request(FAULT_PATH, { extra: CUSTOM });
    expect(byName((await opened).headers)).to.deep.equal({
      ":method": ["POST"],
      ":scheme": ["http"],
      ":path": [FAULT_PATH],
      ":authority": ["peer.test"],
      "content-type": ["application/grpc"],
      te: ["trailers"],
      ...byName(CUSTOM.filter(([name]) => name !== "cookie")),
      cookie: ["a=1", "b=2"],
    });
  });

  it("of headers and trailers reach the client as they are", async () => {
    const { client, id } = await scene.meet((connection, streamId) => {
      connection.send(
        headerFrames(streamId, encodeHeaders([...RESPONSE, ...CUSTOM]), false),
        frame(FrameType.data, 0, streamId, grpcMessage(Buffer.from("x"))),
        headerFrames(streamId, encodeHeaders([...OK, ...CUSTOM]), true),
      );
    });
    const headers = await client.nextOf("headers", id);
    expect(byName(headers.headers)).to.deep.equal(byName([...RESPONSE, ...CUSTOM]));
    const trailers = await client.nextOf("headers", id);
    expect(trailers.flags & Flag.endStream).to.equal(Flag.endStream);
    expect(byName(trailers.headers)).to.deep.equal(byName([...OK, ...CUSTOM]));
  });

  it("of a trailers-only answer stay one frame that ends the stream", async () => {
    const { client, id } = await scene.meet((connection, streamId) => {
      connection.send(
        headerFrames(streamId, encodeHeaders([...RESPONSE, ["grpc-status", "5"], ["grpc-message", "a%20b"]]), true),
      );
    });
    const first = await client.next(({ streamId }) => streamId === id, "the answer");
    expect(first).to.include({ type: FrameType.headers });
    expect(first.flags & Flag.endStream).to.equal(Flag.endStream);
    expect(byName(first.headers)).to.deep.equal(byName([...RESPONSE, ["grpc-status", "5"], ["grpc-message", "a%20b"]]));
  });
});
