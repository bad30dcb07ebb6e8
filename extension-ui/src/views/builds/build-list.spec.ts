import { expect } from "chai";
import type { BuildEvent, BuildSummary } from "../../api/openapi.js";
import { buildSummary } from "../build/build-fixture.js";
import { type BuildList, byGroup, changeList, EMPTY_LIST, filterOf, ROWS_MAX } from "./build-list.js";

const build = (ref: string, startedAtMs: number, changes: Partial<BuildSummary> = {}): BuildSummary =>
  buildSummary({ ref, startedAtMs, ...changes });
const event = (type: BuildEvent["type"], of: BuildSummary, running: BuildEvent["running"] = []): BuildEvent => ({
  ...{ seq: 1, type, build: of, running },
});
const refs = ({ builds }: BuildList): readonly string[] => builds.map(({ ref }) => ref);
const noFilter = filterOf(new URLSearchParams());
const happened = (list: BuildList, events: readonly BuildEvent[], query = ""): BuildList =>
  changeList(list, { type: "events", events, filter: filterOf(new URLSearchParams(query)) });

describe("changeList", () => {
  const list = changeList(EMPTY_LIST, {
    type: "first",
    page: { builds: [build("c", 3), build("b", 2)], cursor: "next" },
  });

  it("puts a build that started on top, and changes those that are there in place", () => {
    const now = happened(list, [
      event("started", build("d", 4, { outcome: "running" }), [{ name: "RUN make", startedAtMs: 4 }]),
      event("changed", build("b", 2, { savedMs: 7 })),
    ]);
    expect(refs(now)).to.deep.equal(["d", "c", "b"]);
    expect(now.builds[2]?.savedMs).to.equal(7);
    expect(now.running.get("d")?.[0]?.name).to.equal("RUN make");
    expect(happened(now, [event("ended", build("d", 4))]).running.size).to.equal(0);
  });

  it("adds no build of a page that was not read", () => {
    expect(refs(happened(list, [event("exported", build("a", 1))]))).to.deep.equal(["c", "b"]);
    const whole = changeList(EMPTY_LIST, { type: "first", page: { builds: [build("b", 2)] } });
    expect(refs(happened(whole, [event("exported", build("a", 1))]))).to.deep.equal(["b", "a"]);
  });

  it("takes out what was removed and what the filter no longer lets through", () => {
    expect(refs(happened(list, [event("removed", build("c", 3))]))).to.deep.equal(["b"]);
    expect(refs(happened(list, [event("ended", build("c", 3))], "outcome=running"))).to.deep.equal(["b"]);
    expect(refs(happened(list, [event("started", build("d", 4))], "project=other"))).to.deep.equal(["c", "b"]);
  });

  it("adds a page, and keeps what is newer than it", () => {
    const changed = happened(list, [event("changed", build("b", 2, { savedMs: 7 }))]);
    const more = changeList(changed, { type: "more", page: { builds: [build("b", 2), build("a", 1)] } });
    expect(refs(more)).to.deep.equal(["c", "b", "a"]);
    expect(more.builds[1]?.savedMs).to.equal(7);
    expect(more.cursor).to.equal(undefined);
  });

  it("keeps so many rows and no more", () => {
    const builds = Array.from({ length: ROWS_MAX }, (_, index) => build(`b${index.toString()}`, index));
    const full = changeList(EMPTY_LIST, { type: "first", page: { builds } });
    expect(full.isCut).to.equal(false);
    const more = happened(full, [event("started", build("latest", ROWS_MAX))]);
    expect(more.builds).to.have.length(ROWS_MAX);
    expect(more.isCut).to.equal(true);
    expect(refs(more)[0]).to.equal("latest");
  });
});

describe("filterOf", () => {
  it("takes what it knows from the address", () => {
    const filter = filterOf(new URLSearchParams("project=shop&outcome=failed&since=7d&builder=tcp://b"));
    expect(filter).to.deep.equal({ project: "shop", outcome: "failed", since: "7d", builder: "tcp://b", group: "" });
    expect(filterOf(new URLSearchParams("outcome=odd&since=2y"))).to.deep.equal(noFilter);
  });
});

describe("byGroup", () => {
  it("stands builds of a group together, and others alone", () => {
    const groups = byGroup([
      build("d", 4, { group: "g" }),
      build("c", 3),
      build("b", 2, { group: "g" }),
      build("a", 1),
    ]);
    expect(groups.map((group) => group.map(({ ref }) => ref))).to.deep.equal([["d", "b"], ["c"], ["a"]]);
  });
});
