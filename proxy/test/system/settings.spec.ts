/** Settings that are changed while MemoBuild runs: they hold at once, for what runs too, and after a restart. */
import { expect } from "chai";
import { ApiError } from "../../http/api-error.js";
import { useFarmWorld } from "../farm/farm-world.js";
import { poll } from "../support/poll.js";
import { growth } from "../support/series.js";
import { SHELL } from "./world.js";

const EXPORTS = "memobuild_cache_exports_total";
const IMPORTS = "memobuild_cache_imports_total";
const SHOWN_TIMEOUT_MS = 20_000;
const QUICK = "FROM scratch\nCOPY . /\n";
/** Longer than any wait of a test. */
const BUSY_SECONDS = 120;

describe("settings of a MemoBuild that runs", () => {
  const world = useFarmWorld({ builders: 1, args: ["--builder-max-clients", "1", "--queue-timeout", "9m"] });

  const valueOf = async (name: string): Promise<unknown> => {
    const { settings } = await world().api.settings();
    const { source, texts } = settings.find((setting) => setting.name === name) ?? {};
    return { source, texts };
  };

  it("let those go on that wait for room, as soon as there is more", async () => {
    const dockerfile = `${SHELL}RUN echo begun && sleep ${BUSY_SECONDS}\n`;
    const busyContext = await world().context("busy", { Dockerfile: dockerfile });
    const busy = (await world().client(0)).start(world().command(busyContext, "--no-cache"));
    await poll(
      () => busy.output(),
      (output) => /^#\d+ [\d.]+ begun/m.test(output),
      { what: "the slow step has begun", timeoutMs: SHOWN_TIMEOUT_MS },
    );
    const context = await world().context("waiting", { Dockerfile: QUICK });
    const next = (await world().client(1)).start(["build", context]);
    await poll(
      () => next.output(),
      (output) => output.includes("waiting for a builder, 0 ahead"),
      { what: "the second one waits", timeoutMs: SHOWN_TIMEOUT_MS },
    );
    await world().api.changeSettings({ "builder-max-clients": "2" });
    const { code, stderr } = await next.exited;
    expect(code, stderr).to.equal(0);
    expect((await world().desk.report()).builders[0]).to.include({ clients: 1, maxClients: 2 });
    busy.signal("SIGINT");
    expect((await busy.exited).code).to.not.equal(0);
  });

  it("switch the shared cache off and on again", async () => {
    const api = world().api;
    const build = async (name: string): Promise<Readonly<Record<string, number>>[]> => {
      const context = await world().context("cached", { Dockerfile: QUICK, file: name });
      const before = await world().series();
      await world().build(context);
      const after = await poll(
        () => world().series(),
        (series) => series.get("memobuild_cache_export_jobs") === 0,
        { what: "its export has ended", timeoutMs: SHOWN_TIMEOUT_MS },
      );
      return [growth(before, after, IMPORTS), growth(before, after, EXPORTS)];
    };
    await build("first");
    await api.changeSettings({ cache: "off" });
    expect(await build("second")).to.deep.equal([{}, {}]);
    expect((await api.cache.list({ limit: 10 })).length).to.be.at.least(1);
    await api.changeSettings({ cache: "read-only" });
    expect(await build("third")).to.deep.equal([{ injected: 1 }, {}]);
    await api.changeSettings({ cache: null });
    expect(await build("fourth")).to.deep.equal([{ injected: 1 }, { published: 1 }]);
  });

  it("change all at once or nothing", async () => {
    const changes = { "export-timeout": "1m", "cache-max-bytes": "20GiB", "cache-hard-max-bytes": "10GiB" };
    const refusal: unknown = await world()
      .api.changeSettings(changes)
      .catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(ApiError).and.to.include({
      code: "bad_request",
      message: "--cache-hard-max-bytes: 10.7GB is less than the 21.5GB of --cache-max-bytes",
    });
    expect(await valueOf("export-timeout")).to.deep.equal({ source: "default", texts: ["10m"] });
  });

  it("are there after a restart, until the change is undone", async () => {
    const set = await world().memobuild("settings", "set", "queue-timeout", "3m");
    expect(set.code, set.stderr).to.equal(0);
    await world().restart();
    expect(await valueOf("queue-timeout")).to.deep.equal({ source: "runtime", texts: ["3m"] });
    const reset = await world().memobuild("settings", "reset", "queue-timeout");
    expect(reset.stdout.toString()).to.equal("queue-timeout: 9m (--queue-timeout)\n");
    await world().restart();
    expect(await valueOf("queue-timeout")).to.deep.equal({ source: "flag", texts: ["9m"] });
  });

  it("limit the history at once", async () => {
    await world().allUp(1);
    expect((await world().ended()).length).to.be.above(1);
    await world().api.changeSettings({ "history-max-builds": "1" });
    await poll(
      async () => (await world().ended()).length,
      (builds) => builds === 1,
      { what: "one build is left", timeoutMs: SHOWN_TIMEOUT_MS },
    );
  });

  it("silence the log at once, and bring it back", async () => {
    const changed = (): unknown[] => {
      const lines = world()
        .memoBuild.logs()
        .filter(({ msg }) => msg === "settings changed");
      return lines.map(({ names }) => names);
    };
    const before = changed();
    await world().api.changeSettings({ "log-level": "error" });
    await world().api.changeSettings({ "cache-max-age": "1d" });
    await world().api.changeSettings({ "log-level": null });
    await poll(changed, (now) => now.length > before.length, { what: "a line of the log", timeoutMs: 5_000 });
    expect(changed()).to.deep.equal([...before, ["log-level"]]);
  });
});
