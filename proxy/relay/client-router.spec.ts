/** Where the calls of one client go, in whatever order they come, and what is left of it when they have ended. */
import { mock } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { expect } from "chai";
import { loadHistoryMessages, type HistoryMessages } from "../buildkit/history-messages.js";
import { BUILD_ID_METADATA, CONTENT, CONTROL, LLB_BRIDGE, SESSION_METADATA } from "../buildkit/methods.js";
import type { FarmBuilder } from "../farm/farm-builder.js";
import { NoBuilderError, type Lease, type PlaceOptions, type PlaceRequest } from "../farm/placing.js";
import type { StreamHandler } from "../grpc/http2/stream.js";
import { frameMessage } from "../grpc/message.js";
import { memoryFarmBuilder, type MemoryFarmBuilder } from "../test/support/farm-builders.js";
import { silentStream } from "../test/support/silent-stream.js";
import { WhereIs } from "./across/where-is.js";
import { ClientRouter } from "./client-router.js";
import { RelayedCall } from "./relayed-call.js";
import type { ClientCall } from "./routed-build.js";

const PING = LLB_BRIDGE.ping;
const DIGEST = `sha256:${"d".repeat(64)}`;
/** What a call waits for its build, and how long it does so before others are asked for the build. */
const LONG_MS = 2_500;
const STATUS_MS = 250;

interface Build {
  readonly ref: string;
  readonly session?: string;
  /** Further sessions: shared ones, and that of a policy. */
  readonly also?: readonly string[];
  readonly isInternal?: boolean;
  readonly needsSharedKey?: boolean;
}

/** `{1: text}`, as requests name a ref or a digest. */
const naming = (text: string): Buffer => Buffer.concat([Buffer.of(10, text.length), Buffer.from(text)]);

/** Gives leases at once, or when a test says so. */
class Places {
  readonly requests: PlaceRequest[] = [];
  readonly given: Lease[] = [];
  released = 0;
  /** Where those go that need not stay anywhere. */
  next: FarmBuilder | undefined;
  isHeld = false;
  readonly waiting: { readonly options: PlaceOptions; readonly give: () => void; readonly refuse: () => void }[] = [];

