/** Builds of one client, call by call, with a real cache and a builder that exports when it is told to. */
import { expect } from "chai";
import protobuf from "protobufjs";
import type { BuildMessages, SolveRequest } from "../buildkit/build-messages.js";
import { loadDefinitionReader, type Definition, type ReadDefinition } from "../buildkit/definition.js";
import { BUILD_ID_METADATA, CONTROL, LLB_BRIDGE } from "../buildkit/methods.js";
import type { NewBuild } from "../builds/build-recorder.js";
import type { RecordedBuild } from "../builds/recording.js";
import { sha256Digest } from "../cache/digest.js";
import type { ExportSummary } from "../cache/cache-index.js";
import type { CacheEntry } from "../cache/export-slot.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import { createLogger } from "../log/create-logger.js";
import type { Interception } from "../relay/interception.js";
import { pathOf, pushExport, startCacheParts, testExport, type CacheParts } from "../test/support/cache-parts.js";
import { send } from "../test/support/cache-registry.js";
import { startFakeGateway, type FakeGateway } from "../test/support/fake-gateway.js";
import { poll } from "../test/support/poll.js";
import { WriteBehindMetrics } from "../writeback/write-behind-metrics.js";
import { WriteBehind } from "../writeback/write-behind.js";
import { BuildInterceptor } from "./build-interceptor.js";
import type { Sharing } from "./client-builds.js";
import { ExportedBuilds } from "./exported-builds.js";
import { Guard } from "./guard.js";

const PROJECT = "example.com/team/app";
const OPTIONS = { "vcs:source": `https://${PROJECT}` };
const SCOPE = { tenant: "default", project: PROJECT };
const TIME = { seconds: 1, nanos: 0 };

/** LLB of one step on a source. */
function llb(command: string): Buffer {
  const { Writer } = protobuf;
  const inputOf = (op: Uint8Array): Uint8Array => Writer.create().uint32(10).string(sha256Digest(op)).finish();
  const identifier = Writer.create().uint32(10).string("local://context").finish();
  const source = Writer.create().uint32(26).bytes(identifier).finish();
  const step = Writer.create().uint32(10).bytes(inputOf(source)).uint32(18).bytes(Buffer.from(command)).finish();
  const terminal = Writer.create().uint32(10).bytes(inputOf(step)).finish();
  const definition = Writer.create();
  for (const op of [source, step, terminal]) definition.uint32(10).bytes(op);
  return Buffer.from(definition.finish());
}

/** Content of an ExecOp; what it says does not matter. */
const LLB = llb("\x0a\x02hi");

