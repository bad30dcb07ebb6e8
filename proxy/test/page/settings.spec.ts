/** The view of the settings: where values are from, and changes that hold, last, and can be undone. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import type { SettingReport } from "../../config/settings.js";
import { expectAccessible } from "./browser.js";
import { usePageWorld } from "./page-world.js";

describe("the view of the settings", () => {
  const world = usePageWorld({ args: ["--queue-timeout", "9m"], env: { MEMOBUILD_EXPORT_TIMEOUT: "7m" } });

  const rowOf = (page: Page, flag: string): Locator =>
    page.getByRole("row").filter({ has: page.getByText(flag, { exact: true }) });
  const fieldOf = (page: Page, flag: string): Locator => rowOf(page, flag).getByRole("textbox", { name: flag });

  /** The value that is shown for it, and where that is from. */
  const shown = async (page: Page, flag: string): Promise<readonly [string, string | null]> => {
    await rowOf(page, flag).waitFor();
    return [await fieldOf(page, flag).inputValue(), await rowOf(page, flag).getByRole("cell").last().textContent()];
  };

  const listed = async (name: string): Promise<readonly [SettingReport["source"], ...string[]]> => {
    const settings = (await world().memobuild("settings", "ls")) as readonly SettingReport[];
    const setting = settings.find((other) => other.name === name);
    if (setting === undefined) throw new Error(`there is a setting ${name}`);
    return [setting.source, ...setting.texts];
  };

  const save = (page: Page): Promise<void> => page.getByRole("button", { name: "Save" }).click();

  it("shows where each value is from: flag, environment, file, default", async () => {
    const file = join(world().builds.dir, "memobuild.yaml");
    await writeFile(file, "# of the team\nhistory-max-builds: 77\n");
    await world().builds.restart("--config", file);
    const page = await world().open("#/settings");
    expect(await shown(page, "--queue-timeout")).to.deep.equal(["9m", "Flag--queue-timeout"]);
    expect(await shown(page, "--export-timeout")).to.deep.equal(["7m", "EnvironmentMEMOBUILD_EXPORT_TIMEOUT"]);
    expect(await shown(page, "--history-max-builds")).to.deep.equal(["77", `File${file}:2: history-max-builds`]);
    expect(await shown(page, "--cache-max-age")).to.deep.equal(["30d", "Default"]);
    // What cannot be changed is shown without a control.
    await rowOf(page, "--data-dir").getByText(world().builds.dataDir, { exact: true }).waitFor();
    expect(await fieldOf(page, "--data-dir").count()).to.equal(0);
  });

  it("changes a value at once, keeps it over a restart, and undoes it", async () => {
    const page = await world().open("#/settings");
    await fieldOf(page, "--queue-timeout").fill("3m");
    await page.getByText("1 change not saved").waitFor();
    expect(await listed("queue-timeout")).to.deep.equal(["flag", "9m"]);
    await save(page);
    await page.getByText("Saved. It holds from now on, and after a restart.").waitFor();
    await rowOf(page, "--queue-timeout").getByText("Changed here").waitFor();
    expect(await listed("queue-timeout")).to.deep.equal(["runtime", "3m"]);

    await world().closePages();
    await world().builds.restart();
    const later = await world().open("#/settings");
    await rowOf(later, "--queue-timeout").getByText("Changed here").waitFor();
    expect(await fieldOf(later, "--queue-timeout").inputValue()).to.equal("3m");

    await later.getByRole("button", { name: "Undo --queue-timeout, as configured: 9m" }).click();
    await save(later);
    await rowOf(later, "--queue-timeout").getByText("Flag", { exact: true }).waitFor();
    expect(await fieldOf(later, "--queue-timeout").inputValue()).to.equal("9m");
    expect(await listed("queue-timeout")).to.deep.equal(["flag", "9m"]);
  });

  it("says at the field what is wrong with a value, and changes nothing", async () => {
    const page = await world().open("#/settings");
    await fieldOf(page, "--export-timeout").fill("4m");
    await fieldOf(page, "--cache-max-age").fill("soon");
    await save(page);
    await page.getByText("Nothing was saved.").waitFor();
    const field = fieldOf(page, "--cache-max-age");
    expect(await field.getAttribute("aria-invalid")).to.equal("true");
    await rowOf(page, "--cache-max-age").getByText('"soon" is not a').waitFor();
    expect(await fieldOf(page, "--export-timeout").getAttribute("aria-invalid")).to.equal("false");
    await expectAccessible(page);
    expect(await listed("cache-max-age")).to.deep.equal(["default", "30d"]);
    expect(await listed("export-timeout")).to.deep.equal(["environment", "7m"]);
    await page.getByRole("button", { name: "Discard" }).click();
    expect(await field.inputValue()).to.equal("30d");
    // The refusal.
    await world().closePages((complaint) => complaint.includes("400"));
  });

  it("shows what somebody else has changed, by itself", async () => {
    const page = await world().open("#/settings");
    expect(await shown(page, "--history-max-age")).to.include("Default");
    await world().builds.api.changeSettings({ "history-max-age": "5d" });
    await rowOf(page, "--history-max-age").getByText("Changed here").waitFor();
    expect(await fieldOf(page, "--history-max-age").inputValue()).to.equal("5d");
  });

  it("finds settings by words, and keeps those in the address", async () => {
    const page = await world().open("#/settings");
    await rowOf(page, "--cache-max-age").waitFor();
    await page.getByRole("searchbox", { name: "Search settings" }).fill("queue timeout");
    await rowOf(page, "--cache-max-age").waitFor({ state: "hidden" });
    await page.reload();
    await rowOf(page, "--queue-timeout").waitFor();
    expect(await rowOf(page, "--cache-max-age").count()).to.equal(0);
  });

  it("meets WCAG AA with a change that is not saved", async () => {
    await world().expectAccessible("#/settings", async (page) => {
      await fieldOf(page, "--queue-timeout").fill("4m");
      await page.getByText("1 change not saved").waitFor();
    });
  });
});
