/** Times the page in a browser: until it can be used, frames while a large graph is moved, memory under live events. */
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, CDPSession, Page } from "playwright-core";
import { launchBrowser, openPage } from "../../proxy/test/page/browser.js";
import { ROOT, runOk } from "../../proxy/test/support/command.js";
import { median, quantile } from "../stats.js";
import { EVENTS_PER_BUILD, LARGE_REF, type PageServer, startPageServer } from "./page-server.js";

const FILE = join(ROOT, "docs/benchmarks/page.json");
const BUILDS = 10_000;
const STEPS = 1000;
const ROUNDS = 10;
const INTERACTIVE_TARGET_MS = 1000;
const FRAMES_TARGET = 50;
const PAN_MS = 3000;
const LIVE_BUILDS_PER_S = 5;
const HEAP_SAMPLES = 12;

export interface PageBenchOptions {
  /** Of live events. */
  readonly minutes: number;
  readonly save: boolean;
}

interface Result {
  readonly listMs: readonly number[];
  readonly graphMs: readonly number[];
  /** Times between frames, in milliseconds. */
  readonly frameMs: readonly number[];
  /** Heap in use after a collection, in bytes, from the first minute on. */
  readonly heapBytes: readonly number[];
  readonly events: number;
}

/** From the start of the navigation until the selector is there and the page answers: two frames later. */
async function timeUntil(browser: Browser, url: string, selector: string): Promise<number> {
  const opened = await openPage(browser, "about:blank");
  try {
    await opened.page.addInitScript((wanted) => {
      const look = (): void => {
        if (document.querySelector(wanted) === null) requestAnimationFrame(look);
        else requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("usable")));
      };
      look();
    }, selector);
    await opened.page.goto(url);
    const mark = await opened.page.waitForFunction(() => performance.getEntriesByName("usable")[0]?.startTime);
    return Number(await mark.jsonValue());
  } finally {
    await opened.close();
  }
}

/** Drags the graph about and returns the times between frames. */
async function pan(page: Page): Promise<number[]> {
  await page.waitForSelector(".react-flow__node");
  const box = await page.locator(".react-flow__pane").boundingBox();
  if (box === null) throw new Error("the graph has no place on the page");
  const [x, y] = [box.x + box.width / 2, box.y + box.height - 20];
  await page.evaluate(() => {
    const frames: number[] = [];
    Object.assign(globalThis, { frames });
    const frame = (atMs: number): void => {
      frames.push(atMs);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await page.mouse.move(x, y);
  await page.mouse.down();
  const startedMs = performance.now();
  for (let move = 0; performance.now() - startedMs < PAN_MS; move++) {
    await page.mouse.move(x + 250 * Math.sin(move / 15), y - 150 * Math.abs(Math.sin(move / 25)));
  }
  await page.mouse.up();
  const frames = await page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames);
  return frames.slice(1).map((atMs, index) => atMs - (frames[index] ?? atMs));
}

async function heapOf(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize;
}

async function watchMemory(
  page: Page,
  server: PageServer,
  { minutes }: PageBenchOptions,
  signal: AbortSignal,
): Promise<Pick<Result, "heapBytes" | "events">> {
  const session = await page.context().newCDPSession(page);
  const heapBytes: number[] = [];
  const sliceMs = (minutes * 60_000) / HEAP_SAMPLES;
  let builds = 0;
  for (let sample = 0; sample < HEAP_SAMPLES; sample++) {
    const endsMs = performance.now() + sliceMs;
    while (performance.now() < endsMs) {
      await server.liveBuild();
      builds += 1;
      await sleep(1000 / LIVE_BUILDS_PER_S, undefined, { signal });
    }
    heapBytes.push(await heapOf(session));
  }
  return { heapBytes, events: builds * EVENTS_PER_BUILD };
}

async function measure(options: PageBenchOptions, signal: AbortSignal): Promise<Result> {
  const server = await startPageServer(BUILDS, STEPS);
  const browser = await launchBrowser();
  try {
    const list = `${server.url}#/builds`;
    const graph = `${server.url}#/builds/${LARGE_REF}/graph`;
    const [listMs, graphMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted();
      listMs.push(await timeUntil(browser, list, "main tbody tr"));
      graphMs.push(await timeUntil(browser, graph, ".react-flow__node"));
    }
    const drawn = await openPage(browser, graph);
    const frameMs = await pan(drawn.page);
    await drawn.close();
    const live = await openPage(browser, list);
    await live.page.waitForSelector("main tbody tr");
    const memory = await watchMemory(live.page, server, options, signal);
    await live.close();
    return { listMs, graphMs, frameMs, ...memory };
  } finally {
    await browser.close();
    await server.close();
  }
}

const verdict = (isMet: boolean): string => (isMet ? "met" : "missed");

function report({ minutes }: PageBenchOptions, { events, frameMs, graphMs, heapBytes, listMs }: Result): string {
  const usable = (what: string, times: readonly number[]): string => {
    const isMet = median(times) <= INTERACTIVE_TARGET_MS;
    return (
      `${what}: usable after ${median(times).toFixed(0)} ms (slowest of ${times.length}: ${Math.max(...times).toFixed(0)} ms), ` +
      `target ${INTERACTIVE_TARGET_MS} ms: ${verdict(isMet)}`
    );
  };
  const frames = 1000 / (frameMs.reduce((sum, ms) => sum + ms, 0) / frameMs.length);
  const mib = heapBytes.map((bytes) => (bytes / 2 ** 20).toFixed(1));
  return [
    usable(`${BUILDS} builds in the history, the list`, listMs),
    usable(`a build of ${STEPS} steps, its graph`, graphMs),
    `the same graph moved about: ${frames.toFixed(1)} frames/s, 99 % within ${quantile(frameMs, 0.99).toFixed(0)} ms, ` +
      `target ${FRAMES_TARGET} frames/s: ${verdict(frames >= FRAMES_TARGET)}`,
    `${events} live events within ${minutes} minutes, heap after collections, MiB: ${mib.join(" ")}`,
  ].join("\n");
}

/** Keeps the rows in docs/ and returns the report. Needs `make ui`. */
export async function benchPage(options: PageBenchOptions, signal: AbortSignal): Promise<string> {
  const loadBefore = loadavg()[0] ?? NaN;
  const result = await measure(options, signal);
  const record = {
    ...{ case: "page", node: process.version, date: new Date().toISOString(), loadBefore, minutes: options.minutes },
    commit: (await runOk("git", ["describe", "--always", "--dirty"], { cwd: ROOT })).trim(),
    ...{ cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, ...result },
  };
  if (options.save) await writeFile(FILE, `${JSON.stringify([record], null, 1)}\n`);
  return report(options, result);
}
