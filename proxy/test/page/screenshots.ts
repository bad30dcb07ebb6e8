/**
 * `npm run screenshots`: pictures of the page in docs/screenshots, of builds by real builders; what stands for the day
 * before are copies of their records. Needs `make ui`.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { BuildRecord } from "../../builds/build-record.js";
import { SqliteHistory } from "../../builds/sqlite-history.js";
import { openDatabase } from "../../database/open-database.js";
import { pageTokenFile } from "../../http/page-token.js";
import { createLogger } from "../../log/create-logger.js";
import { FarmWorld } from "../farm/farm-world.js";
import { hashOf } from "../support/build-records.js";
import type { Buildx } from "../support/buildx.js";
import { ROOT } from "../support/command.js";
import { poll } from "../support/poll.js";
import { writeFiles } from "../support/temp-dir.js";
import { launchBrowser, openPage } from "./browser.js";
import { exampleProject } from "./example-project.js";

const DIR = join(ROOT, "docs/screenshots");
/** Twice as many pixels each way: 2400 x 1600, as Docker's marketplace wants them. */
const LOOK = { scheme: "light", width: 1200, height: 800, scale: 2 } as const;
const BUILDERS = 2;
const EARLIER_BUILDS = 150;
const EARLIEST_MS = 22 * 3_600_000;
const LATEST_MS = 3_600_000;
const EXPORTED_TIMEOUT_MS = 60_000;
/** Enough for a line. */
const USAGE_SAMPLES = 5;
const USAGE_TIMEOUT_MS = 180_000;

interface Shown {
  /** Of a build that missed the cache because a file changed. */
  readonly missed: string;
}

/** A day of builds before these: the same ones at other times, more of them by day than by night. */
async function fillHistory(dataDir: string, records: readonly BuildRecord[]): Promise<void> {
  const logger = createLogger({ level: "error", format: "text", stream: process.stderr });
  const database = openDatabase({ path: join(dataDir, "cache/index.db"), logger });
  const history = new SqliteHistory(database, { now: Date.now });
  for (let build = 1; build <= EARLIER_BUILDS; build += 1) {
    const chance = parseInt(hashOf(build).slice(0, 4), 16);
    const record = records[chance % records.length];
    if (record === undefined || (record.outcome === "failed" && chance % 3 > 0)) continue;
    const share = (build + Math.sin((build / EARLIER_BUILDS) * Math.PI * 2) * 12) / EARLIER_BUILDS;
    const startedAtMs = Date.now() - EARLIEST_MS * share - LATEST_MS;
    const endedAtMs = startedAtMs + ((record.endedAtMs ?? record.startedAtMs) - record.startedAtMs);
    const copy = { ...record, ref: hashOf("earlier", build).slice(0, 25), group: "", startedAtMs, endedAtMs };
    await history.begin({ ...copy, outcome: "running", endedAtMs: undefined });
    await history.finish(copy);
  }
  database.close();
}

async function buildAll(world: FarmWorld): Promise<Shown> {
  const client = await world.client();
  const shop = await world.context("shop", await exampleProject());
  const bake = await world.client(1);
  await client.run(["build", shop]);
  await world.ended();
  await elsewhere(world, () => client.run(["build", shop]));
  await writeFiles(shop, { "web/main.src": "the code of web, which was changed\n" });
  await client.run(["build", shop]);
  await bake.run(["bake"], { cwd: shop });
  await world.ended();
  await otherProjects(world, client);
  await writeFiles(shop, { "api/main.src": "the code of api, which was changed\n" });
  await client.run(["build", shop]);
  await exported(world);
  const [newest] = await world.api.cache.list({ project: "shop", limit: 1 });
  if (newest !== undefined) await world.api.cache.setPinned(newest.id, true);
  const [latest] = await world.ended("shop");
  return { missed: latest?.ref ?? "" };
}

async function exported(world: FarmWorld): Promise<void> {
  await poll(
    () => world.series(),
    (series) => series.get("memobuild_cache_export_jobs") === 0,
    { what: "all exports have ended", timeoutMs: EXPORTED_TIMEOUT_MS },
  );
}

