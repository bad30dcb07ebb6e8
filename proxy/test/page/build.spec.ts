/** What is known of a build that has ended: why it ran what it did, what it printed, what it was made of. */
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import type { BuildOutcome } from "../../builds/build-record.js";
import { writeFiles } from "../support/temp-dir.js";
import { SHELL } from "../system/world.js";
import { expectAccessible } from "./browser.js";
import { usePageWorld } from "./page-world.js";

/** Each tab, and what is seen there once it has its data. */
const TABS = {
  graph: "COPY src",
  timeline: "COPY src",
  logs: "red words",
  why: "First miss",
  details: "TOKEN",
} as const;
const SECRET = "marker-of-an-argument";
const APP = `${SHELL}
FROM shell AS app
ARG TOKEN
COPY src /src
RUN printf '\\033[31mred words\\033[0m and plain ones\\n' && for n in $(seq 30); do echo line $n; done && test -n "$TOKEN"
RUN echo from the second step && cat /src/a.txt > /all
`;
const FILES = { Dockerfile: APP, "src/a.txt": "a\n", "src/b.txt": "b\n" };

/** A printed line, whose time stands before it. */
const lineOf = (log: Locator, text: RegExp): Locator => log.locator(".line").filter({ hasText: text });

describe("a build", () => {
  const world = usePageWorld();
  const args = ["--build-arg", `TOKEN=${SECRET}`];
  let context = "";
  let ref = "";

  const buildIt = async (
    files: Readonly<Record<string, string>>,
    expected: BuildOutcome = "succeeded",
  ): Promise<string> => {
    await writeFiles(context, files);
    const record = await world().builds.recordOf(() => world().builds.build(context, ...args));
    expect(record.outcome, record.error).to.equal(expected);
    return record.ref;
  };
  const openTab = (tab: string, of: string = ref): Promise<Page> => world().open(`#/builds/${of}/${tab}`);

  before(async () => {
    context = await world().builds.context("shop", {});
    await buildIt(FILES);
    ref = await buildIt({ "src/b.txt": "another\n" });
  });

  it("is explained: the file that changed, and what ran because of it", async () => {
    const page = await openTab("why");
    const miss = page.getByRole("region", { name: /^First miss: .*COPY src \/src/ });
    await miss.getByText("the file src/b.txt in the build context changed").waitFor();
    const files = miss.getByRole("table", { name: "Changed files" });
    expect(await files.getByRole("row").count(), "the head and one file").to.equal(2);
    await files.getByRole("cell", { name: "src/b.txt" }).waitFor();
    await miss.getByText("Because of it ran 2 more steps").waitFor();
    await page.getByText(/^\d+ of \d+ steps ran, \d+ came from a cache/).waitFor();
    await miss.getByRole("link", { name: "In the graph" }).click();
    await page.getByRole("region", { name: "Step" }).getByText("src/b.txt", { exact: true }).waitFor();
  });

  it("is explained with a hint where one helps", async () => {
    const page = await openTab("why", await buildIt({ "src/debug.log": "noise\n" }));
    await page.getByText("the file src/debug.log in the build context is new").waitFor();
    await page.getByText(/^Hint:.*\.dockerignore/).waitFor();
  });

  it("needs no explanation where nothing ran", async () => {
    const page = await openTab("why", await buildIt({}));
    await page.getByText("No step missed the cache.").waitFor();
  });

  it("shows its log: searched, by step, with colours", async () => {
    const page = await openTab("logs");
    const log = page.getByRole("log", { name: "Log" });
    await lineOf(log, /from the second step\s*$/).waitFor();
    await page.getByLabel("Search").fill("LINE 3");
    await page.getByText("2 found").waitFor();
    await page.getByLabel("Search").press("Enter");
    await page.getByText("1 of 2").waitFor();
    await log.locator(".current").getByText("line 3").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await log.locator(".current").getByText("line 30").waitFor();
    const red = log.getByText("red words", { exact: true });
    const colour = await red.evaluate((words) => getComputedStyle(words).color);
    const plain = await log.evaluate((box) => getComputedStyle(box).color);
    expect(colour).to.not.equal(plain);
    expect((await log.locator(".line").allInnerTexts()).join("\n"))
      .to.include("red words")
      .and.not.include("[31m");
    const second = page.getByRole("option", { name: /RUN echo from the second step/ });
    await page.getByLabel("Step", { exact: true }).selectOption((await second.getAttribute("value")) ?? "");
    await red.waitFor({ state: "hidden" });
    await lineOf(log, /from the second step\s*$/).waitFor();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    expect((await download).suggestedFilename()).to.match(/^build-.*\.log$/);
  });

  it("has a timeline with a bar of each step, which leads to the graph", async () => {
    const page = await openTab("timeline");
    const stage = page.getByRole("region", { name: "Stage app" });
    await stage.getByRole("link").nth(2).waitFor();
    expect(await stage.getByRole("link").count()).to.equal(3);
    await stage.getByRole("link", { name: /^\[app 1\/3\] COPY src.* began after .*took / }).waitFor();
    const shell = page.getByRole("region", { name: "Stage shell" });
    await shell
      .getByRole("link", { name: /cached: builder/ })
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Zoom in" }).click();
    const timeline = page.getByRole("group", { name: "Timeline" });
    expect(await timeline.evaluate((box) => box.scrollWidth / box.clientWidth)).to.be.above(1.8);
    await stage.getByRole("link", { name: /RUN printf/ }).click();
    await page
      .getByRole("region", { name: "Step" })
      .getByRole("heading", { name: /RUN printf/ })
      .waitFor();
  });

  it("tells what it was made of, and of arguments the names alone", async () => {
    const page = await openTab("details");
    const inputs = page.getByRole("region", { name: "Inputs" });
    await inputs.getByText("TOKEN", { exact: true }).waitFor();
    const sent = inputs.getByRole("table", { name: "Sent by the client" });
    await sent.getByRole("row").filter({ hasText: "context" }).first().waitFor();
    await page
      .getByRole("region", { name: "Steps and outputs" })
      .getByText(/\d of \d steps \(\d builder\)/)
      .waitFor();
    for (const [tab, seen] of Object.entries(TABS)) {
      await page.goto(`${world().builds.memoBuild.http}/#/builds/${ref}/${tab}`);
      await page.getByRole("tab", { name: tab, selected: true }).waitFor();
      await page.getByRole("tabpanel").getByText(seen).locator("visible=true").first().waitFor();
      expect(await page.content(), tab).to.not.include(SECRET);
    }
  });

  it("shows what made it fail, and leads to its log", async () => {
    const failing = `${APP}RUN echo no luck today && exit 3\n`;
    const page = await openTab("graph", await buildIt({ Dockerfile: failing }, "failed"));
    await buildIt({ Dockerfile: APP });
    await page
      .getByRole("alert")
      .getByText(/exit code: 3/)
      .waitFor();
    await page.getByRole("button", { name: /RUN echo no luck today.*, failed/ }).click();
    await page
      .getByRole("region", { name: "Step" })
      .getByText(/^Failed: .*exit code: 3/)
      .waitFor();
    await page.getByRole("link", { name: "Read the logs" }).click();
    await lineOf(page.getByRole("log", { name: "Log" }), /no luck today\s*$/).waitFor();
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`meets WCAG AA in every tab, each by its own address, ${scheme}`, async () => {
      for (const [tab, seen] of Object.entries(TABS)) {
        const page = await world().open(`#/builds/${ref}/${tab}`, { scheme, width: 1024 });
        await page.getByRole("tab", { name: tab, selected: true }).waitFor();
        await page.getByRole("tabpanel").getByText(seen).locator("visible=true").first().waitFor();
        await expectAccessible(page);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, `${tab} is wider than the window`).to.be.at.most(0);
      }
    });
  }

  it("is removed after one was asked, and then is there no more", async () => {
    const removed = await buildIt({ "src/b.txt": "to be removed\n" });
    const page = await openTab("details", removed);
    await page.getByRole("button", { name: "Remove record" }).click();
    await page.getByRole("button", { name: "Keep it" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect((await world().builds.builds.build(removed)).ref).to.equal(removed);
    await page.getByRole("button", { name: "Remove record" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("heading", { level: 1, name: "Builds" }).waitFor();
    expect((await world().builds.all()).map((build) => build.ref)).to.not.include(removed);
    await page.goto(`${world().builds.memoBuild.http}/#/builds/${removed}/graph`);
    await page.getByText(`there is no build ${removed}`).waitFor();
    await page.getByRole("link", { name: "All builds" }).click();
    await page.getByRole("heading", { level: 1, name: "Builds" }).waitFor();
    // The browser tells of what was not found.
    await world().closePages((complaint) => complaint.includes("404"));
  });
});
