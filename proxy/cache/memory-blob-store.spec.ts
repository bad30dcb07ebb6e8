/** The store that specs and benchmarks use keeps the promises of a real one. */
import { blobStoreContract } from "../test/support/blob-store-contract.js";
import { MemoryBlobStore } from "../test/support/memory-blob-store.js";

describe("MemoryBlobStore", () => {
  blobStoreContract(() => Promise.resolve(new MemoryBlobStore()));
});
