/** The page as the tab of Docker Desktop: over the extension's socket, whatever shape its host answers in. */
import { expect } from "chai";
import { BRIDGE_SHAPES } from "./desktop-bridge.js";
import { usePageWorld } from "./page-world.js";

describe("the tab of Docker Desktop", () => {
  const world = usePageWorld();

  for (const shape of BRIDGE_SHAPES) {
    it(`shows builds as they come where the host answers with the ${shape}`, async () => {
      const context = await world().builds.context(`tab-${shape}`, {
        Dockerfile: "FROM scratch\nCOPY f /\n",
        f: shape,
      });
      const { page } = await world().openAsExtension("#/builds", shape);
      await page.getByRole("heading", { level: 1, name: "Builds" }).waitFor();
      await world().builds.build(context);
      await page
        .getByRole("row", { name: new RegExp(`tab-${shape}`) })
        .first()
        .waitFor();
    });

    it(`shows what the API refused where the host answers with the ${shape}`, async () => {
      const { page } = await world().openAsExtension("#/builds/nosuchbuild/graph", shape);
      await page.getByText("there is no build nosuchbuild").first().waitFor();
    });
  }

  it("creates the builder with one click, and says so when it is there already", async () => {
    const { page, bridge } = await world().openAsExtension("#/settings", "body");
    const create = page.getByRole("button", { name: "Create builder" });
    await create.click();
    await page.getByText('The builder "memobuild" is there.').waitFor();
    await create.click();
    await page.getByText('There is a builder "memobuild" already, and it leads here.').waitFor();
    const created = bridge.commands.find(([command, verb]) => command === "buildx" && verb === "create") ?? [];
    expect(created).to.include.members(["--driver", "remote", "--name", "memobuild"]);
    const context = await world().builds.context("by-click", { Dockerfile: "FROM scratch\nCOPY f /\n", f: "1" });
    // Else its result would be loaded into the local Docker, and there is none.
    const args = ["--builder", "memobuild", "--output", "type=cacheonly"];
    const { outcome } = await world().builds.recordOf(() => world().builds.build(context, ...args));
    expect(outcome).to.equal("succeeded");
  });

  it("lives without a socket to its container: it says so", async () => {
    const { page } = await world().openFile("#/overview", () => {
      Object.assign(globalThis, { ddClient: { extension: {}, docker: { cli: {} }, host: {} } });
    });
    await page.getByText("MemoBuild does not answer").first().waitFor();
    await world().closePages(() => true);
  });
});
