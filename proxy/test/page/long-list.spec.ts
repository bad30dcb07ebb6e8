/** The list of builds where there are more of them than one page has. */
import { join } from "node:path";
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { SqliteHistory } from "../../builds/sqlite-history.js";
import { openDatabase } from "../../database/open-database.js";
import { createLogger } from "../../log/create-logger.js";
import { hashOf, seriesBuild } from "../support/build-records.js";
import { usePageWorld } from "./page-world.js";

const BUILDS = 120;
const PAGE_ROWS = 50;
const MINUTE_MS = 60_000;

/** Of builds that have ended, a minute apart; each tells its number. */
async function fillHistory(dataDir: string): Promise<void> {
  const logger = createLogger({ level: "error", format: "text", stream: process.stderr });
  const database = openDatabase({ path: join(dataDir, "cache/index.db"), logger });
  const history = new SqliteHistory(database, { now: Date.now });
  const firstMs = Date.now() - (BUILDS + 1) * MINUTE_MS;
  for (let build = 1; build <= BUILDS; build += 1) {
    const startedAtMs = firstMs + build * MINUTE_MS;
    const times = { startedAtMs, endedAtMs: startedAtMs + 5_000 };
    const names = { ref: hashOf(build).slice(0, 25), group: "", project: `build-${build}` };
    const record = { ...seriesBuild(build, { projects: 1, steps: 3, newSteps: 1 }), ...names, ...times };
    await history.begin({ ...record, outcome: "running", endedAtMs: undefined });
    await history.finish(record);
  }
  database.close();
}

const rows = (page: Page): Locator =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name: /^build-/ }) });

/** Numbers of the builds that are listed. */
const listed = async (page: Page): Promise<number[]> =>
  (await page.getByRole("link", { name: /^build-/ }).allInnerTexts()).map((text) => Number(text.replace("build-", "")));

const latest = (count: number): number[] => Array.from({ length: count }, (_, index) => BUILDS - index);

describe("a list of 120 builds", () => {
  const world = usePageWorld();

  before(async () => {
    const { builds } = world();
    await builds.memoBuild.stop();
    await fillHistory(builds.dataDir);
    await builds.startAgain();
  });

  it("comes page by page, each build once, the latest first", async () => {
    const page = await world().open("#/builds");
    const more = page.getByRole("button", { name: "Load more" });
    for (let shown = PAGE_ROWS; shown < BUILDS; shown += PAGE_ROWS) {
      await rows(page)
        .nth(shown - 1)
        .waitFor();
      expect(await listed(page)).to.deep.equal(latest(shown));
      await more.click();
    }
    await rows(page)
      .nth(BUILDS - 1)
      .waitFor();
    expect(await listed(page)).to.deep.equal(latest(BUILDS));
    expect(await more.count(), "there is no more").to.equal(0);
  });

  it("keeps its place where a build begins between two pages", async () => {
    const page = await world().open("#/builds");
    await rows(page)
      .nth(PAGE_ROWS - 1)
      .waitFor();
    const context = await world().builds.context("meanwhile", { Dockerfile: "FROM scratch\nCOPY f /\n", f: "f" });
    await world().builds.recorded(() => world().builds.build(context));
    await page.getByRole("link", { name: "meanwhile", exact: true }).waitFor();
    await page.getByRole("button", { name: "Load more" }).click();
    await rows(page)
      .nth(PAGE_ROWS * 2 - 1)
      .waitFor();
    expect(await listed(page)).to.deep.equal(latest(PAGE_ROWS * 2));
    expect(await page.getByRole("row").nth(1).innerText(), "the first of all").to.include("meanwhile");
  });

  it("is filtered by MemoBuild, not only in what is shown", async () => {
    const page = await world().open("#/builds?project=build-1");
    await page.getByRole("link", { name: "build-1", exact: true }).waitFor();
    expect(await listed(page)).to.deep.equal(latest(BUILDS).filter((build) => build.toString().startsWith("1")));
  });
});
