/** Settings at run time: what is reported, which changes hold, and what is taken over from an earlier run. */
import { expect } from "chai";
import { MemoryKeptSettings, memorySettings } from "../test/support/memory-settings.js";
import { ConfigError } from "./config-error.js";
import { OPTIONS } from "./options.js";
import type { RuntimeSettings, SettingsLog } from "./runtime-settings.js";
import type { SettingReport } from "./settings.js";

const GIB = 2 ** 30;

interface LoggedLines {
  readonly lines: Readonly<Record<string, unknown>>[];
  readonly log: SettingsLog;
}

function loggedLines(): LoggedLines {
  const lines: LoggedLines["lines"] = [];
  const add = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push({ ...fields, level, message });
  };
  return { lines, log: { warn: add("warn"), error: add("error") } };
}

const settingOf = (settings: RuntimeSettings, name: string): SettingReport | undefined =>
  settings.report().find((setting) => setting.name === name);

async function problemsOf(change: Promise<void>): Promise<string> {
  try {
    await change;
    return "";
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe("RuntimeSettings", () => {
  it("reports every option, in the order of the table", () => {
    expect(
      memorySettings()
        .report()
        .map(({ name }) => name),
    ).to.deep.equal(OPTIONS.map(({ name }) => name));
  });

  it("says of a value where it is from", () => {
    const settings = memorySettings({
      flags: { "queue-timeout": ["1m"] },
      env: { MEMOBUILD_DRAIN_TIMEOUT: "5s", MEMOBUILD_LISTEN: "unix:///a unix:///b" },
      yaml: "# ours\nhistory-max-builds: 7\n",
    });
    const brief = (name: string): unknown => {
      const { source, origin, texts } = settingOf(settings, name) ?? {};
      return { source, origin, texts };
    };
    expect(brief("queue-timeout")).to.deep.equal({ source: "flag", origin: "--queue-timeout", texts: ["1m"] });
    expect(brief("drain-timeout")).to.deep.equal({
      source: "environment",
      origin: "MEMOBUILD_DRAIN_TIMEOUT",
      texts: ["5s"],
    });
    expect(brief("listen")).to.deep.include({ texts: ["unix:///a", "unix:///b"] });
    expect(brief("history-max-builds")).to.deep.equal({
      source: "file",
      origin: "memobuild.yaml:2: history-max-builds",
      texts: ["7"],
    });
    expect(brief("data-dir")).to.deep.equal({
      source: "default",
      origin: "",
      texts: ["/home/dev/.local/state/memobuild"],
    });
    expect(brief("builder-max-clients")).to.deep.equal({ source: "default", origin: "", texts: [] });
  });

  it("says which values there are", () => {
    const settings = memorySettings();
    expect(settingOf(settings, "cache")?.choices).to.deep.equal(["on", "read-only", "off"]);
    expect(settingOf(settings, "retry-lost-builds")).to.deep.include({ choices: ["true", "false"], value: "" });
    expect(settingOf(settings, "http")).to.deep.include({ choices: [], isChangeable: false });
  });

  it("changes what holds, tells of it and keeps it", async () => {
    const kept = new MemoryKeptSettings();
    const settings = memorySettings({ flags: { "cache-max-bytes": ["10GiB"] }, kept });
    const seen: unknown[] = [];
    settings.onChange(() => seen.push(settings.config.cache.maxBytes));
    await settings.change({ "cache-max-bytes": "20GiB", "builder-max-clients": "3" });
    expect(seen).to.deep.equal([20 * GIB]);
    expect(settings.config.farm.maxClients).to.equal(3);
    expect(settingOf(settings, "cache-max-bytes")).to.deep.include({
      source: "runtime",
      origin: "",
      texts: ["20GiB"],
      configured: ["10GiB"],
    });
    expect([...kept.all()]).to.deep.equal([
      ["cache-max-bytes", "20GiB"],
      ["builder-max-clients", "3"],
    ]);
  });

  it("has what is configured again when a change is undone", async () => {
    const kept = new MemoryKeptSettings({ "queue-timeout": "3s" });
    const settings = memorySettings({ kept });
    expect(settings.config.farm.queueTimeoutMs).to.equal(3000);
    await settings.change({ "queue-timeout": null });
    expect(settings.config.farm.queueTimeoutMs).to.equal(600_000);
    expect(settingOf(settings, "queue-timeout")?.source).to.equal("default");
    expect(kept.all()).to.be.empty;
  });

  it("makes all changes or none, and names every mistake", async () => {
    const kept = new MemoryKeptSettings();
    const settings = memorySettings({ kept });
    const { config } = settings;
    settings.onChange(() => expect.fail("nothing was changed"));
    const changes = { "export-timeout": "5m", "queue-timeout": "soon", http: "127.0.0.1:1", "cache-max-byte": "1GiB" };
    expect(await problemsOf(settings.change({ ...changes, "log-level": "" }))).to.equal(
      [
        "--http: cannot be changed while MemoBuild runs",
        "--cache-max-byte: unknown option, did you mean cache-max-bytes?",
        '--queue-timeout: "soon" is not a duration, as in 500ms, 30s, 5m, 1h or 30d',
        "--log-level: needs a value",
      ].join("\n"),
    );
    expect(settings.config).to.equal(config);
    expect(kept.all()).to.be.empty;
  });

  it("checks a change beside what is configured", async () => {
    const settings = memorySettings({ flags: { "cache-hard-max-bytes": ["10GiB"] } });
    expect(await problemsOf(settings.change({ "cache-max-bytes": "20GiB" }))).to.equal(
      "--cache-hard-max-bytes: 10.7GB is less than the 21.5GB of --cache-max-bytes",
    );
    await settings.change({ "cache-max-bytes": "20GiB", "cache-hard-max-bytes": "30GiB" });
    expect(settings.config.cache).to.deep.include({ maxBytes: 20 * GIB, hardMaxBytes: 30 * GIB });
  });

  it("changes nothing when the change cannot be kept", async () => {
    const kept = new MemoryKeptSettings();
    kept.keep = () => {
      throw new Error("disk full");
    };
    const settings = memorySettings({ kept });
    const failure = await settings.change({ "drain-timeout": "1s" }).catch((error: unknown) => error);
    expect(failure).to.be.an("error").with.property("message", "disk full");
    expect(settings.config.drainTimeoutMs).to.equal(30_000);
  });

  it("switches the cache off and on where it was started on, and not where it was started off", async () => {
    const on = memorySettings();
    for (const mode of ["off", "read-only", "on"]) {
      await on.change({ cache: mode });
      expect(on.config.cache.mode).to.equal(mode);
    }
    const off = memorySettings({ flags: { cache: ["off"] } });
    expect(await problemsOf(off.change({ cache: "on" }))).to.equal(
      "--cache: MemoBuild was started with the cache off: start it with --cache on or --cache read-only",
    );
  });

  it("takes over kept values that hold only beside each other", () => {
    const kept = new MemoryKeptSettings({ "cache-max-bytes": "20GiB", "cache-hard-max-bytes": "30GiB" });
    const settings = memorySettings({ flags: { "cache-hard-max-bytes": ["10GiB"] }, kept });
    expect(settings.config.cache).to.deep.include({ maxBytes: 20 * GIB, hardMaxBytes: 30 * GIB });
  });

  it("leaves out kept values that do not go with what is configured, says why, and keeps them", async () => {
    const kept = new MemoryKeptSettings({
      "cache-max-bytes": "20GiB",
      "queue-timeout": "1s",
      "drain-timeout": "later",
      colour: "red",
    });
    const { lines, log } = loggedLines();
    const settings = memorySettings({ flags: { "cache-hard-max-bytes": ["10GiB"] }, kept, log });
    expect(lines.map(({ cause, setting }) => [setting, cause])).to.deep.equal([
      ["cache-max-bytes", "--cache-hard-max-bytes: 10.7GB is less than the 21.5GB of --cache-max-bytes"],
      ["drain-timeout", '--drain-timeout: "later" is not a duration, as in 500ms, 30s, 5m, 1h or 30d'],
      ["colour", "--colour: unknown option"],
    ]);
    expect(settings.config.farm.queueTimeoutMs).to.equal(1000);
    expect(settings.config.cache.maxBytes).to.equal(undefined);

    await settings.change({ "drain-timeout": null });
    expect([...kept.all().keys()]).to.deep.equal(["cache-max-bytes", "queue-timeout", "colour"]);
    expect(memorySettings({ kept }).config.cache.maxBytes).to.equal(20 * GIB);
  });

  it("names kept values that hold instead of given ones, whatever level is kept", () => {
    const kept = new MemoryKeptSettings({ "log-level": "error", "queue-timeout": "1s", "drain-timeout": "1s" });
    const { lines, log } = loggedLines();
    const given = { flags: { "queue-timeout": ["1m"] }, env: { MEMOBUILD_LOG_LEVEL: "info" } };
    const settings = memorySettings({ ...given, kept, log });
    expect(lines).to.have.length(1);
    expect(lines[0]).to.deep.include({
      level: "warn",
      names: ["log-level", "queue-timeout"],
      message: "changed settings hold instead of configured ones",
    });
    expect(JSON.stringify(lines)).not.to.match(/1s|1m/);
    expect(settings.config.farm.queueTimeoutMs).to.equal(1000);
  });

  it("tells every listener of a change, and makes it, where one of them fails", async () => {
    const { lines, log } = loggedLines();
    const settings = memorySettings({ log });
    const seen: unknown[] = [];
    settings.onChange(() => {
      throw new Error("no room");
    });
    settings.onChange((names) => seen.push(names));
    await settings.change({ "queue-timeout": "3s" });
    expect(seen).to.deep.equal([["queue-timeout"]]);
    expect(lines[0]).to.deep.include({ level: "error", names: ["queue-timeout"], cause: "no room" });
  });
});
