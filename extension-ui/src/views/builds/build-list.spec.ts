import { expect } from "chai";
import type { BuildEvent, BuildPage, BuildSummary } from "../../api/openapi.js";
import { buildSummary } from "../build/build-fixture.js";
import {
  type BuildList,
  byGroup,
  changeList,
  EMPTY_LIST,
  filterOf,
  firstRows,
  PAGE_ROWS,
  ROWS_MAX,
} from "./build-list.js";

const build = (ref: string, startedAtMs: number, changes: Partial<BuildSummary> = {}): BuildSummary =>
  buildSummary({ ref, startedAtMs, ...changes });
const event = (type: BuildEvent["type"], of: BuildSummary, running: BuildEvent["running"] = []): BuildEvent => ({
  ...{ seq: 1, type, build: of, running },
});
const refs = ({ builds }: BuildList): readonly string[] => builds.map(({ ref }) => ref);
const noFilter = filterOf(new URLSearchParams());
const happened = (list: BuildList, events: readonly BuildEvent[], query = ""): BuildList =>
  changeList(list, { type: "events", events, filter: filterOf(new URLSearchParams(query)) });

const first = (page: BuildPage, since: readonly BuildEvent[] = [], question = "all"): BuildList =>
  changeList(EMPTY_LIST, { type: "first", question, page, since, filter: noFilter });
const more = (list: BuildList, page: BuildPage, question = "all", after = "next"): BuildList =>
  changeList(list, { type: "more", question, after, page });

describe("changeList", () => {
  const list = first({ builds: [build("c", 3), build("b", 2)], cursor: "next" });

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
    const whole = first({ builds: [build("b", 2)] });
    expect(refs(happened(whole, [event("exported", build("a", 1))]))).to.deep.equal(["b", "a"]);
  });

  it("takes out what was removed and what the filter no longer lets through", () => {
    expect(refs(happened(list, [event("removed", build("c", 3))]))).to.deep.equal(["b"]);
    expect(refs(happened(list, [event("ended", build("c", 3))], "outcome=running"))).to.deep.equal(["b"]);
    expect(refs(happened(list, [event("started", build("d", 4))], "project=other"))).to.deep.equal(["c", "b"]);
  });

  it("adds a page, and keeps what is newer than it", () => {
    const changed = happened(list, [event("changed", build("b", 2, { savedMs: 7 }))]);
    const longer = more(changed, { builds: [build("b", 2), build("a", 1)] });
    expect(refs(longer)).to.deep.equal(["c", "b", "a"]);
    expect(longer.builds[1]?.savedMs).to.equal(7);
    expect(longer.cursor).to.equal(undefined);
  });

  it("keeps what happened while the first page was asked for", () => {
    const page = { builds: [build("c", 3), build("b", 2, { outcome: "running" })] };
    const since = [event("started", build("d", 4)), event("ended", build("b", 2)), event("removed", build("c", 3))];
    expect(first(page, since).builds.map(({ ref, outcome }) => [ref, outcome])).to.deep.equal([
      ["d", "succeeded"],
      ["b", "succeeded"],
    ]);
  });

  it("adds no page of another filter, nor one that was asked for before the list was read anew", () => {
    const page = { builds: [build("a", 1)] };
    expect(more(list, page, "other")).to.equal(list);
    expect(more(list, page, "all", "earlier")).to.equal(list);
  });

  it("keeps so many rows and no more", () => {
    const builds = Array.from({ length: ROWS_MAX }, (_, index) => build(`b${index.toString()}`, index));
    const full = first({ builds });
    expect(full.isCut).to.equal(false);
    const longer = happened(full, [event("started", build("latest", ROWS_MAX))]);
    expect(longer.builds).to.have.length(ROWS_MAX);
    expect(longer.isCut).to.equal(true);
    expect(refs(longer)[0]).to.equal("latest");
  });
});

describe("firstRows", () => {
  const rows = (count: number): BuildList =>
    first({ builds: Array.from({ length: count }, (_, index) => build(`b${index.toString()}`, index)) });

  it("reads as many rows anew as are shown, and of another filter one page", () => {
    expect(firstRows(rows(2 * PAGE_ROWS), "all")).to.equal(2 * PAGE_ROWS);
    expect(firstRows(rows(1), "all")).to.equal(PAGE_ROWS);
    expect(firstRows(rows(2 * PAGE_ROWS), "other")).to.equal(PAGE_ROWS);
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
