/** The page around its views: how it is served, found by keyboard, and what it does when MemoBuild is not there. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { expectAccessible } from "./browser.js";
import { usePageWorld } from "./page-world.js";

const ASSETS = fileURLToPath(new URL("../../../extension-ui/dist/assets", import.meta.url));
const BUNDLE_MAX_BYTES = 350_000;
const VIEWS = ["overview", "builds", "cache", "builders", "settings"];

describe("the page", () => {
  const world = usePageWorld();

  it("is small, and complete by itself", async () => {
    const sizes = readdirSync(ASSETS).map((name) => gzipSync(readFileSync(join(ASSETS, name))).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.within(1, BUNDLE_MAX_BYTES);
    const page = await world().open("#/overview");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    const strangers = asked.filter((url) => !url.startsWith(world().builds.memoBuild.http));
    expect(strangers, "asked of others").to.deep.equal([]);
  });

  it("is served with a policy that lets in nothing else", async () => {
    const { headers } = await fetch(world().builds.memoBuild.http);
    expect(headers.get("content-security-policy")).to.include("default-src 'none'").and.include("script-src 'self'");
    expect(headers.get("x-content-type-options")).to.equal("nosniff");
  });

  it("is used by keyboard: the first key leads past the navigation, the next ones through it", async () => {
    const page = await world().open("#/overview");
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: "Skip to the content" });
    expect(await skip.evaluate((link) => link === document.activeElement)).to.equal(true);
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal("main");
    await page.getByRole("link", { name: "Builders" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Builders" }).waitFor();
    expect(await page.getByRole("link", { name: "Builders" }).getAttribute("aria-current")).to.equal("page");
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`meets WCAG AA in every view before the first build, ${scheme}`, async () => {
      const page = await world().open("#/overview", { scheme, width: 1024, height: 768 });
      for (const view of VIEWS) {
        await page.goto(`${world().builds.memoBuild.http}/#/${view}`);
        await page.getByRole("heading", { level: 1, name: view }).waitFor();
        await page
          .getByRole("status", { name: /^Loading/ })
          .first()
          .waitFor({ state: "hidden" });
        await expectAccessible(page);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, `${view} is wider than the window`).to.be.at.most(0);
      }
    });
  }

  it("says so where there is no such view", async () => {
    const page = await world().open("#/nowhere");
    await page.getByRole("heading", { name: "There is no such view" }).waitFor();
  });

  it("keeps its navigation when a view fails", async () => {
    const page = await world().open("#/nowhere");
    await page.route("**/api/v1/builders", (route) => route.fulfill({ json: { builders: 7 } }));
    await page.getByRole("link", { name: "Builders" }).click();
    await page.getByText("This view has failed").waitFor();
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    // React tells of what failed.
    await world().closePages((complaint) => complaint.length > 0);
  });
});

describe("a page without its MemoBuild", () => {
  const world = usePageWorld();
  const isExpected = (complaint: string): boolean => /Failed to (load resource|fetch)|ERR_|EventSource/.test(complaint);

  it("says what is wrong, from a file too, and never waits without end", async () => {
    const { page } = await world().openFile("#/builds");
    await page.getByText("MemoBuild does not answer").first().waitFor();
    expect(await page.getByRole("button", { name: "Try again" }).count()).to.be.at.least(1);
    expect(await page.getByRole("progressbar").count()).to.equal(0);
    await world().closePages((complaint) => isExpected(complaint) || /file:|CORS|origin|URL scheme/i.test(complaint));
  });

  it("goes on by itself when MemoBuild is back", async () => {
    const page = await world().open("#/builders");
    await page.getByText("embedded").or(page.getByText("unix://")).first().waitFor();
    const { http } = world().builds.memoBuild;
    await world().builds.memoBuild.stop();
    await page.getByText("MemoBuild does not answer").first().waitFor();
    await world().builds.startAgain("--http", http.replace("http://", ""));
    await page.getByText("MemoBuild does not answer").first().waitFor({ state: "hidden" });
    await world().closePages(isExpected);
  });
});
