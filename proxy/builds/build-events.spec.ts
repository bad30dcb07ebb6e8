/** Promises of the events: nobody who follows misses one without being told. */
import { expect } from "chai";
import fc from "fast-check";
import { sampleSummary } from "../test/support/build-samples.js";
import { BuildEvents, EVENTS_MAX } from "./build-events.js";

const event = (ref: string): Parameters<BuildEvents["add"]>[0] => ({
  type: "changed",
  build: sampleSummary({ ref }),
  running: [],
});

describe("BuildEvents", () => {
  it("tells from now on without a cursor, and with one, what came after it", () => {
    const events = new BuildEvents();
    events.add(event("before"));
    const { cursor, ...page } = events.after(undefined, 10);
    expect(page).to.deep.equal({ events: [], isReset: false });
    events.add(event("later"));
    const next = events.after(cursor, 10);
    expect(next.events.map(({ build, seq }) => [build.ref, seq])).to.deep.equal([["later", 2]]);
    expect(events.after(next.cursor, 10)).to.deep.equal({ events: [], cursor: next.cursor, isReset: false });
  });

  it("says that events are lost to a cursor of another process, or one that it never gave", () => {
    const events = new BuildEvents();
    events.add(event("a"));
    const { cursor } = events.after(undefined, 1);
    const [epoch = ""] = cursor.split("-");
    const other = new BuildEvents().after(undefined, 1).cursor;
    for (const lost of [other, `${epoch}-2`, `${epoch}--1`, epoch, "", "-", "x"])
      expect(events.after(lost, 10)).to.deep.equal({ events: [], cursor, isReset: true });
  });

  it("skips nothing for who asks for no events", () => {
    const events = new BuildEvents();
    const { cursor } = events.after(undefined, 1);
    events.add(event("a"));
    expect(events.after(cursor, 0)).to.deep.equal({ events: [], cursor, isReset: false });
  });

  it("calls those who listen, until they stop", () => {
    const events = new BuildEvents();
    const heard: string[] = [];
    const stopFirst = events.onEvents(() => heard.push("first"));
    events.onEvents(() => heard.push("second"));
    events.add(event("a"));
    stopFirst();
    stopFirst();
    events.add(event("b"));
    expect(heard).to.deep.equal(["first", "second", "second"]);
  });

  it("gives each follower all events in their order, or tells that there is a gap", () => {
    const count = fc.oneof(fc.nat(5), fc.integer({ min: EVENTS_MAX - 2, max: EVENTS_MAX + 2 }));
    const step = fc.oneof(
      fc.record({ add: count }),
      fc.record({ read: fc.constantFrom(0, 1, 2), limit: fc.integer({ min: 1, max: EVENTS_MAX }) }),
    );
    const shared = event("a");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25, size: "max" }), (plan) => {
        const events = new BuildEvents();
        let added = 0;
        /** Of each follower: its cursor, and the last event that it has seen or was told that it lost. */
        const followers = [0, 1, 2].map(() => ({ cursor: events.after(undefined, 1).cursor, seen: 0 }));
        for (const each of plan) {
          if ("add" in each) {
            for (let n = 0; n < each.add; n++) events.add(shared);
            added += each.add;
            continue;
          }
          const follower = followers[each.read];
          if (follower === undefined) throw new Error("there are three");
          const page = events.after(follower.cursor, each.limit);
          const isLost = follower.seen < added - EVENTS_MAX;
          expect(page.isReset).to.equal(isLost);
          const seen = isLost ? 0 : Math.min(each.limit, added - follower.seen);
          const expected = Array.from({ length: seen }, (_, n) => follower.seen + n + 1);
          expect(page.events.map(({ seq }) => seq).join()).to.equal(expected.join());
          follower.cursor = page.cursor;
          follower.seen = isLost ? added : follower.seen + seen;
        }
      }),
      { numRuns: 40 },
    );
  });
});
