/** Promises of the frame reader. */
import { expect } from "chai";
import fc from "fast-check";
import { Flag, frameHeader, FrameType, goAwayFrame, settingsFrame, windowUpdateFrame } from "./frame.js";
import { ConnectionError, FrameReader } from "./frame-reader.js";
import type { FrameHandler } from "./frame-reader.js";

/** Notes down what was read; pieces of one DATA frame are joined, because how it was cut must not matter. */
class Recorder implements FrameHandler {
  readonly events: string[] = [];
  #content = "";

  frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.events.push(`frame ${type} ${flags} ${streamId} ${payload.toString("hex")}`);
  }

  dataStart(streamId: number, length: number): void {
    this.#content = "";
    this.events.push(`start ${streamId} ${length}`);
  }

  data(_streamId: number, piece: Buffer): void {
    this.#content += piece.toString("hex");
  }

  dataEnd(streamId: number, isEndStream: boolean, paddingBytes: number): void {
    this.events.push(`end ${streamId} ${String(isEndStream)} ${paddingBytes} ${this.#content}`);
  }
}

const frame = (type: number, flags: number, streamId: number, payload: Buffer): Buffer =>
  Buffer.concat([frameHeader(payload.length, type, flags, streamId), payload]);

const STREAM = Buffer.concat([
  settingsFrame([[4, 65_535]]),
  frame(FrameType.Data, 0, 1, Buffer.from("hello")),
  frame(FrameType.Data, 0, 1, Buffer.alloc(0)),
  frame(FrameType.Data, Flag.Padded, 3, Buffer.from([2, 0x61, 0x62, 0, 0])),
  frame(FrameType.Data, Flag.Padded | Flag.EndStream, 3, Buffer.from([0])),
  windowUpdateFrame(0, 7),
  frame(0x63, 0xff, 5, Buffer.from("unknown")),
  frame(FrameType.Data, Flag.EndStream, 1, Buffer.from("bye")),
  goAwayFrame(0, 2, "x"),
]);

const read = (pieces: readonly Buffer[]): string[] => {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder);
  for (const piece of pieces) reader.push(piece);
  return recorder.events;
};

describe("FrameReader", () => {
  it("reads frames, padding and empty DATA", () => {
    expect(read([STREAM])).to.deep.equal([
      "frame 4 0 0 00040000ffff",
      "start 1 5",
      "end 1 false 0 68656c6c6f",
      "start 1 0",
      "end 1 false 0 ",
      "start 3 5",
      "end 3 false 3 6162",
      "start 3 1",
      "end 3 true 1 ",
      "frame 8 0 0 00000007",
      "frame 99 255 5 756e6b6e6f776e",
      "start 1 3",
      "end 1 true 0 627965",
      "frame 7 0 0 000000000000000278",
    ]);
  });

  it("reads the same however the bytes are cut", () => {
    const whole = read([STREAM]);
    expect(read(Array.from(STREAM, (byte) => Buffer.from([byte])))).to.deep.equal(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const pieces = at.slice(1).map((end, i) => STREAM.subarray(at[i], end));
        expect(read(pieces)).to.deep.equal(whole);
      }),
    );
  });

  it("passes DATA on before its frame is complete, without copying it", () => {
    const seen: Buffer[] = [];
    const recorder = new Recorder();
    recorder.data = (_streamId, piece) => seen.push(piece);
    const received = Buffer.concat([frameHeader(10, FrameType.Data, 0, 1), Buffer.from("abc")]);
    new FrameReader(recorder).push(received);
    expect(seen.map(String)).to.deep.equal(["abc"]);
    expect(seen[0]?.buffer).to.equal(received.buffer);
  });

  it("refuses frames over the announced size and padding over the payload", () => {
    expect(() => read([frameHeader(16_385, FrameType.Data, 0, 1)])).to.throw(ConnectionError, "frame of 16385 bytes");
    expect(() => read([frame(FrameType.Data, Flag.Padded, 1, Buffer.from([2, 0]))])).to.throw(ConnectionError);
    expect(() => read([frame(FrameType.Data, Flag.Padded, 1, Buffer.alloc(0))])).to.throw(ConnectionError);
  });

  it("throws nothing but ConnectionError on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          read([Buffer.from(bytes)]);
        } catch (error) {
          expect(error).to.be.instanceOf(ConnectionError);
        }
      }),
    );
  });
});
