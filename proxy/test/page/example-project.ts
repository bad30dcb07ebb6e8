/** A project of a team, to be shown: three services that are compiled side by side, and a release of all. */
import { readFile } from "node:fs/promises";
import { BUSYBOX } from "../support/command.js";

const SERVICES = ["web", "api", "worker"] as const;

/** As a program that is worth waiting for does: it says what it does, and takes its time. */
const script = (pauseS: number, ...says: readonly string[]): string =>
  ["#!/bin/sh", ...says.map((text) => `echo ${text}; sleep ${(pauseS / says.length).toFixed(2)}`), ""].join("\n");

const DOCKERFILE = `FROM scratch AS base
COPY --chmod=755 busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]

FROM base AS deps
WORKDIR /src
COPY --chmod=755 scripts scripts
COPY packages.txt .
RUN scripts/install packages.txt
${SERVICES.map(
  (service) => `
FROM deps AS ${service}
COPY ${service} ${service}
RUN scripts/compile ${service}
RUN scripts/check ${service}
`,
).join("")}
FROM base AS release
${SERVICES.map((service) => `COPY --from=${service} /src/${service} /app/${service}\n`).join("")}`;

/** Of a context. */
export const exampleProject = async (): Promise<Record<string, string | Uint8Array>> => ({
  Dockerfile: DOCKERFILE,
  busybox: await readFile(BUSYBOX),
  "packages.txt": "router\nqueue\ntemplates\n",
  "scripts/install": script(2.4, "resolving packages", "fetching 212 packages", "linking"),
  "scripts/compile": `${script(1.8, "compiling $1", "optimizing $1")}date > $1/out\n`,
  "scripts/check": script(0.9, "checking $1", "all checks passed"),
  ...Object.fromEntries(SERVICES.map((service) => [`${service}/main.src`, `the code of ${service}\n`])),
  "docker-bake.hcl": [
    'group default { targets = ["web", "api"] }\n',
    ...["web", "api"].map((service) => `target ${service} { target = "${service}" }\n`),
  ].join(""),
});
