/** Promises of placement, first by example, then for any farm. */
import { expect } from "chai";
import fc from "fast-check";
import {
  type Candidate,
  LOAD_FLOOR,
  loadBound,
  placeBuild,
  type Placement,
  type PlacementQuestion,
  refusalOf,
} from "./placement.js";

const builder = (address: string, fields: Partial<Candidate> = {}): Candidate => ({
  ...{ address, state: "up", isDraining: false, platforms: ["linux/amd64"], clients: 0 },
  ...fields,
});

const asking = (fields: Partial<PlacementQuestion> = {}): PlacementQuestion => ({
  ...{ key: "project", platforms: [], exclude: new Set(), warmth: new Map() },
  ...fields,
});

const warmOn = (scores: Readonly<Record<string, number>>): ReadonlyMap<string, number> =>
  new Map(Object.entries(scores));

const addressOf = (placement: Placement): string =>
  placement.outcome === "placed" ? placement.address : placement.outcome;

const placed = (address: string, reason: string): object => ({ outcome: "placed", address, reason });
const FULL = { outcome: "full" };
const NONE = { outcome: "none" };

describe("placeBuild", () => {
  const three = [builder("a"), builder("b"), builder("c")];

  it("takes the warmest builder", () => {
    const warmth = warmOn({ b: 2, c: 3 });
    expect(placeBuild(asking({ warmth }), three)).to.deep.equal(placed("c", "warm"));
  });

  it("takes the next warm one when the warmest has too much, then one by hash", () => {
    const question = asking({ warmth: warmOn({ b: 2, c: 3 }) });
    const busy = builder("c", { clients: LOAD_FLOOR });
    expect(placeBuild(question, [builder("a"), builder("b"), busy])).to.deep.equal(placed("b", "overflow"));
    const alsoBusy = builder("b", { clients: LOAD_FLOOR });
    expect(placeBuild(question, [builder("a"), alsoBusy, busy])).to.deep.equal(placed("a", "overflow"));
  });

  it("takes another than the one by hash when that has too much", () => {
    const first = addressOf(placeBuild(asking(), three));
    const busy = three.map((other) => (other.address === first ? { ...other, clients: LOAD_FLOOR } : other));
    const second = placeBuild(asking(), busy);
    expect(second).to.deep.include({ outcome: "placed", reason: "overflow" });
    expect(addressOf(second)).not.to.equal(first);
  });

  it("takes nobody who is down, draining, not to be used, or failed for the build", () => {
    const question = asking({ exclude: new Set(["a"]) });
    const others = [
      builder("a"),
      builder("b", { state: "down" }),
      builder("c", { isDraining: true }),
      builder("d", { state: "refused" }),
    ];
    expect(placeBuild(question, others)).to.deep.equal(NONE);
    expect(others.map((other) => refusalOf(question, other, false))).to.deep.equal([
      ...["excluded", "down", "draining", "refused"],
    ]);
    expect(placeBuild(question, [...others, builder("e")])).to.deep.equal(placed("e", "cold"));
  });

  it("takes those that were not checked yet only where none is up", () => {
    const unknown = builder("a", { state: "unknown", platforms: [] });
    expect(placeBuild(asking({ warmth: warmOn({ a: 1 }) }), [unknown, builder("b")])).to.deep.include({ address: "b" });
    const down = builder("b", { state: "down" });
    expect(placeBuild(asking(), [unknown, down])).to.deep.equal(placed("a", "cold"));
  });

  describe("with several platforms in the farm", () => {
    const amd = builder("amd", { platforms: ["linux/amd64", "linux/386"] });
    const arm = builder("arm", { platforms: ["linux/arm64"] });
    const emulating = builder("emulating", { platforms: ["linux/amd64", "linux/arm64"] });
    const farm = [amd, arm, emulating];

    it("takes a builder that has all that is asked for", () => {
      const question = asking({ platforms: ["linux/arm64", "linux/amd64"], warmth: warmOn({ arm: 5 }) });
      expect(placeBuild(question, farm)).to.deep.equal(placed("emulating", "cold"));
    });

    it("prefers one whose own it is to a warm one that emulates it", () => {
      const question = asking({ platforms: ["linux/arm64"], warmth: warmOn({ emulating: 5 }) });
      expect(placeBuild(question, farm)).to.deep.equal(placed("arm", "cold"));
      const full = { ...arm, clients: 1, maxClients: 1 };
      expect(placeBuild(question, [amd, full, emulating])).to.deep.equal(placed("emulating", "overflow"));
    });

    it("takes one with the first builder's own where none is asked for", () => {
      const question = asking({ warmth: warmOn({ arm: 5 }) });
      expect(addressOf(placeBuild(question, farm))).to.be.oneOf(["amd", "emulating"]);
      const full = [amd, emulating].map((other) => ({ ...other, clients: 1, maxClients: 1 }));
      expect(placeBuild(question, [...full, arm])).to.deep.equal(FULL);
    });

    it("takes any where nobody has the platform, and one that does not tell", () => {
      const question = asking({ platforms: ["linux/s390x"], warmth: warmOn({ amd: 5 }) });
      expect(placeBuild(question, farm)).to.deep.equal(placed("amd", "warm"));
      const silent = builder("silent", { platforms: [] });
      expect(placeBuild(question, [...farm, silent])).to.deep.equal(placed("silent", "cold"));
    });
  });

  it("waits for room where all that take the build are at their limit", () => {
    const full = builder("a", { clients: 2, maxClients: 2 });
    const down = builder("b", { state: "down", maxClients: 2 });
    expect(placeBuild(asking(), [full, down])).to.deep.equal(FULL);
    const roomy = builder("c", { clients: 1, maxClients: 2 });
    const question = asking({ warmth: warmOn({ a: 5 }) });
    expect(placeBuild(question, [full, down, roomy])).to.deep.equal(placed("c", "overflow"));
  });

  it("gives everything to the only builder, whose connection tells what is wrong with it", () => {
    for (const state of ["up", "unknown", "down"] as const)
      expect(placeBuild(asking(), [builder("a", { state, clients: 99 })])).to.deep.equal(placed("a", "only"));
    expect(placeBuild(asking(), [builder("a", { clients: 2, maxClients: 2 })])).to.deep.equal(FULL);
    expect(placeBuild(asking(), [builder("a", { isDraining: true })])).to.deep.equal(NONE);
    expect(placeBuild(asking(), [builder("a", { state: "refused" })])).to.deep.equal(NONE);
    expect(placeBuild(asking({ exclude: new Set(["a"]) }), [builder("a")])).to.deep.equal(NONE);
  });

  it("takes no other than the builder to stay on, though it drains", () => {
    const question = asking({ stayOn: "b", warmth: warmOn({ a: 5 }) });
    const staying = (fields: Partial<Candidate>): Placement =>
      placeBuild(question, [builder("a"), builder("b", fields)]);
    expect(staying({ isDraining: true, clients: 99 })).to.deep.equal(placed("b", "pinned"));
    expect(staying({ state: "unknown" })).to.deep.equal(placed("b", "pinned"));
    expect(staying({ clients: 2, maxClients: 2 })).to.deep.equal(FULL);
    expect(staying({ state: "down" })).to.deep.equal(NONE);
    expect(placeBuild(question, [builder("a"), builder("c")])).to.deep.equal(NONE);
  });

  it("takes nobody of none", () => {
    expect(placeBuild(asking(), [])).to.deep.equal(NONE);
  });

  const addresses = fc.integer({ min: 0, max: 11 }).map((n) => `tcp://builder-${n}:1234`);
  const platforms = fc.constantFrom("linux/amd64", "linux/arm64", "linux/s390x");
  const candidates = fc.uniqueArray(
    fc.record({
      address: addresses,
      state: fc.constantFrom("up", "up", "unknown", "down", "refused"),
      isDraining: fc.boolean(),
      platforms: fc.uniqueArray(platforms),
      clients: fc.nat(30),
      maxClients: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
    }),
    { selector: ({ address }) => address, maxLength: 12 },
  );
  const questions = fc.record({
    key: fc.string(),
    platforms: fc.uniqueArray(platforms, { maxLength: 2 }),
    exclude: fc.array(addresses, { maxLength: 3 }).map((list) => new Set(list)),
    stayOn: fc.option(addresses, { nil: undefined }),
    warmth: fc.array(fc.tuple(addresses, fc.integer({ min: 1, max: 5 }))).map((scores) => new Map(scores)),
  });

  it("takes nobody who refuses or is full, and says full only where all that do not refuse are", () => {
    fc.assert(
      fc.property(questions, candidates, (question, farm) => {
        const placement = placeBuild(question, farm);
        const takers = farm.filter(
          (other) =>
            refusalOf(question, other, farm.length === 1) === undefined &&
            (question.stayOn === undefined || question.stayOn === other.address),
        );
        const isFull = ({ clients, maxClients }: Candidate): boolean =>
          maxClients !== undefined && clients >= maxClients;
        if (placement.outcome === "none") expect(takers).to.be.empty;
        else if (placement.outcome === "full") expect(takers.some(isFull)).to.equal(true);
        else
          expect(takers.filter((other) => !isFull(other)).map(({ address }) => address)).to.include(placement.address);
      }),
    );
  });

  it("gives the same answer to the same question, whatever the order of the farm", () => {
    fc.assert(
      fc.property(questions, candidates, (question, farm) => {
        expect(placeBuild(question, farm)).to.deep.equal(placeBuild(question, farm));
        // Without one, the platform is that of the first.
        fc.pre(question.platforms.length > 0);
        expect(placeBuild(question, [...farm].reverse())).to.deep.equal(placeBuild(question, farm));
      }),
    );
  });

  it("keeps every builder within the bound of load, for any sequence of builds that begin and end", () => {
    const steps = fc.array(fc.record({ project: fc.nat(3), ends: fc.nat(3) }), { minLength: 50, maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), steps, (size, sequence) => {
        const clients = new Array<number>(size).fill(0);
        for (const { project, ends } of sequence) {
          const farm = clients.map((count, n) => builder(`${n}`, { clients: count }));
          const warmth = warmOn({ [project % size]: 1 });
          const at = Number(addressOf(placeBuild(asking({ key: `${project}`, warmth }), farm)));
          expect(clients[at]).to.be.lessThan(loadBound(farm));
          clients[at] = (clients[at] ?? 0) + 1;
          if (ends === 0) clients[project % size] = Math.max(0, (clients[project % size] ?? 0) - 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  describe("when builders come and go", () => {
    const PROJECTS = 2_000;
    const homes = (farm: readonly Candidate[]): string[] =>
      Array.from({ length: PROJECTS }, (_, n) =>
        addressOf(placeBuild(asking({ key: `git.example/project-${n}` }), farm)),
      );

    for (const size of [2, 4, 16]) {
      const farm = Array.from({ length: size }, (_, n) => builder(`tcp://builder-${n}:1234`));

      it(`moves at most 1/N + 5 % of the cold projects to one added to ${size}, and none elsewhere`, () => {
        const before = homes(farm);
        const after = homes([...farm, builder("tcp://added:1234")]);
        const moved = after.filter((address, n) => address !== before[n]);
        expect(moved.length / PROJECTS).to.be.within(0.01, 1 / size + 0.05);
        expect(new Set(moved)).to.deep.equal(new Set(["tcp://added:1234"]));
      });

      it(`moves only the projects of one removed from ${size}`, () => {
        const [removed, ...rest] = farm;
        const before = homes(farm);
        const after = homes(rest);
        const stayed = after.filter((address, n) => address === before[n]);
        expect(stayed).to.have.length(before.filter((address) => address !== removed?.address).length);
      });
    }
  });
});

describe("loadBound", () => {
  it("is the floor for little, and a quarter above the average for much", () => {
    expect(loadBound([builder("a"), builder("b")])).to.equal(LOAD_FLOOR);
    expect(loadBound([builder("a", { clients: 60 }), builder("b", { clients: 39 })])).to.equal(63);
  });

  it("leaves room on one at least", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1 }), (counts) => {
        const farm = counts.map((clients, n) => builder(`${n}`, { clients }));
        expect(Math.min(...counts)).to.be.lessThan(loadBound(farm));
      }),
    );
  });
});