/** On the other builder, which has to take from the shared cache what the first one made. */
async function elsewhere(world: FarmWorld, action: () => Promise<unknown>): Promise<void> {
  await exported(world);
  const home = await world.homeOf("shop");
  await world.desk.drain(home);
  await action();
  await world.desk.undrain(home);
}

async function otherProjects(world: FarmWorld, client: Buildx): Promise<void> {
  const files = await exampleProject();
  const billing = await world.context("billing", files);
  await client.run(["build", billing]);
  await writeFiles(billing, { "scripts/check": "#!/bin/sh\necho 1 of 24 checks failed: totals of invoices\nexit 1\n" });
  await client.run(["build", billing]);
  await world.ended("billing");
}

async function shoot(
  page: Page,
  name: string,
  route: string,
  isReady: (page: Page) => Promise<unknown>,
): Promise<void> {
  await page.goto(route);
  await isReady(page);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(DIR, `${name}.png`), animations: "disabled" });
}

async function shootAll(world: FarmWorld, { missed }: Shown): Promise<void> {
  const browser = await launchBrowser();
  const { http } = world.memoBuild;
  const token = (await readFile(pageTokenFile(join(world.dir, "data")), "utf8")).trim();
  const opened = await openPage(browser, `${http}/?token=${token}`, LOOK);
  const { page } = opened;
  const heading = (name: string) => async (shown: Page) => {
    await shown.getByRole("heading", { level: 1, name }).waitFor();
    await shown.getByRole("progressbar", { name: /^Loading/ }).waitFor({ state: "hidden" });
  };
  try {
    await shoot(page, "overview", `${http}/#/overview`, async (shown) => {
      await heading("Overview")(shown);
      await shown.getByText("1 running").first().waitFor();
      await shown.getByText(/What costs most/).waitFor();
    });
    await shoot(page, "builds", `${http}/#/builds?since=1h`, (shown) => shown.getByText("runs [").first().waitFor());
    await shoot(page, "graph", `${http}/#/builds/${missed}/graph`, (shown) =>
      shown.getByRole("button", { name: /first miss/ }).waitFor(),
    );
    await shoot(page, "why", `${http}/#/builds/${missed}/why`, (shown) =>
      shown.getByRole("table", { name: "Changed files" }).first().waitFor(),
    );
    await shoot(page, "cache", `${http}/#/cache?project=shop`, (shown) =>
      shown.getByRole("button", { name: /unpin/i }).first().waitFor(),
    );
    await poll(
      async () => (await world.desk.usageHistory()).load.length,
      (samples) => samples >= USAGE_SAMPLES,
      { what: "figures of a while", timeoutMs: USAGE_TIMEOUT_MS, intervalMs: 1000 },
    );
    await shoot(page, "builders", `${http}/#/builders`, async (shown) => {
      await heading("Builders")(shown);
      await shown.getByText(/^Up/).first().waitFor();
    });
  } finally {
    await opened.close();
    await browser.close();
  }
}

/** One that still runs while pictures are taken. */
async function startRunning(world: FarmWorld): Promise<{ stop(): Promise<unknown> }> {
  const context = await world.context("search", {
    ...(await exampleProject()),
    "scripts/install": "#!/bin/sh\nfor n in $(seq 300); do echo fetching package $n; sleep 1; done\n",
  });
  const running = (await world.client()).start(["build", context]);
  await poll(
    async () => (await world.all("search"))[0]?.counts.completed ?? 0,
    (completed) => completed >= 4,
    { what: "a build runs", timeoutMs: 60_000 },
  );
  return running;
}

await mkdir(DIR, { recursive: true });
const world = await FarmWorld.start({ builders: BUILDERS });
try {
  const shown = await buildAll(world);
  const records = await Promise.all((await world.all()).map(({ ref }) => world.api.builds.build(ref)));
  await world.memoBuild.stop();
  await fillHistory(join(world.dir, "data"), records);
  await world.restart();
  await world.allUp(BUILDERS);
  const running = await startRunning(world);
  await shootAll(world, shown).finally(() => running.stop());
} finally {
  await world.stop();
}
