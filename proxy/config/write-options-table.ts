/** Script behind `npm run docs:options`: brings the options in docs/configuration.md up to date. */
import { readFileSync, writeFileSync } from "node:fs";
import { withOptions } from "./options-table.js";

const page = new URL("../../docs/configuration.md", import.meta.url);
writeFileSync(page, withOptions(readFileSync(page, "utf8")));