  place(request: PlaceRequest, options: PlaceOptions): Promise<Lease> {
    this.requests.push(request);
    if (!this.isHeld) return Promise.resolve().then(() => this.#lease(request));
    return new Promise((resolve, reject) => {
      this.waiting.push({
        options,
        give: () => {
          resolve(this.#lease(request));
        },
        refuse: () => {
          reject(new NoBuilderError("no builder takes it"));
        },
      });
      options.signal.addEventListener("abort", () => {
        reject(options.signal.reason as Error);
      });
    });
  }

  #lease({ stayOn }: PlaceRequest): Lease {
    const builder = stayOn ?? this.next;
    if (builder === undefined) throw new Error("the test names a builder");
    const lease = {
      ...{ builder, reason: "cold" as const },
      release: () => {
        this.released++;
      },
    };
    this.given.push(lease);
    return lease;
  }
}

describe("ClientRouter", () => {
  let one: MemoryFarmBuilder;
  let two: MemoryFarmBuilder;
  let three: MemoryFarmBuilder;
  let farm: { builders: readonly FarmBuilder[]; suspect: () => void };
  let places: Places;
  let whereIs: WhereIs;
  let recorded: Map<string, string>;
  let history: HistoryMessages;
  let router: ClientRouter;
  let isLimited: boolean;

  before(async () => {
    history = await loadHistoryMessages();
  });

  const create = (): ClientRouter =>
    new ClientRouter({
      ...{ farm, placing: places, isLimited, whereIs, random: () => 0 },
      readSolve: (message) => {
        const { also = [], isInternal = false, needsSharedKey = false, ref, session = "" } = parseBuild(message);
        return {
          ...{ ref, session, isInternal, needsSharedKey, platforms: [] },
          sessions: [session, ...also].filter((id) => id !== ""),
          identify: (sharedKey) => ({ tenant: "t", project: sharedKey, scope: "s" }),
        };
      },
    });

  beforeEach(() => {
    [one, two, three] = [memoryFarmBuilder("one"), memoryFarmBuilder("two"), memoryFarmBuilder("three")];
    farm = { builders: [one, two, three], suspect: () => undefined };
    [places, recorded, isLimited] = [new Places(), new Map<string, string>(), false];
    places.next = two;
    whereIs = new WhereIs({ messages: history, recorded: (ref) => Promise.resolve(recorded.get(ref)) });
    router = create();
  });
  afterEach(() => {
    router.close();
    mock.timers.reset();
  });

  /** One call of the client, and where it went. */
  interface Made {
    readonly routed: ClientCall;
    readonly from: StreamHandler;
    /** Address of the builder, or why there is none; undefined as long as it waits. */
    went: string | undefined;
    end: () => void;
    /** Of the client. */
    cancel: () => void;
  }
  const make = (path: string, headers: readonly string[] = [], message?: Buffer): Made => {
    const observer = {
      ...{ forwarded: () => undefined, bytesToBuilder: () => undefined, bytesToClient: () => undefined },
      ended: () => {
        router.ended(routed);
      },
    };
    const call: RelayedCall = new RelayedCall(silentStream(), observer, { isRead: router.reads(path) });
    const routed: ClientCall = {
      ...{ path, headers: [...headers], call, builds: new Set(), builder: undefined, tried: new Set() },
    };
    const from = call.fromClient;
    const made: Made = {
      ...{ routed, from, went: undefined },
      end: () => {
        call.answer(Buffer.alloc(0));
      },
      cancel: () => {
        from.failed({ kind: "reset", code: 8 });
      },
    };
    const arrived = (builder: FarmBuilder): void => {
      routed.builder = builder;
      made.went = builder.address;
    };
    const failed = (error: unknown): void => {
      made.went = error instanceof Error ? error.message : String(error);
      call.fail(made.went);
    };
    try {
      const target = router.route(routed);
      if (target instanceof Promise) target.then(arrived, failed);
      else arrived(target);
    } catch (error) {
      failed(error);
    }
    if (message !== undefined) {
      from.data(frameMessage(message));
      from.end(undefined);
    }
    return made;
  };
  const solve = (build: Build): Made => make(CONTROL.solve, [], Buffer.from(JSON.stringify(build)));
  const session = (id: string, sharedKey = ""): Made =>
    make(CONTROL.session, [SESSION_METADATA.id, id, SESSION_METADATA.sharedKey, sharedKey]);
  const status = (ref: string): Made => make(CONTROL.status, [], naming(ref));
  const gateway = (ref: string, path: string = PING): Made => make(path, [BUILD_ID_METADATA, ref], Buffer.alloc(0));
  const went = (...calls: readonly Made[]): (string | undefined)[] => calls.map((made) => made.went);
  /** Time passes, with what follows from it. */
  const later = async (durationMs: number): Promise<void> => {
    await settled();
    mock.timers.tick(durationMs);
    await settled();
  };

  it("sends a question of the client's to any builder, and its build to the one that has a place", async () => {
    const probe = [solve({ ref: "p", session: "sp", isInternal: true }), session("sp"), status("p"), gateway("p")];
    await settled();
    expect(went(...probe)).to.deep.equal(["one", "one", "one", "one"]);
    const build = [solve({ ref: "b", session: "sb" }), session("sb"), status("b"), gateway("b")];
    await settled();
    expect(went(...build)).to.deep.equal(["two", "two", "two", "two"]);
    expect(places.requests).to.have.length(1);
  });

  it("sends the calls of a build to one builder, in whatever order they come", async () => {
    const kinds: readonly (() => Made)[] = [
      () => solve({ ref: "b", session: "s" }),
      () => session("s"),
      () => status("b"),
      () => gateway("b"),
    ];
    for (const order of permutations([0, 1, 2, 3])) {
      router = create();
      const calls: Made[] = [];
      for (const index of order) {
        const kind = kinds[index];
        if (kind !== undefined) calls.push(kind());
        await settled();
      }
      expect(went(...calls), order.join()).to.deep.equal(["two", "two", "two", "two"]);
      for (const call of calls) call.end();
    }
    expect([places.given.length, places.released]).to.deep.equal([24, 24]);
  });

  it("takes shared sessions and those of a policy along", async () => {
    const calls = [session("own"), session("shared"), session("policy")];
    const build = solve({ ref: "b", session: "own", also: ["shared", "policy"] });
    await settled();
    expect(went(...calls, build)).to.deep.equal(["two", "two", "two", "two"]);
    expect([...build.routed.builds].map(({ calls: all }) => all.size)).to.deep.equal([4]);
  });

  it("keeps a build where its session was opened before", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const early = session("s");
    await later(LONG_MS);
    expect(early.went).to.equal("one");
    const build = solve({ ref: "b", session: "s" });
    await settled();
    expect(build.went).to.equal("one");
    expect(places.requests.map(({ stayOn }) => stayOn)).to.deep.equal([one]);
  });

  it("holds nothing for ever whose build never comes", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const calls = [session("s"), status("b"), gateway("b")];
    await later(STATUS_MS);
    await later(LONG_MS - STATUS_MS - 1);
    expect(went(...calls)).to.deep.equal([undefined, undefined, undefined]);
    await later(1);
    expect(went(...calls)).to.deep.equal(["one", undefined, "one"]);
    await later(STATUS_MS);
    expect(went(...calls)).to.deep.equal(["one", "one", "one"]);
  });

