/** The view of the cache: what it holds and lost, as the command line tells it; pins, and prunes that were seen before. */
import { expect } from "chai";
import type { Page } from "playwright-core";
import { formatBytes } from "../../../extension-ui/src/parts/format.js";
import type { ExportSummary } from "../../cache/cache-index.js";
import { SHELL } from "../system/world.js";
import { expectAccessible } from "./browser.js";
import { usePageWorld } from "./page-world.js";

const DOCKERFILE = `${SHELL}COPY file /\nRUN cat /file > /copy\n`;

describe("the view of the cache", () => {
  const world = usePageWorld();

  const build = async (project: string): Promise<void> => {
    const { builds } = world();
    const context = await builds.context(project, { Dockerfile: DOCKERFILE, file: project });
    const { outcome } = await builds.recordOf(() => builds.build(context));
    expect(outcome).to.equal("succeeded");
    await builds.exported();
  };

  const listed = async (project = ""): Promise<readonly ExportSummary[]> => {
    const exports = (await world().memobuild("cache", "ls")) as readonly ExportSummary[];
    return exports.filter((summary) => summary.project.includes(project));
  };

  const onlyOf = async (project: string): Promise<ExportSummary> => {
    const [summary, ...others] = await listed(project);
    expect(others).to.deep.equal([]);
    if (summary === undefined) throw new Error(`the cache holds an export of ${project}`);
    return summary;
  };

  const openProject = async (project: string): Promise<Page> => {
    const page = await world().open("#/cache");
    await page.getByRole("link", { name: project }).click();
    await page.getByRole("heading", { name: `Exports of ${project}` }).waitFor();
    return page;
  };

  before(async () => {
    await build("shop");
    await build("blog");
  });

  it("shows each project with its exports, their size and hits", async () => {
    const page = await world().open("#/cache");
    for (const project of ["shop", "blog"]) {
      const { hits, sizeBytes } = await onlyOf(project);
      const row = page.getByRole("table", { name: "Projects" }).getByRole("row").filter({ hasText: project });
      await row.waitFor();
      const [exports, size, , , shownHits] = await row.getByRole("cell").allTextContents();
      expect({ exports, size, shownHits }).to.deep.equal({
        ...{ exports: "1", size: formatBytes(sizeBytes), shownHits: hits.toString() },
      });
    }
    const { storeBytes } = await world().builds.api.cache.usage();
    await page.getByText(`${formatBytes(storeBytes)} of `).waitFor();
    await page.getByText("Nothing was removed yet").waitFor();
  });

  it("counts as a hit what a builder was given that had nothing of its own", async () => {
    const { hits } = await onlyOf("shop");
    const page = await openProject("shop");
    const hitsCell = page.getByRole("table", { name: "Exports" }).getByRole("row").nth(1).getByRole("cell").nth(2);
    expect(await hitsCell.textContent()).to.equal(hits.toString());
    await world().builds.killDaemon();
    await world().builds.startDaemon();
    await build("shop");
    const given = await onlyOf("shop");
    expect(given.hits).to.equal(hits + 1);
    // The page finds out by itself.
    await hitsCell.getByText(given.hits.toString(), { exact: true }).waitFor();
  });

  it("pins an export and lets it go again", async () => {
    const { id } = await onlyOf("shop");
    const page = await openProject("shop");
    await page.getByRole("button", { name: `Pin export ${id.toString()}` }).click();
    const unpin = page.getByRole("button", { name: `Unpin export ${id.toString()}` });
    await unpin.waitFor();
    await page.getByText("(1 pinned)").waitFor();
    expect((await onlyOf("shop")).isPinned).to.equal(true);
    await unpin.click();
    await page.getByText("(0 pinned)").waitFor();
    expect((await onlyOf("shop")).isPinned).to.equal(false);
  });

  it("says what is wrong with a limit of a prune, and offers none before its preview", async () => {
    const page = await world().open("#/cache");
    await page.getByRole("button", { name: "Prune…" }).click();
    const dialog = page.getByRole("dialog", { name: "Prune the cache" });
    await dialog.getByLabel("Not used for").fill("7");
    await dialog.getByText("A time needs a unit").waitFor();
    expect(await dialog.getByRole("button", { name: "Preview" }).isDisabled()).to.equal(true);
    expect(await dialog.getByRole("button", { name: "Prune", exact: true }).isDisabled()).to.equal(true);
  });

  it("prunes what its preview showed, keeps what is pinned, and tells of it", async () => {
    // A MemoBuild that knows of no build holds nothing for one.
    await world().builds.restart();
    const kept = await onlyOf("shop");
    const gone = await onlyOf("blog");
    await world().builds.api.cache.setPinned(kept.id, true);
    const page = await world().open("#/cache");
    await page.getByRole("button", { name: "Prune…" }).click();
    const dialog = page.getByRole("dialog", { name: "Prune the cache" });
    await dialog.getByRole("button", { name: "Preview" }).click();
    const preview = await dialog.getByRole("status").filter({ hasText: "This would go: 1 export" }).textContent();
    const wouldGo = dialog.getByRole("table", { name: "Exports that would go" }).getByRole("row");
    await wouldGo.nth(1).getByRole("cell", { name: gone.project, exact: true }).waitFor();
    expect(await wouldGo.count()).to.equal(2);
    await expectAccessible(page);
    expect(await listed()).to.have.length(2);

    await dialog.getByRole("button", { name: "Prune", exact: true }).click();
    const outcome = await dialog.getByRole("status").filter({ hasText: "Removed: " }).textContent();
    expect(outcome).to.equal(preview?.replace("This would go", "Removed"));
    expect((await listed()).map(({ id }) => id)).to.deep.equal([kept.id]);

    await dialog.getByRole("button", { name: "Close" }).click();
    const removed = page.getByRole("table", { name: "Removed exports" }).getByRole("row").nth(1);
    await removed.getByRole("link", { name: gone.project }).waitFor();
    await removed.getByText("Pruned by hand").waitFor();
    await page.getByRole("link", { name: "shop" }).waitFor();
    expect(await page.getByRole("table", { name: "Projects" }).getByText("blog").count()).to.equal(0);
  });

  it("meets WCAG AA with what it holds and with what it lost", async () => {
    await world().expectAccessible("#/cache", async (page) => {
      await page.getByRole("table", { name: "Projects" }).waitFor();
      await page.getByRole("table", { name: "Removed exports" }).waitFor();
    });
    await world().expectAccessible("#/cache?project=shop", (page) =>
      page.getByText("Pinned", { exact: true }).waitFor(),
    );
  });
});

describe("the view of a cache that is off", () => {
  const world = usePageWorld({ args: ["--cache", "off"] });

  it("says so, and how to switch it on", async () => {
    const show = async (page: Page): Promise<void> => {
      await page.getByRole("heading", { name: "The shared cache is off" }).waitFor();
      await page.getByText("memobuild serve --cache on").waitFor();
      expect(await page.getByRole("button", { name: "Prune…" }).count()).to.equal(0);
    };
    await world().expectAccessible("#/cache", show);
    // The refusals that the view learns it from.
    await world().closePages((complaint) => complaint.includes("Failed to load resource"));
  });
});
