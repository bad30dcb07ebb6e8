/** Promises of reading what a daemon keeps. */
import { expect } from "chai";
import { loadDiskUsageMessages } from "./disk-usage.js";

/** Field 1 of the response: a record of so many bytes (< 128), in use or not, shared or not. */
const record = (sizeBytes: number, ...flags: readonly ("inUse" | "shared")[]): number[] => {
  const fields = [
    0x20,
    sizeBytes,
    ...(flags.includes("inUse") ? [0x18, 1] : []),
    ...(flags.includes("shared") ? [0x58, 1] : []),
  ];
  return [0x0a, fields.length, ...fields];
};

describe("loadDiskUsageMessages", () => {
  it("sums what is kept, and what of it could go", async () => {
    const messages = await loadDiskUsageMessages();
    const message = Buffer.from([...record(100), ...record(20, "inUse"), ...record(7, "shared"), ...record(3)]);
    expect(messages.readDiskUsage(message)).to.deep.equal({
      totalBytes: 130,
      unsharedBytes: 123,
      reclaimableBytes: 103,
    });
    expect(messages.readDiskUsage(Buffer.alloc(0))).to.deep.equal({
      totalBytes: 0,
      unsharedBytes: 0,
      reclaimableBytes: 0,
    });
  });

  it("sends the limit in both fields: an old daemon that sees none removes everything", async () => {
    const messages = await loadDiskUsageMessages();
    expect([...messages.pruneRequest(100)]).to.deep.equal([0x20, 100, 0x28, 100]);
  });
});
