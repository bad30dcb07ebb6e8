/** What a tunnel reader keeps at most. */
import { createHmac } from "node:crypto";
import { expect } from "chai";
import { Flag, frame, FrameType } from "../../test/support/raw-http2.js";
import {
  cut,
  data,
  DIFF_COPY,
  FINISH,
  packet,
  replay,
  request,
  TunnelScript,
} from "../../test/support/tunnel-bytes.js";
import type { Passing } from "../../test/support/tunnel-bytes.js";
import type { FileTransfer } from "./file-transfer.js";
import { TunnelReader } from "./tunnel-reader.js";

const KEY = Buffer.from("the key of these tests");
const MODE = 0o644;

const hashOf = (bytes: Buffer | string): string =>
  createHmac("sha256", KEY).update(bytes).digest("base64url").slice(0, 22);

const context = (): TunnelScript => new TunnelScript().call(1, DIFF_COPY, [["dir-name", "context"]]);

function readAll(passed: readonly Passing[]): { transfers: FileTransfer[]; reader: TunnelReader } {
  const transfers: FileTransfer[] = [];
  const reader = new TunnelReader({ hashKey: KEY, onTransfer: (transfer) => transfers.push(transfer) });
  replay(reader, passed);
  reader.ended();
  return { transfers, reader };
}

describe("limits of a TunnelReader", () => {
  const send = (script: TunnelScript, count: number, path: string): void => {
    const one = packet({ stat: { path, mode: MODE, size: 1 } });
    script.send("client", 1, Buffer.concat(Array.from({ length: count }, () => one)));
  };

  it("keeps 50,000 files of a session, and reads on", () => {
    const script = context();
    for (let i = 0; i < 6; i++) send(script, 10_000, "x");
    script.send("client", 1, packet({})).send("builder", 1, request(49_999), request(50_000));
    script
      .send("client", 1, data(49_999, Buffer.from("1")), data(50_000, Buffer.from("2")), data(49_999), FINISH)
      .end(1);
    script
      .call(3, DIFF_COPY, [["dir-name", "later"]])
      .send("client", 3, packet({ stat: { path: "a" } }), packet({}), FINISH)
      .end(3);
    const { reader, transfers } = readAll(script.passed);
    expect(transfers.map(({ name, files, isComplete }) => [name, files.length, isComplete])).to.deep.equal([
      ["context", 50_000, false],
      ["later", 0, false],
    ]);
    expect(transfers[0]?.files.at(-1)).to.include({ wasRequested: true, contentHash: hashOf("1") });
    expect(transfers[0]?.sentBytes).to.equal(2);
    expect(reader.isLegible).to.equal(true);
  });

  it("keeps 8 MiB of paths", () => {
    const script = context();
    for (let i = 0; i < 3; i++) send(script, 100, "p".repeat(32 << 10));
    const { transfers } = readAll(script.send("client", 1, packet({}), FINISH).end(1).passed);
    expect(transfers.map(({ files, isComplete }) => [files.length, isComplete])).to.deep.equal([[256, false]]);
  });

  it("does not read a packet over 64 KiB that holds no file's bytes", () => {
    const { transfers } = readAll(
      context()
        .send("client", 1, packet({ stat: { path: "p".repeat(64 << 10) } }), packet({}), FINISH)
        .end(1).passed,
    );
    expect(transfers.map(({ files, isComplete }) => [files.length, isComplete])).to.deep.equal([[0, false]]);
  });

  it("keeps 1,000 patterns of a kind", () => {
    const patterns = (count: number): TunnelScript =>
      new TunnelScript()
        .call(
          1,
          DIFF_COPY,
          Array.from({ length: count }, (_, i) => ["include-patterns", String(i)]),
        )
        .send("client", 1, packet({}), FINISH)
        .end(1);
    for (const [count, isComplete] of [
      [1000, true],
      [1001, false],
    ] as const) {
      const [transfer] = readAll(patterns(count).passed).transfers;
      expect(transfer?.includePatterns).to.have.length(1000);
      expect(transfer?.isComplete).to.equal(isComplete);
    }
  });

  it("hashes files up to 8 MiB, and 32 MiB of a session", () => {
    const largest = Buffer.alloc(8 << 20, "m");
    const piece = Buffer.alloc(1 << 20, "m");
    const piecesOf = (id: number): Buffer[] => Array.from({ length: 8 }, () => data(id, piece));
    const script = context().send("client", 1, packet({ stat: { path: "over", size: largest.length + 1 } }));
    script.send("client", 1, ...piecesOf(0), data(0, Buffer.from("m")), data(0));
    for (let id = 1; id <= 5; id++) {
      script.send("client", 1, packet({ stat: { path: "full", size: largest.length } }));
      script.send("client", 1, ...piecesOf(id), data(id));
    }
    const [transfer] = readAll(script.passed).transfers;
    const isHashed = transfer?.files.map(({ contentHash }) => contentHash === hashOf(largest));
    expect(isHashed).to.deep.equal([false, ...Array.from({ length: 4 }, () => true), false]);
  });

  it("hashes no file whose bytes are not as many as the list said", () => {
    const script = context();
    for (const size of [3, 5]) script.send("client", 1, packet({ stat: { path: "a", size } }));
    for (const id of [0, 1]) script.send("client", 1, data(id, Buffer.from("four")), data(id));
    expect(readAll(script.passed).transfers[0]?.files.map(({ contentHash }) => contentHash)).to.deep.equal([
      undefined,
      undefined,
    ]);
  });

  it("reads 64 transfers at the same time", () => {
    const script = new TunnelScript();
    for (let i = 0; i < 66; i++) script.call(2 * i + 1, DIFF_COPY, [["dir-name", String(i)]]);
    expect(readAll(script.passed).transfers).to.have.length(64);
  });

  it("takes DATA frames of any size", () => {
    const content = Buffer.alloc(4 << 20, "d");
    const script = context()
      .send(
        "client",
        1,
        packet({ stat: { path: "a", size: content.length } }),
        packet({}),
        data(0, content),
        data(0),
        FINISH,
      )
      .add("client", frame(FrameType.data, Flag.padded, 1, Buffer.from([0])))
      .end(1);
    const [transfer] = readAll(cut(script.passed, [100_000])).transfers;
    expect(transfer).to.include({ isComplete: true, sentBytes: content.length });
  });
});
