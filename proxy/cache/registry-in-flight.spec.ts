/** Uploads in flight: who waits for whom, and that no wait goes on without end. */
import { mock } from "node:test";
import { expect } from "chai";
import { testBlob } from "../test/support/blob-store-contract.js";
import { UploadsInFlight } from "./registry-in-flight.js";

describe("UploadsInFlight", () => {
  const { digest } = testBlob(1);
  let uploads: UploadsInFlight;
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    uploads = new UploadsInFlight();
  });
  afterEach(() => {
    mock.timers.reset();
  });

  it("gives up what was announced and does not begin within 3 s", async () => {
    const upload = uploads.announce(digest, {});
    mock.timers.tick(2999);
    expect(uploads.find(digest)).to.equal(upload);
    mock.timers.tick(1);
    expect(await upload.ended).to.be.false;
    expect(uploads.find(digest)).to.be.undefined;
  });

  it("gives up an upload that does not move for 30 s", async () => {
    const upload = uploads.begin(digest, {});
    mock.timers.tick(29_999);
    expect(uploads.find(digest)).to.equal(upload);
    mock.timers.tick(1);
    expect(await upload.ended).to.be.false;
  });

  it("makes one of an announcement and the upload that follows, whoever sends it", async () => {
    const announced = uploads.announce(digest, {});
    const begun = uploads.begin(digest, {});
    expect(begun).to.equal(announced);
    expect(begun.isRunning).to.be.true;
    mock.timers.tick(3000);
    begun.end(true);
    expect(await announced.ended).to.be.true;
    expect(uploads.find(digest)).to.be.undefined;
  });

  it("keeps the next upload of a blob when the end of the last one comes late", () => {
    const late = uploads.begin(digest, {});
    mock.timers.tick(30_000);
    const next = uploads.begin(digest, {});
    late.progress();
    late.end(true);
    expect(uploads.find(digest)).to.equal(next);
  });

  it("ends what an owner announced and did not begin, and nothing else", () => {
    const owner = {};
    const [other, running] = [testBlob(2).digest, testBlob(3).digest];
    uploads.announce(digest, owner);
    uploads.announce(other, {});
    uploads.begin(running, owner);
    uploads.disown(owner);
    expect(uploads.find(digest)).to.be.undefined;
    expect(uploads.find(other)).not.to.be.undefined;
    expect(uploads.find(running)).not.to.be.undefined;
  });
});