describe("BuildInterceptor", () => {
  let parts: CacheParts;
  let gateway: FakeGateway;
  let messages: BuildMessages;
  let readDefinition: ReadDefinition;
  let definition: Definition;
  let interceptor: BuildInterceptor;
  let exported: ExportedBuilds;
  /** What the index says of the export of an earlier build. */
  let earlier: () => Promise<ExportSummary | undefined>;
  let registryAddress: () => Promise<string | undefined>;
  let begin: (build: NewBuild) => RecordedBuild | undefined;

  before(async () => {
    readDefinition = await loadDefinitionReader();
    definition = readDefinition(LLB);
  });

  const create = (exportTimeoutMs: number, isSharing = true): void => {
    // Those of the one before have the same names.
    parts.metrics.clear();
    const logger = createLogger({ level: "error", format: "json", stream: process.stderr });
    const metrics = new WriteBehindMetrics(parts.metrics);
    exported = new ExportedBuilds({ export: () => earlier() });
    const sharing: Sharing = {
      ...{ cache: parts.cache, overlap: parts.overlap, importMetrics: parts.importMetrics, exported },
      writeBehind: new WriteBehind({ messages, metrics, logger, exportTimeoutMs, now: () => performance.now() }),
      registryAddress: () => registryAddress(),
      canImport: () => true,
      canExport: () => true,
    };
    interceptor = new BuildInterceptor({
      sharing: isSharing ? sharing : undefined,
      recorder: { begin: (build) => begin(build) },
      hashKey: Buffer.alloc(32),
      ...{ messages, readDefinition },
      guard: new Guard(parts.metrics, logger),
      now: () => performance.now(),
    });
  };

  beforeEach(async () => {
    parts = await startCacheParts();
    gateway = await startFakeGateway(parts.dir);
    gateway.vertex = definition.result;
    messages = gateway.messages;
    earlier = () => Promise.resolve(undefined);
    registryAddress = () => Promise.resolve(parts.address);
    begin = () => undefined;
    create(10_000);
  });
  afterEach(async () => {
    interceptor.closed();
    await gateway.close();
    await parts.close();
  });

  const headersOf = (ref: string): string[] => [BUILD_ID_METADATA, ref];
  const call = (path: string, headers: readonly string[] = []): Interception => {
    const interception = interceptor.call(path, headers);
    if (interception === undefined) throw new Error(`${path} is only forwarded`);
    return interception;
  };
  const sent = async (interception: Interception, message: Buffer): Promise<Buffer> =>
    (await interception.request?.(message, gateway.builder)) ?? message;

  interface Build {
    readonly solve: Interception;
    /** What the builder gets. */
    readonly request: SolveRequest;
    /** The client has its answer, or is gone. */
    end(code: GrpcCode): void;
  }
  const beginBuild = async (request: Partial<SolveRequest> = {}): Promise<Build> => {
    const solve = call(CONTROL.solve);
    const all = { ref: "build", session: "s", frontendAttrs: OPTIONS, ...request };
    const passed = await sent(solve, messages.solveRequest.encode(all));
    return {
      solve,
      request: messages.solveRequest.decode(passed),
      end: (code) => solve.ended?.(code, code === "OK" ? "" : "why"),
    };
  };
  /** Runs the build's frontend, which gives one result; what the builder gets. */
  const runFrontend = async (ref = "build"): Promise<string> => {
    const solve = call(LLB_BRIDGE.solve, headersOf(ref));
    const passed = await sent(solve, messages.gatewaySolveRequest.encode({ frontend: "dockerfile.v0" }));
    const result = { ref: { id: "theirs", def: LLB }, refs: null, metadata: {} };
    solve.observeResponse?.(messages.gatewaySolveResponse.encode({ result }));
    return messages.gatewaySolveRequest.decode(passed).frontendOpt["cache-imports"] ?? "";
  };
  /** The client returns the result; resolves when the builder may have that. */
  const returnResult = (ref = "build"): Promise<Buffer> => {
    const result = { ref: { id: "theirs", def: Buffer.alloc(0) }, refs: null, metadata: {} };
    return sent(call(LLB_BRIDGE.return, headersOf(ref)), messages.returnRequest.encode({ result }));
  };
  const follow = async (ref = "build"): Promise<Interception> => {
    const status = call(CONTROL.status);
    await sent(status, messages.statusRequest.encode({ ref }));
    return status;
  };
  const progress = (cached: boolean): Buffer => {
    const vertexes = definition.steps.map((digest) => ({ digest, inputs: [], name: "", cached, error: "" }));
    return messages.statusResponse.encode({
      vertexes: vertexes.map((vertex) => ({ ...vertex, started: TIME, completed: TIME })),
    });
  };
  /** Exports that have ended, when there are any. */
  const exports = (): Promise<Readonly<Record<string, number>>> =>
    poll(
      () => parts.counted("memobuild_cache_exports_total"),
      (counts) => Object.keys(counts).length > 0,
      { what: "an export has ended", timeoutMs: 1_500, intervalMs: 5 },
    );
  /** Resolves when the builds that run now have ended. */
  const untilBuildsEnded = async (): Promise<void> => {
    const beside = parts.overlap.begin();
    const ended = new Promise<void>((resolve) => {
      beside.afterOverlap(resolve);
    });
    beside.end();
    await ended;
  };
  const takesUploads = async (entry: CacheEntry | undefined): Promise<boolean> => {
    if (entry === undefined) throw new Error("there is no export");
    return (await send(parts.base, "POST", `${pathOf(entry)}/blobs/uploads/`)).status === 202;
  };
  const givenExport = (): CacheEntry | undefined => gateway.solves[0]?.cache?.exports[0];
  /** An earlier build of the same was exported, and all of it is there. */
  const haveExported = async (): Promise<void> => {
    const { layers, graph } = testExport("a");
    for (const { bytes, digest } of layers) {
      await parts.index.addBlob(digest, parts.store.keep(digest, bytes, bytes.length), 0);
    }
    const identity = { ...SCOPE, dockerfile: "Dockerfile", target: "", platform: "" };
    const madeBy = { revision: "", builder: "b", ref: "r", createdAtMs: 1 };
    const summary = await parts.index.publish({ ...identity, ...madeBy, graph });
    earlier = () => Promise.resolve(summary);
    exported.add(gateway.builder.address, SCOPE, [definition], summary);
  };

  it("exports a build that made something new, and gives it to the next", async () => {
    gateway.exporting = async () => {
      const entry = givenExport();
      if (entry !== undefined) await pushExport(parts.base, entry, testExport("a"));
    };
    const first = await beginBuild();
    expect(await runFrontend()).to.equal("");
    await returnResult();
    first.end("OK");
    expect(await exports()).to.deep.equal({ published: 1 });
    await untilBuildsEnded();
    await beginBuild();
    expect(await runFrontend()).to.include(`${parts.address}/`);
  });

  it("leaves alone calls that are none of a build that it knows", () => {
    for (const path of [LLB_BRIDGE.solve, LLB_BRIDGE.return]) {
      expect(interceptor.call(path, headersOf("unknown"))).to.equal(undefined);
      expect(interceptor.call(path, [])).to.equal(undefined);
    }
    expect(interceptor.call(LLB_BRIDGE.ping, headersOf("unknown"))).to.equal(undefined);
    expect(interceptor.call("/moby.buildkit.v1.Control/Info", [])).to.equal(undefined);
  });

  it("leaves internal builds alone", async () => {
    await haveExported();
    const build = await beginBuild({ internal: true, frontend: "dockerfile.v0" });
    expect(build.request.frontendAttrs).to.deep.equal(OPTIONS);
    expect(interceptor.call(LLB_BRIDGE.solve, headersOf("build"))).to.equal(undefined);
    build.end("OK");
  });

  it("leaves alone what it cannot read", async () => {
    const junk = Buffer.from([0xff, 0xff, 0xff]);
    for (const path of [CONTROL.solve, CONTROL.status]) expect(await sent(call(path), junk)).to.equal(junk);
    expect(await parts.counted("memobuild_intercept_failures_total")).to.deep.equal({ solve: 1, status: 1 });
  });

  it("pins a build once, however often it returns", async () => {
    const build = await beginBuild();
    await runFrontend();
    await Promise.all([returnResult(), returnResult()]);
    await returnResult();
    expect(gateway.solves).to.have.length(1);
    build.end("OK");
    expect(await exports()).to.deep.equal({ rejected: 1 });
  });

  it("lets go of everything when the client leaves while its build is being pinned", async () => {
    let load: () => void = () => undefined;
    gateway.loading = () => new Promise((resolve) => (load = resolve));
    const build = await beginBuild();
    await runFrontend();
    const returning = returnResult();
    await poll(
      () => gateway.solves.length,
      (count) => count === 1,
      { what: "the job runs", timeoutMs: 1_000, intervalMs: 2 },
    );
    expect(await takesUploads(givenExport())).to.equal(true);
    build.end("CANCELLED");
    load();
    await returning;
    expect(await exports()).to.deep.equal({ build_failed: 1 });
    await untilBuildsEnded();
    expect(await takesUploads(givenExport())).to.equal(false);
    await poll(
      () => gateway.cancelled,
      (count) => count === 1,
      { what: "the job is cancelled", timeoutMs: 1_000, intervalMs: 2 },
    );
  });

  it("forgets what a session said when it ends", async () => {
    await haveExported();
    const { layers, graph } = testExport("of a folder");
    for (const { bytes, digest } of layers) {
      await parts.index.addBlob(digest, parts.store.keep(digest, bytes, bytes.length), 0);
    }
    const identity = { tenant: "default", project: "folder", dockerfile: "Dockerfile", target: "", platform: "" };
    await parts.index.publish({ ...identity, revision: "", builder: "b", ref: "r", createdAtMs: 1, graph });
    const session = call(CONTROL.session, [
      ...["x-docker-expose-session-uuid", "s"],
      ...["x-docker-expose-session-sharedkey", "folder:client"],
    ]);
    await beginBuild({ ref: "one", frontendAttrs: {} });
    expect(await runFrontend("one")).to.include(parts.address);
    session.ended?.("OK", "");
    await beginBuild({ ref: "two", frontendAttrs: {} });
    expect(await runFrontend("two")).to.equal("");
  });

  describe("progress", () => {
    /** One build, of which the client was told by `status`. */
    const run = async (status: Interception | undefined, tell: (status: Interception) => void): Promise<void> => {
      const build = await beginBuild();
      await runFrontend();
      await returnResult();
      if (status !== undefined) tell(status);
      build.end("OK");
    };

    it("that says that all was cached makes a second export needless, also when it was asked for first", async () => {
      await haveExported();
      await run(await follow(), (status) => {
        status.observeResponse?.(progress(true));
        status.ended?.("OK", "");
      });
      expect(await exports()).to.deep.equal({ unchanged: 1 });
      await untilBuildsEnded();
    });

    it("may end after the build does", async () => {
      await haveExported();
      const status = await follow();
      await run(status, () => undefined);
      await new Promise(setImmediate);
      status.observeResponse?.(progress(true));
      status.ended?.("OK", "");
      expect(await exports()).to.deep.equal({ unchanged: 1 });
    });

    for (const [what, tell] of [
      [
        "says that a step ran",
        (status: Interception) => {
          status.observeResponse?.(progress(false));
          status.ended?.("OK", "");
        },
      ],
      [
        "fails",
        (status: Interception) => {
          status.observeResponse?.(progress(true));
          status.ended?.("UNAVAILABLE", "");
        },
      ],
      [
        "cannot be read",
        (status: Interception) => {
          status.observeResponse?.(undefined);
          status.ended?.("OK", "");
        },
      ],
      [
        "is not what it must be",
        (status: Interception) => {
          status.observeResponse?.(Buffer.from([0xff, 0xff, 0xff]));
          status.ended?.("OK", "");
        },
      ],
    ] as const) {
      it(`that ${what} makes the build one with something new`, async () => {
        await haveExported();
        await run(await follow(), tell);
        // The builder was asked for an export, and sent none.
        expect(await exports()).to.deep.equal({ rejected: 1 });
      });
    }

    it("that nobody asked for makes the build one with something new", async () => {
      await haveExported();
      await run(undefined, () => undefined);
      expect(await exports()).to.deep.equal({ rejected: 1 });
    });

    it("that is cached does not replace an export that is gone", async () => {
      await haveExported();
      earlier = () => Promise.resolve(undefined);
      await run(await follow(), (status) => {
        status.observeResponse?.(progress(true));
        status.ended?.("OK", "");
      });
      expect(await exports()).to.deep.equal({ rejected: 1 });
    });

    let lost: unknown[];
    const unhandled = (reason: unknown): void => {
      lost.push(reason);
    };
    beforeEach(() => {
      lost = [];
    });
    afterEach(() => {
      process.off("unhandledRejection", unhandled);
    });
    for (const [when, timeoutMs, result] of [
      ["", 10_000, "failed"],
      [" after its job was given up", 300, "timed_out"],
    ] as const) {
      it(`that the index fails to judge${when} ends the build all the same`, async () => {
        create(timeoutMs);
        await haveExported();
        earlier = () => Promise.reject(new Error("the index failed"));
        process.on("unhandledRejection", unhandled);
        const status = await follow();
        const build = await beginBuild();
        await runFrontend();
        await returnResult();
        if (result === "timed_out") await exports();
        status.observeResponse?.(progress(true));
        status.ended?.("OK", "");
        build.end("OK");
        expect(await exports()).to.deep.equal({ [result]: 1 });
        await untilBuildsEnded();
        await new Promise(setImmediate);
        expect(lost).to.deep.equal([]);
      });
    }
  });

  describe("a build without gateway", () => {
    const DIRECT = { frontend: "dockerfile.v0" };

    it("gets import and export, whose manifest its client does not see", async () => {
      await haveExported();
      const build = await beginBuild(DIRECT);
      expect(build.request.frontendAttrs["cache-imports"]).to.include(`${parts.address}/`);
      const [entry] = build.request.cache?.exports ?? [];
      expect(entry?.attrs["ignore-error"]).to.equal("true");
      const answer = { exporterResponse: { "cache.manifest": "ours", "containerimage.digest": "theirs" } };
      const seen = build.solve.rewriteResponse?.(messages.solveResponse.encode(answer)) ?? Buffer.alloc(0);
      expect(messages.solveResponse.decode(seen).exporterResponse).to.deep.equal({ "containerimage.digest": "theirs" });
      if (entry !== undefined) await pushExport(parts.base, entry, testExport("b"));
      build.end("OK");
      expect(await exports()).to.deep.equal({ published: 1 });
      await untilBuildsEnded();
    });

    it("gets no export beside the user's own", async () => {
      const own = { type: "local", attrs: { dest: "there" } };
      const build = await beginBuild({ ...DIRECT, cache: { exports: [own], imports: [] } });
      expect(build.request.cache?.exports).to.deep.equal([own]);
      const answer = messages.solveResponse.encode({ exporterResponse: { "cache.manifest": "theirs" } });
      expect(build.solve.rewriteResponse?.(answer)).to.equal(answer);
      build.end("OK");
      await untilBuildsEnded();
    });

    it("leaves no export behind when it fails", async () => {
      const build = await beginBuild(DIRECT);
      const [entry] = build.request.cache?.exports ?? [];
      expect(await takesUploads(entry)).to.equal(true);
      build.end("INVALID_ARGUMENT");
      expect(await exports()).to.deep.equal({ build_failed: 1 });
      expect(await takesUploads(entry)).to.equal(false);
    });

    it("leaves no export behind when its client leaves while the import is looked for", async () => {
      let reach: (address: string) => void = () => undefined;
      registryAddress = () => new Promise((resolve) => (reach = resolve));
      const solve = call(CONTROL.solve);
      const passing = sent(solve, messages.solveRequest.encode({ ...DIRECT, ref: "build", frontendAttrs: OPTIONS }));
      solve.ended?.("CANCELLED", "");
      reach(parts.address);
      expect(messages.solveRequest.decode(await passing).cache?.exports ?? []).to.have.length(0);
      await untilBuildsEnded();
      expect(await parts.counted("memobuild_cache_exports_total")).to.deep.equal({});
    });
  });

  describe("the record of a build", () => {
    let notes: (readonly [what: keyof RecordedBuild, ...args: unknown[]])[];
    let begun: NewBuild[];

    beforeEach(() => {
      [notes, begun] = [[], []];
    });
    /** @param noted what each of its methods does besides. */
    const recorded = (noted: () => void = () => undefined): RecordedBuild => {
      const note =
        (what: keyof RecordedBuild) =>
        (...args: unknown[]): void => {
          notes.push([what, ...args]);
          noted();
        };
      return {
        sessions: new Set(["s"]),
        ...{ solving: note("solving"), statusBegan: note("statusBegan"), status: note("status") },
        ...{ statusEnded: note("statusEnded"), defined: note("defined"), transferred: note("transferred") },
        ...{ imported: note("imported"), fetched: note("fetched"), held: note("held") },
        ...{ moved: note("moved"), ended: note("ended"), exported: note("exported") },
      };
    };
    const record = (noted?: () => void): void => {
      begin = (build) => {
        begun.push(build);
        return recorded(noted);
      };
    };
    const of = (what: keyof RecordedBuild): unknown[][] =>
      notes.filter(([which]) => which === what).map(([, ...args]) => args);
    const runBuild = async (): Promise<Build> => {
      const build = await beginBuild();
      await runFrontend();
      await returnResult();
      return build;
    };
    const exportsWell = (): void => {
      gateway.exporting = async () => {
        const entry = gateway.solves.at(-1)?.cache?.exports[0];
        if (entry !== undefined) await pushExport(parts.base, entry, testExport("a"));
      };
    };

    it("is told who builds what, what was imported, what is returned, how it ended and what was exported", async () => {
      record();
      exportsWell();
      const build = await runBuild();
      build.end("OK");
      expect(await exports()).to.deep.equal({ published: 1 });
      await untilBuildsEnded();
      const identity = { ...SCOPE, dockerfile: "Dockerfile", target: "", platform: "" };
      expect(begun).to.have.length(1);
      expect(begun[0]).to.deep.include({ builder: gateway.builder.address, identity });
      expect(begun[0]?.request.ref).to.equal("build");
      expect(of("solving")).to.deep.equal([[identity, OPTIONS]]);
      expect(of("imported")).to.have.length(1);
      expect(of("defined")).to.deep.equal([[LLB]]);
      expect(of("held")).to.have.length(2);
      for (const [ms] of of("held")) expect(ms).to.be.within(0, 10_000);
      expect(of("ended")).to.deep.equal([["OK", ""]]);
      const results = of("exported").map(([note]) => note);
      expect(results[0]).to.deep.equal({ result: "pending", bytes: 0, durationMs: 0 });
      expect(results[1]).to.include({ result: "published" });
      expect(results).to.have.length(2);
    });

    it("is told why the build failed", async () => {
      record();
      const build = await beginBuild();
      build.end("UNKNOWN");
      expect(of("ended")).to.deep.equal([["UNKNOWN", "why"]]);
    });

    it("is the same group for all builds of one client", async () => {
      record();
      for (const ref of ["one", "two"]) await beginBuild({ ref });
      create(10_000);
      await beginBuild({ ref: "three" });
      const [one, two, three] = begun.map(({ group }) => group);
      expect([one === two, two === three]).to.deep.equal([true, false]);
    });

    it("is made of builds only, and of one of each ref", async () => {
      record();
      await beginBuild({ internal: true });
      await beginBuild();
      await beginBuild();
      expect(begun).to.have.length(1);
    });

    for (const isFirst of [true, false]) {
      it(`has the progress that was asked for ${isFirst ? "before" : "after"} its Solve`, async () => {
        record();
        const before = isFirst ? await follow() : undefined;
        await beginBuild();
        const status = before ?? (await follow());
        status.observeResponse?.(progress(true));
        // There is one that counts.
        const second = await follow();
        second.observeResponse?.(progress(false));
        second.ended?.("OK", "");
        status.ended?.("OK", "");
        expect([of("statusBegan"), of("statusEnded")]).to.deep.equal([[[]], [[true]]]);
        expect(of("status")).to.deep.equal([[messages.statusResponse.decode(progress(true))]]);
      });
    }

    for (const [what, tell] of [
      ["breaks off", (status: Interception) => status.ended?.("UNAVAILABLE", "")],
      [
        "cannot be read",
        (status: Interception) => {
          status.observeResponse?.(undefined);
          status.ended?.("OK", "");
        },
      ],
    ] as const) {
      it(`is told that progress is not complete that ${what}`, async () => {
        record();
        await beginBuild();
        tell(await follow());
        expect(of("statusEnded")).to.deep.equal([[false]]);
      });
    }

    it("has no progress of a call that had ended before its Solve", async () => {
      record();
      (await follow()).ended?.("NOT_FOUND", "");
      await beginBuild();
      expect([of("statusBegan"), of("statusEnded")]).to.deep.equal([[], []]);
    });

    it("is told that the builder does not reach the registry", async () => {
      record();
      registryAddress = () => Promise.resolve(undefined);
      await beginBuild();
      await runFrontend();
      expect(of("imported")).to.deep.equal([[{ result: "unreachable", from: [], records: 0 }]]);
    });

    it("has the definition of a build without frontend", async () => {
      record();
      const build = await beginBuild({ definition: LLB });
      expect(of("defined")).to.deep.equal([[LLB]]);
      build.end("OK");
      await exports();
    });

    it("is made where the cache is off, too", async () => {
      create(10_000, false);
      record();
      const build = await runBuild();
      build.end("OK");
      await new Promise(setImmediate);
      expect([of("solving").length, of("defined"), of("ended")]).to.deep.equal([1, [[LLB]], [["OK", ""]]]);
      expect([of("imported"), of("exported"), gateway.solves]).to.deep.equal([[], [], []]);
    });

    for (const [what, fail] of [
      [
        "begins none",
        () => {
          begin = () => {
            throw new Error("our fault");
          };
        },
      ],
      [
        "fails at whatever it is told",
        () => {
          record(() => {
            throw new Error("our fault");
          });
        },
      ],
    ] as const) {
      it(`does nothing to the build when the recorder ${what}`, async () => {
        await haveExported();
        exportsWell();
        const messagesOf = async (): Promise<unknown[]> => {
          const status = await follow();
          const build = await beginBuild();
          const imports = await runFrontend();
          const returned = await returnResult();
          status.observeResponse?.(progress(false));
          status.ended?.("OK", "");
          build.end("OK");
          return [build.request, imports.length, returned];
        };
        const expected = await messagesOf();
        await untilBuildsEnded();
        expect(await exports()).to.deep.equal({ published: 1 });
        fail();
        expect(await messagesOf()).to.deep.equal(expected);
        await untilBuildsEnded();
        expect(await parts.counted("memobuild_cache_exports_total")).to.deep.equal({ published: 2 });
        expect(Object.keys(await parts.counted("memobuild_intercept_failures_total"))).to.deep.equal(["record"]);
      });
    }
  });
});
