/** The view of the builders: states as the command line has them, changes of the farm, and builders that die. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { formatBytes } from "../../../extension-ui/src/parts/format.js";
import { type BuilderReport, MEMOBUILD_SERIES, type UsageHistory } from "../../farm/builder-desk.js";
import { type Buildkitd, startBuildkitd } from "../support/buildkitd.js";
import { poll } from "../support/poll.js";
import { expectAccessible } from "./browser.js";
import { usePageWorld } from "./page-world.js";

/** There is a sample every 10 s. */
const SAMPLED_TIMEOUT_MS = 40_000;
const CHARTS = ["Builds", "CPU", "Memory", "Kept", "Free disk"];

describe("the view of the builders", () => {
  const world = usePageWorld();

  const listed = async (): Promise<readonly BuilderReport[]> =>
    (await world().memobuild("builders", "ls")) as readonly BuilderReport[];
  const address = (): string => world().builds.daemon.address;
  const card = (page: Page, name: string): Locator => page.getByRole("article", { name });

  const confirm = async (page: Page, verb: string): Promise<void> => {
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: verb, exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
  };

  it("shows each builder's state, version and load", async () => {
    const [builder] = await listed();
    const page = await world().open("#/builders");
    await card(page, address()).getByText("Up", { exact: true }).waitFor();
    await card(page, address())
      .getByText(`BuildKit ${builder?.version ?? "?"}`)
      .waitFor();
    await card(page, address())
      .getByRole("link", { name: `No build runs on ${address()}` })
      .waitFor();
    await page.getByText("no build waits for a builder").waitFor();
  });

  it("drains the only builder, shows who waits for it, and gives it builds again", async () => {
    const page = await world().open("#/builders");
    await page.getByRole("button", { name: `Drain ${address()}` }).click();
    await confirm(page, "Drain");
    await card(page, address()).getByText("Draining", { exact: true }).waitFor();
    await page.getByText("No builder takes builds: those that are up are draining.").waitFor();
    expect((await listed()).map(({ isDraining }) => isDraining)).to.deep.equal([true]);

    const context = await world().builds.context("waits", { Dockerfile: "FROM scratch\nCOPY file /\n", file: "1" });
    const build = world().builds.build(context);
    await page.getByText("1 build waiting for a builder.").waitFor();

    await page.getByRole("button", { name: `Undrain ${address()}` }).click();
    await confirm(page, "Undrain");
    await card(page, address()).getByText("Up", { exact: true }).waitFor();
    expect((await listed()).map(({ isDraining }) => isDraining)).to.deep.equal([false]);
    expect((await build).code).to.equal(0);
  });

  it("tells what is known of one builder, and what it has built", async () => {
    const page = await world().open("#/builders");
    await card(page, address()).getByRole("link", { name: address(), exact: true }).click();
    const details = page.getByRole("dialog", { name: address() });
    await details.getByRole("table", { name: "Projects that are warm here" }).getByText("waits").waitFor();
    await details.getByRole("heading", { name: "Limitations" }).waitFor();
    await expectAccessible(page);
    await details.getByRole("button", { name: "Close" }).click();
    await details.waitFor({ state: "hidden" });
    expect(page.url()).to.not.include("name=");
  });

  it("says that a builder is down and why, and sees it come back", async () => {
    const page = await world().open("#/builders");
    await card(page, address()).getByText("Up", { exact: true }).waitFor();
    await world().builds.killDaemon();
    await card(page, address()).getByText("Down", { exact: true }).waitFor();
    const [builder] = await listed();
    expect(builder?.cause).to.be.a("string").and.not.equal("");
    await card(page, address())
      .getByRole("alert")
      .getByText(builder?.cause ?? "?")
      .waitFor();
    await page.getByText("The only builder is down, and builds wait").waitFor();
    await expectAccessible(page);
    await world().builds.startDaemon();
    await card(page, address()).getByText("Up", { exact: true }).waitFor();
    await page.getByText("The only builder is down").waitFor({ state: "hidden" });
  });

  it("draws what was used over time, and says it in words", async () => {
    await poll(
      () => world().builds.api.builders.usageHistory(),
      ({ load }) => load.length > 1,
      { what: "two samples were taken", timeoutMs: SAMPLED_TIMEOUT_MS, intervalMs: 500 },
    );
    const page = await world().open("#/builders");
    for (const name of CHARTS) await page.getByRole("img", { name, exact: true }).locator("svg").first().waitFor();
    const answered = page.waitForResponse(/\/usage$/);
    await page.reload();
    const { series } = (await (await answered).json()) as UsageHistory;
    const uses = page.getByRole("table", { name: "What builders use" });
    await uses.waitFor();
    expect(await uses.getByRole("rowheader").allTextContents()).to.have.members([address(), MEMOBUILD_SERIES]);
    const own = series.find(({ name }) => name === MEMOBUILD_SERIES)?.samples ?? [];
    const highest = Math.max(...own.flatMap(({ memoryBytes }) => memoryBytes ?? []));
    const memory = uses.getByRole("row").filter({ hasText: MEMOBUILD_SERIES }).getByRole("cell").nth(1);
    expect(await memory.textContent()).to.include(`highest ${formatBytes(highest)}`);
    await page.getByRole("table", { name: "Running and waiting builds" }).waitFor();
  });

  it("meets WCAG AA", async () => {
    await world().expectAccessible("#/builders", (page) =>
      page.getByRole("table", { name: "What builders use" }).waitFor(),
    );
  });

  describe("with a daemon that MemoBuild does not know", () => {
    let daemon: Buildkitd;

    before(async () => {
      const dir = join(world().builds.dir, "another");
      await mkdir(dir);
      daemon = await startBuildkitd(dir);
    });

    after(async () => {
      await daemon.stop();
    });

    it("adds it, after it has said what is wrong with an address", async () => {
      const page = await world().open("#/builders");
      await page.getByRole("button", { name: "Add builder" }).click();
      const dialog = page.getByRole("dialog", { name: "Add a builder" });
      await dialog.getByLabel("Address").fill("ftp://nowhere");
      await dialog.getByRole("button", { name: "Add" }).click();
      await dialog.getByText(/ftp:\/\/nowhere.* is none of unix:/).waitFor();
      expect(await listed()).to.have.length(1);
      await dialog.getByLabel("Address").fill(daemon.address);
      await dialog.getByRole("button", { name: "Add" }).click();
      await dialog.waitFor({ state: "hidden" });
      await card(page, daemon.address).getByText("Up", { exact: true }).waitFor();
      expect((await listed()).map((builder) => builder.address)).to.have.members([address(), daemon.address]);
      // The refusal.
      await world().closePages((complaint) => complaint.includes("400"));
    });

    it("removes it, once its name was typed", async () => {
      const page = await world().open("#/builders");
      await page.getByRole("button", { name: `Remove ${daemon.address}` }).click();
      const dialog = page.getByRole("dialog");
      const remove = dialog.getByRole("button", { name: "Remove", exact: true });
      expect(await remove.isDisabled()).to.equal(true);
      await dialog.getByLabel(/^Type .* to confirm$/).fill(daemon.address);
      await confirm(page, "Remove");
      await card(page, daemon.address).waitFor({ state: "hidden" });
      await card(page, address()).waitFor();
      expect((await listed()).map((builder) => builder.address)).to.deep.equal([address()]);
    });
  });
});