  it("has a build wait for the session that tells its project", async () => {
    const build = solve({ ref: "b", session: "s", needsSharedKey: true });
    await settled();
    expect(places.requests).to.have.length(0);
    session("s", "folder:1");
    await settled();
    expect(build.went).to.equal("two");
    expect(places.requests.map(({ project }) => project)).to.deep.equal(["folder:1"]);
  });

  it("places a build whose session does not come as one of no project", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const build = solve({ ref: "b", session: "s", needsSharedKey: true });
    await later(STATUS_MS);
    expect([build.went, places.requests[0]?.project]).to.deep.equal(["two", ""]);
  });

  it("gives one place to all builds of a client, and gives it back once when the last has ended", async () => {
    const builds = ["a", "b", "c"].map((ref) => solve({ ref }));
    await settled();
    expect(went(...builds)).to.deep.equal(["two", "two", "two"]);
    expect(places.requests).to.have.length(1);
    builds[0]?.end();
    builds[1]?.cancel();
    expect(places.released).to.equal(0);
    builds[2]?.end();
    router.close();
    expect(places.released).to.equal(1);
  });

  it("keeps a client where its earlier builds were, unless that builder gets no more", async () => {
    const build = async (ref: string): Promise<unknown> => {
      const made = solve({ ref });
      await settled();
      made.end();
      return places.requests.at(-1)?.stayOn?.address;
    };
    expect(await build("a")).to.equal(undefined);
    places.next = three;
    expect(await build("b")).to.equal("two");
    two.isDraining = true;
    expect(await build("c")).to.equal(undefined);
    expect(await build("d")).to.equal("three");
    three.health = { state: "down", cause: "gone", sinceMs: 0 };
    expect(await build("e")).to.equal(undefined);
    farm.builders = [one, two];
    places.next = one;
    expect(await build("f")).to.equal(undefined);
    expect([places.given.length, places.released]).to.deep.equal([6, 6]);
  });

  it("sends what is of no build to the builder of the client's builds while that is up", async () => {
    expect(make(CONTROL.info).went).to.equal("one");
    solve({ ref: "b" });
    await settled();
    expect(make(CONTROL.info).went).to.equal("two");
    two.health = { state: "down", cause: "gone", sinceMs: 0 };
    expect(make(CONTROL.info).went).to.equal("one");
  });

  it("asks each builder once before it asks one again", () => {
    for (const builder of [one, three]) builder.health = { state: "down", cause: "gone", sinceMs: 0 };
    const tried = new Set<string>();
    const asked = farm.builders.map(() => {
      const { address } = router.base(tried);
      tried.add(address);
      return address;
    });
    expect(asked).to.deep.equal(["two", "one", "three"]);
  });

  it("says that there is no builder", () => {
    farm.builders = [];
    expect(make(CONTROL.info).went).to.match(/^there is no builder/);
  });

  it("asks for the progress of a build that has ended where it ran, and for a blob where it is", async () => {
    recorded.set("old", "three");
    whereIs.noteHistory({ type: 0, ref: "old2", createdAt: { seconds: 0, nanos: 0 }, digests: [DIGEST] }, "two");
    mock.timers.enable({ apis: ["setTimeout"] });
    const calls = [status("old"), make(CONTENT.read, [], naming(DIGEST))];
    await later(STATUS_MS);
    expect(went(...calls)).to.deep.equal(["three", "two"]);
  });

  it("waits for nothing where there is one builder that takes all", async () => {
    farm.builders = [two];
    expect(went(session("s"), status("b"), gateway("b"), make(CONTROL.info))).to.deep.equal(
      Array.from({ length: 4 }, () => "two"),
    );
    expect([CONTROL.solve, CONTROL.status, CONTENT.read].map((path) => router.reads(path))).to.deep.equal([
      true,
      false,
      false,
    ]);
    isLimited = true;
    router = create();
    const held = session("s");
    await settled();
    expect(held.went).to.equal(undefined);
  });

  it("sends what it cannot read on, for the builder to say what is wrong", async () => {
    const calls = [make(CONTROL.solve, [], Buffer.from("not a build")), make(CONTROL.status, [], Buffer.alloc(0))];
    await settled();
    expect(went(...calls)).to.deep.equal(["one", "one"]);
    const first = solve({ ref: "b" });
    const second = solve({ ref: "b" });
    await settled();
    second.end();
    expect([first.went, second.went, places.released]).to.deep.equal(["two", "two", 0]);
  });

  describe("while a build waits for a builder", () => {
    let calls: readonly Made[];
    const wait = async (): Promise<void> => {
      places.isHeld = true;
      calls = [session("s"), solve({ ref: "b", session: "s" }), status("b"), gateway("b")];
      await settled();
      expect(places.waiting).to.have.length(1);
    };
    const [SESSION, SOLVE] = [0, 1];

    it("holds its calls, and sends them when it has a place", async () => {
      await wait();
      expect(went(...calls)).to.deep.equal(calls.map(() => undefined));
      places.waiting[0]?.give();
      await settled();
      expect(went(...calls)).to.deep.equal(calls.map(() => "two"));
    });

    it("tells how many are before it", async () => {
      await wait();
      const [build] = calls[SOLVE]?.routed.builds ?? [];
      const told: number[] = [];
      const stop = build?.onWaiting((ahead) => told.push(ahead));
      for (const ahead of [3, 1]) places.waiting[0]?.options.onWaiting(ahead);
      build?.onWaiting((ahead) => told.push(ahead))();
      stop?.();
      places.waiting[0]?.options.onWaiting(0);
      expect(told).to.deep.equal([3, 1, 1]);
    });

    it("fails all its calls when no builder takes it, and the next one begins anew", async () => {
      await wait();
      places.waiting[0]?.refuse();
      await settled();
      expect(went(...calls)).to.deep.equal(calls.map(() => "no builder takes it"));
      places.isHeld = false;
      const next = solve({ ref: "c" });
      await settled();
      expect(next.went).to.equal("two");
    });

    for (const [what, leave] of [
      [
        "cancels it",
        () => {
          calls[SOLVE]?.cancel();
        },
      ],
      [
        "leaves",
        () => {
          router.close();
        },
      ],
    ] as const) {
      it(`gives its place in the queue up when the client ${what}`, async () => {
        await wait();
        leave();
        expect(places.waiting[0]?.options.signal.aborted).to.equal(true);
        await settled();
        expect(calls.every((call) => call.went !== undefined)).to.equal(true);
        expect(places.given).to.have.length(0);
      });
    }

    it("waits on for a second build when the first is cancelled", async () => {
      await wait();
      const second = solve({ ref: "c" });
      await settled();
      calls[SOLVE]?.cancel();
      places.waiting[0]?.give();
      await settled();
      expect([second.went, places.released]).to.deep.equal(["two", 0]);
      second.end();
      expect([places.given.length, places.released]).to.deep.equal([1, 1]);
    });

    it("gives a build that comes as another is cancelled a place of its own", async () => {
      await wait();
      places.waiting[0]?.give();
      calls[SOLVE]?.cancel();
      const next = solve({ ref: "c" });
      await settled();
      places.waiting[1]?.give();
      await settled();
      expect(next.went).to.equal("two");
      next.end();
      expect(places.released).to.equal(places.given.length);
    });

    it("gives a place back that comes when nobody wants it any more", async () => {
      await wait();
      places.waiting[0]?.give();
      calls[SOLVE]?.cancel();
      await settled();
      expect([places.given.length, places.released]).to.deep.equal([1, 1]);
    });

    it("forgets a session that ends before its build has a place", async () => {
      await wait();
      calls[SESSION]?.cancel();
      const [build] = calls[SOLVE]?.routed.builds ?? [];
      expect([...(build?.calls ?? [])]).not.to.include(calls[SESSION]?.routed);
    });
  });

  it("takes no place for a build that is cancelled in the very moment in which it comes", async () => {
    solve({ ref: "a" }).cancel();
    const unknown = solve({ ref: "b", session: "s", needsSharedKey: true });
    await settled();
    unknown.cancel();
    session("s", "folder:1");
    await settled();
    expect(places.requests).to.have.length(0);
    const next = solve({ ref: "c" });
    await settled();
    next.end();
    expect([places.given.length, places.released]).to.deep.equal([1, 1]);
  });

  describe("move", () => {
    for (const isInternal of [false, true]) {
      it(`finds another builder for ${isInternal ? "a question" : "a build"}, and gives the place back`, async () => {
        const calls = [session("s"), solve({ ref: "b", session: "s", isInternal })];
        await settled();
        const lost = isInternal ? one : two;
        places.next = three;
        const builds = router.buildsOn(lost);
        expect(builds).to.have.length(1);
        for (const { routed } of calls) routed.builder = undefined;
        router.move(builds, lost);
        const moved = await builds[0]?.placed;
        expect(moved).to.equal(isInternal ? two : three);
        expect([...(builds[0]?.tried ?? [])]).to.deep.equal([lost.address]);
        if (!isInternal) expect([...(places.requests[1]?.exclude ?? [])]).to.deep.equal([lost.address]);
        calls[1]?.end();
        expect(places.released).to.equal(places.given.length);
      });
    }
  });

  it("takes as many calls that look for their builder as a client makes", async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on("warning", warned);
    mock.timers.enable({ apis: ["setTimeout"] });
    const calls = Array.from({ length: 20 }, (_, i) => status(`old${i}`));
    await later(STATUS_MS);
    await later(LONG_MS);
    process.off("warning", warned);
    expect(went(...calls)).to.deep.equal(calls.map(() => "one"));
    expect(warnings).to.deep.equal([]);
  });
});

function parseBuild(message: Buffer): Build {
  return JSON.parse(message.toString()) as Build;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
