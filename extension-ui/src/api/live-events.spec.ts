/** When views are told to read anew, and when a connection is held. */
import { expect } from "chai";
import { type FakeVisibility, fakeVisibility } from "../state/visibility-fixture.js";
import { type EventStream, streamEvents } from "./live-events.js";

class FakeStream implements EventStream {
  readyState = 0;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  fire(type: "open" | "error"): void {
    this.#listeners.get(type)?.(new MessageEvent(type));
  }
}

describe("streamEvents", () => {
  let visibility: FakeVisibility;
  let streams: FakeStream[];
  let told: string[];
  let stop: () => void;

  const start = (): void => {
    const open = (): EventStream => {
      const stream = new FakeStream();
      streams.push(stream);
      return stream;
    };
    stop = streamEvents(
      {
        onConnected: (isConnected) => told.push(isConnected ? "connected" : "disconnected"),
        onEvents: () => told.push("events"),
        onReset: () => told.push("reset"),
      },
      { open, visibility },
    );
  };

  beforeEach(() => {
    visibility = fakeVisibility();
    streams = [];
    told = [];
  });
  afterEach(() => {
    stop();
  });

  it("has views read anew once events come, so that none is missing in between", () => {
    start();
    expect(told).to.deep.equal([]);
    streams[0]?.fire("open");
    expect(told).to.deep.equal(["connected", "reset"]);
  });

  it("does not, where the browser goes on by itself with what it had last", () => {
    start();
    streams[0]?.fire("open");
    streams[0]?.fire("error");
    streams[0]?.fire("open");
    expect(told).to.deep.equal(["connected", "reset", "disconnected", "connected"]);
  });

  it("has views read once where events do not come, and again when they do", () => {
    start();
    streams[0]?.fire("error");
    streams[0]?.fire("error");
    streams[0]?.fire("open");
    expect(told).to.deep.equal(["disconnected", "reset", "disconnected", "connected", "reset"]);
  });

  it("holds no connection while the page is hidden", () => {
    start();
    streams[0]?.fire("open");
    visibility.hide();
    expect(streams.map(({ readyState }) => readyState)).to.deep.equal([2]);
    visibility.show();
    streams[1]?.fire("open");
    expect(told).to.deep.equal(["connected", "reset", "connected", "reset"]);
    stop();
    expect(streams.map(({ readyState }) => readyState)).to.deep.equal([2, 2]);
    visibility.show();
    expect(streams).to.have.length(2);
  });
});
