/** Script behind `npm run docs:metrics`: brings the table of docs/metrics.md up to date with what is served. */
import { readFileSync, writeFileSync } from "node:fs";
import { startMemoBuild } from "../support/memobuild.js";
import { documentedMetrics, servedMetrics, withMetrics } from "./metrics-table.js";

const path = new URL("../../../docs/metrics.md", import.meta.url);
const page = readFileSync(path, "utf8");
const memoBuild = await startMemoBuild();
try {
  writeFileSync(path, withMetrics(page, servedMetrics(await memoBuild.metrics(), documentedMetrics(page))));
} finally {
  await memoBuild.stop();
}
