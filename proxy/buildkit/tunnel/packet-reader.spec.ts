/** Promises of the packet reader. */
import { expect } from "chai";
import fc from "fast-check";
import protobuf from "protobufjs";
import { grpcMessage } from "../../test/support/raw-http2.js";
import { data, FINISH, packet, request, stat } from "../../test/support/tunnel-bytes.js";
import { IllegibleError } from "./illegible-error.js";
import { PacketReader } from "./packet-reader.js";

/** What is read from bytes in pieces of `sizeBytes`; a file's bytes are joined, because how they were cut must not matter. */
function read(bytes: Buffer, sizeBytes: number = bytes.length): string[] {
  const events: string[] = [];
  let content = "";
  const reader = new PacketReader({
    data: (fileId, piece, start, end) => {
      if (content === "") content = ` ${fileId}:`;
      content += piece.toString("latin1", start, end);
    },
    packet: ({ type, id, stat: message, dataBytes }) => {
      events.push(`${type} ${id} ${message?.toString("hex") ?? "-"} ${dataBytes}${content}`);
      content = "";
    },
  });
  for (let at = 0; at < bytes.length; at += sizeBytes) reader.push(bytes, at, Math.min(at + sizeBytes, bytes.length));
  return events;
}

const message = (write: (writer: protobuf.Writer) => void): Buffer => {
  const writer = protobuf.Writer.create();
  write(writer);
  return grpcMessage(Buffer.from(writer.finish()));
};

describe("PacketReader", () => {
  const file = { path: "dir/a", mode: 0o644, size: 3 };
  const packets = [packet({ stat: file }), packet({}), request(300), data(300, Buffer.from("abc")), data(300), FINISH];
  const events = [
    `0 0 ${stat(file).toString("hex")} 0`,
    "0 0 - 0",
    "1 300 - 0",
    "2 300 - 3 300:abc",
    "2 300 - 0",
    "3 0 - 0",
  ];

  it("reads packets of each type, in any pieces", () => {
    const bytes = Buffer.concat(packets);
    for (let sizeBytes = 1; sizeBytes <= bytes.length; sizeBytes++) {
      expect(read(bytes, sizeBytes), `by ${sizeBytes}`).to.deep.equal(events);
    }
  });

  it("passes over fields that it does not know, and the text of an error", () => {
    const unknown = message((writer) => {
      writer.uint32(0x08).uint32(4).uint32(0x22).string("no such file");
      writer.uint32(0x2d).fixed32(1).uint32(0x31).fixed64(2).uint32(0x3a).string("text").uint32(0x40).uint32(7);
    });
    expect(read(Buffer.concat([unknown, FINISH]), 1)).to.deep.equal(["4 0 - 12", "3 0 - 0"]);
  });

  it("refuses what is no packet", () => {
    const wrong: Record<string, Buffer> = {
      "a field over its packet": grpcMessage(Buffer.from([0x22, 2, 0])),
      "a packet that ends within a number": grpcMessage(Buffer.from([0x18, 0x80])),
      "a packet that ends after a tag": Buffer.concat([grpcMessage(Buffer.from([0x18])), FINISH]),
      "a number without an end": grpcMessage(Buffer.alloc(12, 0xff)),
      "an unknown wire type": grpcMessage(Buffer.from([0x0b])),
      "a file's bytes before its number": message((writer) => {
        writer.uint32(0x08).uint32(2).uint32(0x22).string("abc").uint32(0x18).uint32(1);
      }),
      "a compressed message": Buffer.from([1, 0, 0, 0, 0]),
      "attributes over 64 KiB": packet({ stat: { path: "p".repeat(64 << 10) } }),
    };
    // What lacks its end shows with the first byte of the next packet.
    for (const [what, bytes] of Object.entries(wrong)) {
      expect(() => read(Buffer.concat([bytes, FINISH])), what).to.throw(IllegibleError);
    }
  });

  it("throws nothing but IllegibleError on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isMessage) => {
        try {
          read(isMessage ? grpcMessage(Buffer.from(bytes)) : Buffer.from(bytes), 3);
        } catch (error) {
          expect(error).to.be.instanceOf(IllegibleError);
        }
      }),
    );
  });
});
