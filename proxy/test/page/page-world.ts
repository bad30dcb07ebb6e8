/** A MemoBuild with real builds behind it, and a browser that shows its page. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import { apiSocketPath } from "../../config/data-dir.js";
import { pageTokenFile } from "../../http/page-token.js";
import { BuildsWorld, type BuildsWorldOptions } from "../builds/builds-world.js";
import { ROOT, run } from "../support/command.js";
import { COLOR_SCHEMES, expectAccessible, launchBrowser, type Look, openPage, type Opened } from "./browser.js";
import { type Bridge, bridgeDesktop, type BridgeShape } from "./desktop-bridge.js";

const PAGE_FILE = fileURLToPath(new URL("../../../extension-ui/dist/index.html", import.meta.url));

/** Not in the repository. */
const PICTURES = join(ROOT, ".tools/pictures");
const PICTURE_MS = 5000;

export class PageWorld {
  readonly builds: BuildsWorld;
  readonly #browser: Browser;
  readonly #opened: Opened[] = [];

  private constructor(builds: BuildsWorld, browser: Browser) {
    this.builds = builds;
    this.#browser = browser;
  }

  static async start(options?: BuildsWorldOptions): Promise<PageWorld> {
    if (!existsSync(PAGE_FILE)) throw new Error(`${PAGE_FILE} is missing: run "make ui" first`);
    const builds = await BuildsWorld.start(options);
    try {
      return new PageWorld(builds, await launchBrowser());
    } catch (error) {
      await builds.stop();
      throw error;
    }
  }

  /** The web page. @param route such as "#/builds" */
  async open(route: string, look?: Look): Promise<Page> {
    const token = (await readFile(pageTokenFile(this.builds.dataDir), "utf8")).trim();
    return this.#keep(await openPage(this.#browser, `${this.builds.memoBuild.http}/?token=${token}${route}`, look));
  }

  /** The tab of Docker Desktop, from its file. */
  async openAsExtension(route: string, shape: BridgeShape, look?: Look): Promise<{ page: Page; bridge: Bridge }> {
    const socketPath = apiSocketPath(this.builds.dataDir);
    let bridge: Bridge = { commands: [], opened: [] };
    const opened = await openPage(this.#browser, `${pathToFileURL(PAGE_FILE).href}${route}`, look, async (page) => {
      bridge = await bridgeDesktop(page, { socketPath, shape, buildx: this.builds.buildx });
    });
    return { page: this.#keep(opened), bridge };
  }

  /** From its file, with whatever `install` puts into its window first: no Docker Desktop, or an odd one. */
  async openFile(route: string, install: () => void = () => undefined): Promise<{ page: Page }> {
    const url = `${pathToFileURL(PAGE_FILE).href}${route}`;
    const prepare = async (page: Page): Promise<void> => {
      await page.addInitScript(install);
    };
    return { page: this.#keep(await openPage(this.#browser, url, {}, prepare)) };
  }

  /** Shows it in both themes: axe looks at each, once `show` has brought the page to where its data is seen. */
  async expectAccessible(route: string, show: (page: Page) => Promise<unknown>): Promise<void> {
    for (const scheme of COLOR_SCHEMES) {
      const page = await this.open(route, { scheme });
      await show(page);
      await expectAccessible(page);
    }
  }

  /** What the command line prints with `--format json`. */
  async memobuild(...args: string[]): Promise<unknown> {
    const host = ["--host", `unix://${apiSocketPath(this.builds.dataDir)}`];
    const { code, stderr, stdout } = await run(join(ROOT, "bin/memobuild"), [...args, "--format", "json", ...host]);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout.toString());
  }

  #keep(opened: Opened): Page {
    this.#opened.push(opened);
    return opened.page;
  }

  /** Closes the pages of a test. @param isExpected complaints that the test brought about */
  async closePages(isExpected: (complaint: string) => boolean = () => false): Promise<void> {
    const opened = this.#opened.splice(0);
    for (const one of opened) {
      await keepPicture(one);
      await one.close();
    }
    const complaints = opened.flatMap((page) => page.complaints).filter((complaint) => !isExpected(complaint));
    expect(complaints.join("\n"), "what the page wrote to the console").to.equal("");
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.builds.stop();
  }
}

/** For a person to look at: how each page looked at the end of its test; the latest of the same kind stays. */
async function keepPicture({ look, page }: Opened): Promise<void> {
  const { hash, protocol } = new URL(page.url());
  const view = hash
    .split("?", 1)
    .join("")
    .replace(/[a-z0-9]{25}/g, "ref")
    .replace(/[^a-z]+/gi, "-");
  const host = protocol === "file:" ? "-in-desktop" : "";
  const name = `page${view}${host}-${look.scheme ?? ""}-${look.width ?? ""}.png`;
  // A page that is stuck has no picture; its test says why.
  await page.screenshot({ path: join(PICTURES, name), fullPage: true, timeout: PICTURE_MS }).catch(() => undefined);
}

/** Starts one before the tests of a `describe` block and stops it after; the result is valid within tests only. */
export function usePageWorld(options?: BuildsWorldOptions): () => PageWorld {
  const current: { world?: PageWorld } = {};
  before(async () => {
    current.world = await PageWorld.start(options);
  });
  afterEach(async () => {
    await current.world?.closePages();
  });
  after(async () => {
    await current.world?.stop();
  });
  return () => {
    if (current.world === undefined) throw new Error("the world exists within tests only");
    return current.world;
  };
}
