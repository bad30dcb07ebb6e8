/** `memobuild settings …` against a real API server: what is printed, what is changed, and how each command exits. */
import { expect } from "chai";
import type { RuntimeSettings } from "../config/runtime-settings.js";
import { type CacheApi, startCacheApi } from "../test/support/cache-api.js";
import { CliRuns } from "../test/support/cli-runs.js";
import { memorySettings } from "../test/support/memory-settings.js";

describe("memobuild settings", () => {
  let settings: RuntimeSettings;
  let api: CacheApi;
  let cli: CliRuns;

  beforeEach(async () => {
    settings = memorySettings({
      flags: { listen: ["unix:///a", "tcp://127.0.0.1:0"], "cache-max-bytes": ["10GiB"] },
      yaml: "queue-timeout: 1m\n",
    });
    api = await startCacheApi(undefined, { settings });
    cli = new CliRuns({ MEMOBUILD_DATA_DIR: api.dataDir }, Date.now);
  });
  afterEach(() => api.close());

  const rows = async (): Promise<readonly string[]> => {
    const { code, stderr, stdout } = await cli.run("settings");
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    return stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "));
  };

  it("lists what holds and where it is from", async () => {
    await settings.change({ "cache-max-bytes": "20GiB", "builder-max-clients": "4" });
    expect(await rows()).to.include.members([
      "NAME | VALUE | FROM | CHANGEABLE",
      "listen | unix:///a tcp://127.0.0.1:0 | --listen",
      "queue-timeout | 1m | memobuild.yaml:1: queue-timeout | yes",
      "cache-max-bytes | 20GiB | changed; configured: 10GiB | yes",
      "builder-max-clients | 4 | changed; configured: - | yes",
      "tls-cert | - | default",
    ]);
  });

  it("lists as JSON what the API gave", async () => {
    expect(await cli.json("settings", "ls")).to.deep.equal(settings.report());
  });

  it("changes a setting, and undoes that", async () => {
    expect(await cli.run("settings", "set", "queue-timeout", "5m")).to.deep.equal({
      code: 0,
      stderr: "",
      stdout: "queue-timeout: 5m (changed; configured: 1m)\n",
    });
    expect(settings.config.farm.queueTimeoutMs).to.equal(300_000);
    expect(await cli.run("settings", "reset", "queue-timeout")).to.deep.equal({
      code: 0,
      stderr: "",
      stdout: "queue-timeout: 1m (memobuild.yaml:1: queue-timeout)\n",
    });
    expect(settings.config.farm.queueTimeoutMs).to.equal(60_000);
  });

  it("says what is wrong with a value, and changes nothing", async () => {
    expect(await cli.run("settings", "set", "queue-timeout", "soon")).to.deep.equal({
      code: 1,
      stderr: 'memobuild: --queue-timeout: "soon" is not a duration, as in 500ms, 30s, 5m, 1h or 30d\n',
      stdout: "",
    });
    expect(settings.config.farm.queueTimeoutMs).to.equal(60_000);
  });

  it("refuses what cannot be changed, and names what can", async () => {
    const { code, stderr } = await cli.run("settings", "set", "http", "127.0.0.1:1");
    expect({ code, names: stderr.includes("history-max-age") }).to.deep.equal({ code: 2, names: true });
  });
});
