/** A build that is looked at while it runs, and one that never came to its end. */
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { slowDockerfile, startSlowBuild } from "../builds/slow-build.js";
import { within } from "../support/poll.js";
import { SHELL } from "../system/world.js";
import { isMarked, markPage } from "./page-mark.js";
import { usePageWorld } from "./page-world.js";

const END_TIMEOUT_MS = 60_000;
const TICKS = 12;

/** The slow step of the drawing. */
const slowStep = (page: Page, is: string): Locator =>
  page.getByRole("button", { name: new RegExp(`^\\[shell 3/3\\] RUN for tick.*, ${is}`) });

describe("a build that is looked at while it runs", () => {
  const world = usePageWorld();

  it("turns from running to done in the graph, without being loaded anew", async () => {
    const context = await world().builds.context("drawn", { Dockerfile: slowDockerfile(TICKS, "drawn") });
    const { client, build } = await startSlowBuild(world().builds, context, 1);
    const page = await world().open(`#/builds/${build.ref}/graph`);
    await markPage(page);
    await slowStep(page, "running").waitFor();
    await page.getByText(/^Runs: \[shell 3\/3\] RUN for tick/).waitFor();
    expect(await page.getByRole("button", { name: "Remove record" }).count()).to.equal(0);
    await within(client.exited, END_TIMEOUT_MS, "the end of the build");
    await slowStep(page, "ran \\d").waitFor();
    await page.getByText("succeeded").waitFor();
    await page.getByRole("button", { name: "Remove record" }).waitFor();
    expect(await isMarked(page)).to.equal(true);
  });

  it("is followed in its log, until one scrolls back, and again when one asks for it", async () => {
    const dockerfile = `${SHELL}RUN for n in $(seq 200); do echo line $n; done; for tick in $(seq ${TICKS}); do echo tick $tick; sleep 1; done\n`;
    const context = await world().builds.context("logged", { Dockerfile: dockerfile });
    const { client, build } = await startSlowBuild(world().builds, context, 1);
    const page = await world().open(`#/builds/${build.ref}/logs`);
    const log = page.getByRole("log", { name: "Log" });
    const fromEnd = (): Promise<number> =>
      log.evaluate(({ clientHeight, scrollHeight, scrollTop }) => scrollHeight - clientHeight - scrollTop);
    await log.getByText(/line 200\s*$/).waitFor();
    await log.getByText(/tick 3\s*$/).waitFor();
    expect(await fromEnd(), "px that are not shown below").to.be.below(40);
    await log.evaluate((box) => {
      box.scrollTop = 0;
    });
    const follow = page.getByRole("button", { name: "Follow" });
    await follow.waitFor();
    const before = await log.getByText(/tick \d+\s*$/).count();
    await page.waitForFunction(
      (count) => (document.querySelector("[role=log]")?.textContent ?? "").split(/tick \d/).length - 1 > count,
      before,
    );
    expect(await log.evaluate(({ scrollTop }) => scrollTop), "stays where one reads").to.equal(0);
    await follow.click();
    await follow.waitFor({ state: "hidden" });
    expect(await fromEnd()).to.be.below(40);
    await within(client.exited, END_TIMEOUT_MS, "the end of the build");
    await log.getByText(new RegExp(`tick ${TICKS}\\s*$`)).waitFor();
  });

  it("is shown as canceled where its client goes", async () => {
    const context = await world().builds.context("canceled", { Dockerfile: slowDockerfile(60, "canceled") });
    const { client, build } = await startSlowBuild(world().builds, context, 1);
    const page = await world().open(`#/builds/${build.ref}/graph`);
    await slowStep(page, "running").waitFor();
    await client.stop();
    await page.getByText("canceled", { exact: true }).first().waitFor();
    await slowStep(page, "canceled").waitFor();
  });

  it("is shown as lost where MemoBuild died in its midst", async () => {
    const context = await world().builds.context("lost", { Dockerfile: slowDockerfile(60, "lost") });
    const { client, build } = await startSlowBuild(world().builds, context, 1);
    await world().builds.kill();
    await client.stop();
    await world().builds.startAgain();
    const page = await world().open(`#/builds/${build.ref}/graph`);
    await page.getByText("lost", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: "Remove record" }).waitFor();
    await page.goto(`${world().builds.memoBuild.http}/#/builds?outcome=lost`);
    await page.getByRole("link", { name: "lost", exact: true }).waitFor();
  });
});
