/** The graph of a build of more than 60 steps: seen, moved in, read by keyboard, and what of it missed the cache. */
import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { writeFiles } from "../support/temp-dir.js";
import { expectAccessible } from "./browser.js";
import { GRAPH_STEPS, graphProject, LOADING_STEPS, SLOWEST_STAGE, STAGE_STEPS, STAGES } from "./graph-project.js";
import { usePageWorld } from "./page-world.js";

const CHANGED_FILE = 4;

const steps = (page: Page): Locator => page.locator(".react-flow__node-step");
/** A step of the drawing, by the beginning of its name. */
const stepNamed = (page: Page, name: string): Locator =>
  page.getByRole("button", { name: new RegExp(`^\\[${name.replaceAll("/", "\\/")}\\] `) });
const scaleOf = async (page: Page): Promise<number> =>
  page.locator(".react-flow__viewport").evaluate((viewport) => new DOMMatrix(getComputedStyle(viewport).transform).a);
/** How many steps are wholly within the frame of the drawing. */
const inSight = (page: Page): Promise<number> =>
  page.locator(".react-flow").evaluate((drawing) => {
    const frame = drawing.getBoundingClientRect();
    const boxes = [...drawing.querySelectorAll(".react-flow__node-step")].map((step) => step.getBoundingClientRect());
    return boxes.filter(
      ({ bottom, left, right, top }) =>
        left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom,
    ).length;
  });

describe("the graph of a build", () => {
  const world = usePageWorld();
  let context = "";
  let first = "";

  const buildIt = async (): Promise<string> => (await world().builds.recordOf(() => world().builds.build(context))).ref;

  const openGraph = async (ref: string, query = ""): Promise<Page> => {
    const page = await world().open(`#/builds/${ref}/graph${query}`, { width: 1400, height: 1000 });
    await steps(page).first().waitFor();
    return page;
  };

  before(async () => {
    context = await world().builds.context("shop", graphProject());
    first = await buildIt();
  });

  it("has all steps in sight, by stage", async () => {
    const page = await openGraph(first);
    await steps(page)
      .nth(GRAPH_STEPS - 1)
      .waitFor();
    expect(await steps(page).count()).to.equal(GRAPH_STEPS);
    const stages = await page.locator(".react-flow__node-stage").allInnerTexts();
    expect(stages).to.have.members(["(no stage)", "shell", ...STAGES, "release"]);
    expect(await inSight(page)).to.equal(GRAPH_STEPS);
  });

  it("is zoomed, and fits again", async () => {
    const page = await openGraph(first);
    const fitted = await scaleOf(page);
    const zoomIn = page.getByRole("button", { name: "Zoom In" });
    for (let times = 0; times < 6; times += 1) await zoomIn.click();
    expect(await scaleOf(page)).to.be.above(fitted * 2);
    expect(await inSight(page)).to.be.below(GRAPH_STEPS);
    await page.getByRole("button", { name: "Fit View" }).click();
    expect(await scaleOf(page)).to.be.closeTo(fitted, 0.01);
    expect(await inSight(page)).to.equal(GRAPH_STEPS);
  });

  it("shows a step beside it by keyboard, keeps it in the address, and lets it go with Escape", async () => {
    const page = await openGraph(first);
    await stepNamed(page, `api 3/${STAGE_STEPS}`).focus();
    await page.keyboard.press("Enter");
    const panel = page.getByRole("region", { name: "Step" });
    await panel.getByRole("heading", { name: "COPY api/2 /api/2" }).waitFor();
    await panel.getByText("Dockerfile:").waitFor();
    await page.reload();
    await panel.getByRole("heading", { name: "COPY api/2 /api/2" }).waitFor();
    await panel.focus();
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    expect(page.url()).to.not.include("step=");
  });

  it("marks the path that was critical", async () => {
    const page = await openGraph(first);
    const slowest = stepNamed(page, `${SLOWEST_STAGE} ${STAGE_STEPS}/${STAGE_STEPS}`);
    expect(await slowest.getAttribute("aria-label")).to.match(/, on the critical path$/);
    const marked = await page.locator(".react-flow__node-step .step.critical").count();
    await page.getByText(new RegExp(`Critical path: ${marked} steps`)).waitFor();
    const others = page.getByRole("button", { name: /^\[(web|api|docs) .*, on the critical path$/ });
    expect(await others.count(), "of stages that others wait for less").to.equal(0);
  });

  it("has a table of the same", async () => {
    const page = await openGraph(first);
    await page.getByRole("button", { name: "As table" }).click();
    const table = page.getByRole("table", { name: "Steps by stage" });
    expect(await table.getByRole("link").count()).to.equal(GRAPH_STEPS);
    await table.getByRole("link", { name: `[docs 1/${STAGE_STEPS}] COPY docs/0 /docs/0` }).click();
    await page.getByRole("region", { name: "Step" }).getByText("COPY docs/0 /docs/0").first().waitFor();
    await expectAccessible(page);
  });

  it("marks the first miss and all that it led to, where a file changed", async () => {
    await writeFiles(context, { [`api/${CHANGED_FILE}`]: "changed\n" });
    const page = await openGraph(await buildIt());
    await steps(page)
      .nth(GRAPH_STEPS - 1)
      .waitFor();
    const miss = page.getByRole("button", { name: /first miss/ });
    expect(await miss.count()).to.equal(1);
    expect(await miss.getAttribute("aria-label")).to.include(`COPY api/${CHANGED_FILE} `);
    // The rest of its stage, and of the last stage what stands on a copy from it.
    const followed = STAGE_STEPS - CHANGED_FILE - 1 + STAGES.length - STAGES.indexOf("api");
    expect(await page.getByRole("button", { name: /because of it/ }).count()).to.equal(followed);
    const cached = GRAPH_STEPS - LOADING_STEPS - followed - 1;
    expect(await page.getByRole("button", { name: /cached: builder/ }).count()).to.equal(cached);
    await miss.click();
    const panel = page.getByRole("region", { name: "Step" });
    await panel.getByText(`the file api/${CHANGED_FILE} in the build context changed`).waitFor();
    await stepNamed(page, `api ${STAGE_STEPS}/${STAGE_STEPS}`).click();
    await panel.getByRole("button", { name: "Show where it began" }).click();
    await panel.getByRole("heading", { name: `COPY api/${CHANGED_FILE} ` }).waitFor();
  });

  it("says which cache a step came from", async () => {
    const { builds } = world();
    await builds.exported();
    await builds.killDaemon();
    await builds.startDaemon();
    const page = await openGraph(await buildIt());
    const cached = GRAPH_STEPS - LOADING_STEPS;
    await page
      .getByRole("button", { name: /cached: shared/ })
      .nth(cached - 1)
      .waitFor();
    await page.getByText(`${cached} cached`).waitFor();
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`meets WCAG AA, ${scheme}`, async () => {
      const page = await world().open(`#/builds/${first}/graph?step=3`, { scheme, width: 1024 });
      await steps(page).first().waitFor();
      await page.getByRole("region", { name: "Step" }).waitFor();
      await expectAccessible(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, "wider than the window").to.be.at.most(0);
    });
  }
});
