/** Tells whether a page was loaded anew. */
import type { Page } from "playwright-core";

/** Gone with the page's window. */
export const markPage = (page: Page): Promise<void> =>
  page.evaluate(() => {
    Object.assign(globalThis, { isMarked: true });
  });

export const isMarked = (page: Page): Promise<boolean> => page.evaluate(() => "isMarked" in globalThis);
