/** The list of builds: live, filtered by what its address says, two of it compared. */
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { slowDockerfile } from "../builds/slow-build.js";
import { within } from "../support/poll.js";
import { writeFiles } from "../support/temp-dir.js";
import { expectAccessible } from "./browser.js";
import { isMarked, markPage } from "./page-mark.js";
import { usePageWorld } from "./page-world.js";

const END_TIMEOUT_MS = 60_000;
const ONE_FILE = { Dockerfile: "FROM scratch\nCOPY f /\nCOPY g /\n", f: "f", g: "g" };

const rowOf = (page: Page, project: string): Locator =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name: project, exact: true }) });

describe("the list of builds", () => {
  const world = usePageWorld();

  const built = async (name: string, files: Readonly<Record<string, string>> = ONE_FILE): Promise<string> => {
    const context = await world().builds.context(name, files);
    await world().builds.recorded(() => world().builds.build(context));
    return context;
  };

  it("shows a build from its beginning to its end without being loaded anew", async () => {
    const context = await world().builds.context("slow", { Dockerfile: slowDockerfile(5) });
    const page = await world().open("#/builds");
    await page.getByText("There are no builds yet").waitFor();
    await markPage(page);
    const client = world().builds.buildx.start(world().builds.command(context));
    const row = rowOf(page, "slow");
    await row.getByText("running").waitFor();
    await row.getByText("runs [shell 3/3] RUN for tick").waitFor();
    await row.getByText(/^\d+ of \d+ steps$/).waitFor();
    await within(client.exited, END_TIMEOUT_MS, "the end of the build");
    await row.getByText("succeeded").waitFor();
    await row.getByText(/^\d+ steps$/).waitFor();
    await row.getByText("no earlier build").waitFor();
    expect(await isMarked(page)).to.equal(true);
  });

  it("keeps its filters in the address", async () => {
    await built("failing", { Dockerfile: "FROM scratch\nCOPY nothing /\n" });
    await built("other");
    const page = await world().open("#/builds");
    await rowOf(page, "other").waitFor();
    await page.getByLabel("Outcome").selectOption("failed");
    await rowOf(page, "other").waitFor({ state: "hidden" });
    await rowOf(page, "failing").waitFor();
    await page.getByLabel("Project contains").fill("fail");
    await page.waitForURL(/#\/builds\?outcome=failed&project=fail$/);
    await page.reload();
    await rowOf(page, "failing").waitFor();
    expect(await page.getByLabel("Outcome").inputValue()).to.equal("failed");
    expect(await page.getByLabel("Project contains").inputValue()).to.equal("fail");
    expect(await page.getByRole("row").count(), "the head and one build").to.equal(2);
    await page.getByLabel("Outcome").selectOption("canceled");
    await page.getByText("No build matches").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await rowOf(page, "other").waitFor();
    await page.waitForURL(/#\/builds$/);
  });

  it("lists a build that begins only where it matches the filters", async () => {
    const page = await world().open("#/builds?project=wanted");
    await page.getByText("No build matches").waitFor();
    await built("not-this");
    await built("wanted");
    await rowOf(page, "wanted").waitFor();
    expect(await page.getByRole("row").count(), "the head and one build").to.equal(2);
  });

  it("shows the targets of one bake together", async () => {
    const target = (name: string): string => `target ${name} { dockerfile = "${name}.Dockerfile" }\n`;
    const context = await world().builds.context("baked", {
      ...{ "web.Dockerfile": "FROM scratch\nCOPY f /web\n", "api.Dockerfile": "FROM scratch\nCOPY f /api\n", f: "f" },
      "docker-bake.hcl": `group default { targets = ["web", "api"] }\n${target("web")}${target("api")}`,
    });
    await world().builds.recorded(() => world().builds.buildx.run(["bake"], { cwd: context }), 2);
    const page = await world().open("#/builds");
    const group = page.getByRole("rowgroup").filter({ hasText: "2 builds of one client" });
    await group.waitFor();
    expect(await group.getByRole("link", { name: "baked", exact: true }).count()).to.equal(2);
  });

  it("leads to the comparison of two", async () => {
    const context = await built("compared");
    for (const g of ["one", "two"]) {
      await writeFiles(context, { g });
      await world().builds.recorded(() => world().builds.build(context));
    }
    const page = await world().open("#/builds?project=compared");
    const boxes = page.getByRole("checkbox", { name: /^Select compared/ });
    await boxes.nth(1).waitFor();
    expect(await page.getByRole("button", { name: "Select two to compare" }).isDisabled()).to.equal(true);
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    expect(await boxes.nth(2).isDisabled(), "a third").to.equal(true);
    await page.getByRole("link", { name: "Compare the two" }).click();
    await page.getByRole("heading", { level: 1, name: "Compare builds" }).waitFor();
    const steps = page.getByRole("table", { name: "Steps of both builds" });
    const [changed, same] = ["COPY g /", "COPY f /"].map((name) => steps.getByRole("row").filter({ hasText: name }));
    await changed
      ?.getByText(/ran \d/)
      .nth(1)
      .waitFor();
    expect(await same?.count(), "steps that do not differ").to.equal(0);
    await page.getByLabel(/^All \d+ steps$/).check();
    await same?.waitFor();
    await expectAccessible(page);
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`meets WCAG AA, ${scheme}`, async () => {
      const page = await world().open("#/builds", { scheme, width: 1024 });
      await rowOf(page, "slow").waitFor();
      await expectAccessible(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, "wider than the window").to.be.at.most(0);
    });
  }
});
