/** Debian's Chromium for tests of the page: what the page complains of fails the test that saw it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "chai";
import { type Browser, chromium, type Page } from "playwright-core";

export const COLOR_SCHEMES = ["light", "dark"] as const;
export type ColorScheme = (typeof COLOR_SCHEMES)[number];

export interface Look {
  readonly scheme?: ColorScheme;
  readonly width?: number;
  readonly height?: number;
  /** Device pixels for each of the page's. */
  readonly scale?: number;
}

/** A page, and all that it said was wrong. */
export interface Opened {
  readonly page: Page;
  readonly look: Look;
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** Longer than any view takes on a busy machine. */
const WAIT_MS = 20_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Functions that run in the page have been through tsx, which lets one of its own name them. */
const NAMED_BY_TSX = "globalThis.__name = (value) => value";
const WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/** Where Debian's package puts it. */
export function launchBrowser(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  return chromium.launch({ executablePath: "/usr/bin/chromium", args });
}

/** @param prepare runs before the page's own scripts do. */
export async function openPage(
  browser: Browser,
  url: string,
  { scheme = "light", width = 1280, height = 800, scale = 1 }: Look = {},
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<Opened> {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    deviceScaleFactor: scale,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  await page.addInitScript(NAMED_BY_TSX);
  await prepare(page);
  await page.goto(url);
  return { page, look: { scheme, width, height, scale }, complaints, close: () => context.close() };
}

interface AxeViolation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Fails where a part of the page is beyond WCAG 2.1 AA, and names it. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: unknown): Promise<{ violations: AxeViolation[] }> };
    };
    return (await axe.run({ runOnly: tags })).violations;
  }, WCAG_AA);
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = "" }) => `${id}: ${help}\n  ${html.slice(0, 300)}\n  ${failureSummary}`),
  );
  expect(found.join("\n"), `what axe finds at ${page.url()}`).to.equal("");
}
