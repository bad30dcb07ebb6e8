/** The overview: its figures are those of the metrics and of the command line, and it lives. */
import { join } from "node:path";
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { formatBytes, formatDuration, formatShare } from "../../../extension-ui/src/parts/format.js";
import type { Figures } from "../../builds/history.js";
import { slowDockerfile, startSlowBuild } from "../builds/slow-build.js";
import { readSeries, type Series } from "../support/series.js";
import { SHELL } from "../system/world.js";
import { usePageWorld } from "./page-world.js";

const DOCKERFILE = `${SHELL}RUN echo early > /early\nCOPY file /\nRUN cat /file > /late && sleep 0.2\n`;
const FAILING = `${DOCKERFILE}RUN exit 9\n`;
const TICKS = 60;

function sumOf(series: Series, name: string, label = ""): number {
  const own = [...series].filter(([key]) => key.startsWith(`${name}{`) && key.includes(label));
  return own.reduce((sum, [, value]) => sum + value, 0);
}

describe("the overview", () => {
  const world = usePageWorld();

  const tile = (page: Page, name: string): Locator => page.getByRole("group", { name, exact: true });
  const stats = async (): Promise<Figures> => (await world().memobuild("stats")) as Figures;

  before(async () => {
    const { builds } = world();
    for (const [file, dockerfile] of [
      ["one", DOCKERFILE],
      ["two", DOCKERFILE],
      ["two", FAILING],
      ["one", DOCKERFILE],
      ["two", DOCKERFILE],
    ] as const) {
      const context = await builds.context("app", { Dockerfile: dockerfile, file });
      await builds.recorded(() => builds.build(context));
      await builds.exported();
    }
  });

  it("shows the figures that the command line has", async () => {
    const page = await world().open("#/overview");
    const { builds, cachedSteps, cacheableSteps, failed, fetchedBytes, hitRate, savedMs, succeeded } = await stats();
    expect({ builds, failed, succeeded }).to.deep.equal({ builds: 5, failed: 1, succeeded: 4 });
    await tile(page, "Builds").getByText("5", { exact: true }).waitFor();
    await tile(page, "Builds").getByText("4 succeeded, 1 failed").waitFor();
    await tile(page, "Hit rate")
      .getByText(formatShare(hitRate ?? NaN), { exact: true })
      .waitFor();
    await tile(page, "Hit rate").getByText(`${cachedSteps.toString()} of ${cacheableSteps.toString()} steps`).waitFor();
    expect(savedMs).to.be.greaterThan(0);
    await tile(page, "Time saved").getByText(formatDuration(savedMs), { exact: true }).waitFor();
    await tile(page, "Cache fetched").getByText(formatBytes(fetchedBytes), { exact: true }).waitFor();
  });

  it("shows what /metrics counts", async () => {
    const page = await world().open("#/overview");
    const series = await readSeries(world().builds.memoBuild);
    const builds = sumOf(series, "memobuild_builds_total");
    await tile(page, "Builds").getByText(builds.toString(), { exact: true }).waitFor();
    const cached = sumOf(series, "memobuild_build_steps_total", "cached_");
    await tile(page, "Hit rate").getByText(`${cached.toString()} of `).waitFor();
    const savedMs = 1000 * (series.get("memobuild_build_saved_seconds_total") ?? NaN);
    // The history keeps whole milliseconds.
    expect((await stats()).savedMs).to.be.closeTo(savedMs, builds);
    const cache = page.getByRole("region", { name: "Shared cache" });
    const [stored, limit] = [
      series.get("memobuild_cache_store_bytes"),
      series.get('memobuild_cache_limit_bytes{kind="soft"}'),
    ];
    await cache.getByText(`${formatBytes(stored ?? NaN)} of ${formatBytes(limit ?? NaN)} used`).waitFor();
    await page.getByRole("region", { name: "Builders" }).getByText("1 up", { exact: true }).waitFor();
  });

  it("says what costs most, and what to do", async () => {
    const { costsMost } = await stats();
    expect(costsMost?.text).to.match(/made \d+ steps? run again/);
    const page = await world().open("#/overview");
    const sentence = page.getByRole("note").filter({ hasText: `What costs most: ${costsMost?.text ?? "?"}` });
    await sentence.getByText(costsMost?.hint ?? "?").waitFor();
    const why = page.getByRole("table", { name: "Why steps ran" });
    await why.getByRole("row").filter({ hasText: "Changed files" }).waitFor();
  });

  it("says in words and in a table what its charts show", async () => {
    const page = await world().open("#/overview");
    const chart = page.getByRole("img", { name: /^Builds per hour\./ });
    await chart.waitFor();
    const figure = page.getByRole("region").or(page.locator("section")).filter({ has: chart });
    await figure.getByText("As a table").click();
    const rows = figure.getByRole("table", { name: "Builds per hour" }).getByRole("row");
    const counts = await rows
      .filter({ has: page.getByRole("cell") })
      .evaluateAll((all) => all.map((row) => [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent))));
    expect(counts).to.have.length(24);
    expect(counts.flat().reduce((sum, count) => sum + count, 0)).to.equal(5);
  });

  it("shows a running build as it goes on, and takes it away when it has ended", async () => {
    const page = await world().open("#/overview");
    const running = page.getByRole("region", { name: "Running builds" });
    await running.getByText("0 running").waitFor();
    const context = await world().builds.context("slow", { Dockerfile: slowDockerfile(TICKS) });
    const { client } = await startSlowBuild(world().builds, context, 1);
    await running.getByRole("link", { name: "slow" }).waitFor();
    await running.getByText(/RUN for tick/).waitFor();
    await running.getByText("1 running").waitFor();
    expect((await readSeries(world().builds.memoBuild)).get("memobuild_builds_running")).to.equal(1);
    client.signal("SIGINT");
    await client.exited;
    await running.getByRole("link", { name: "slow" }).waitFor({ state: "hidden" });
    await running.getByText("0 running").waitFor();
    await tile(page, "Builds").getByText("6", { exact: true }).waitFor();
  });

  it("looks at another window of time, which stays in the address", async () => {
    const page = await world().open("#/overview");
    await page.getByRole("button", { name: "7 days" }).click();
    await page.getByRole("heading", { name: "Builds per 6 hours" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Builds per 6 hours" }).waitFor();
    expect(await page.getByRole("button", { name: "7 days" }).getAttribute("aria-pressed")).to.equal("true");
  });

  it("meets WCAG AA with figures and charts", async () => {
    await world().expectAccessible("#/overview", (page) => page.getByRole("img", { name: /^Client wait/ }).waitFor());
  });
});

describe("the overview of an empty installation", () => {
  const world = usePageWorld();

  it("shows three steps, and ticks each as it is done", async () => {
    const { builds } = world();
    const page = await world().open("#/overview");
    await page.getByRole("heading", { name: "Three steps to a shared cache" }).waitFor();
    expect(await page.getByRole("img", { name: /^Builds per/ }).count()).to.equal(0);
    const step = (title: string): Locator => page.getByRole("listitem").filter({ hasText: title });
    const isTold = (title: string, what: "Done" | "To do"): Promise<void> =>
      step(title).getByRole("img", { name: what }).or(step(title).getByTitle(what)).first().waitFor();
    /** What the page says that one types, `docker` left out. */
    const commandOf = async (title: string): Promise<readonly string[]> => {
      const text =
        (await step(title)
          .getByText(/^docker buildx/)
          .first()
          .textContent()) ?? "";
      return text.split(" ").slice(2);
    };
    const build = async (title: string): Promise<void> => {
      const context = await builds.context("first", { Dockerfile: DOCKERFILE, file: "one" });
      const told = (await commandOf(title)).slice(1, -1);
      expect(told).to.include("--load");
      // There is no local Docker to load it into.
      const output = ["--output", `type=docker,dest=${join(builds.dir, "image.tar")}`];
      const args = told.flatMap((arg) => (arg === "--load" ? output : [arg]));
      await builds.recorded(() => builds.build(context, ...args));
      await builds.exported();
    };
    const titles = ["1. Create the builder", "2. Build with it", "3. Build again"] as const;
    for (const title of titles) await isTold(title, "To do");

    const created = await builds.buildx.run(await commandOf(titles[0]));
    expect(created.code, created.stderr).to.equal(0);
    await builds.buildx.run(["inspect", "--bootstrap", "memobuild"]);
    await isTold(titles[0], "Done");
    await isTold(titles[1], "To do");

    await build(titles[1]);
    await isTold(titles[1], "Done");
    await isTold(titles[2], "To do");

    const pruned = await builds.buildx.run(await commandOf(titles[2]));
    expect(pruned.code, pruned.stderr).to.equal(0);
    await build(titles[1]);
    await isTold(titles[2], "Done");
    await page.getByRole("heading", { name: "It works: a build took steps from the shared cache" }).waitFor();
    await page.getByRole("img", { name: /^Builds per hour\./ }).waitFor();
  });
});
