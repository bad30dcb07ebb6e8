/** Script behind `npm run docs:openapi`: brings `docs/openapi.yaml` up to date. */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { describeApi } from "./openapi.js";

const NOTE = "# Made from proxy/http/api-calls.ts by `npm run docs:openapi`; a test compares them.\n";

const text = stringify(JSON.parse(JSON.stringify(describeApi())), { lineWidth: 0, aliasDuplicateObjects: false });
writeFileSync(new URL("../../docs/openapi.yaml", import.meta.url), NOTE + text);
