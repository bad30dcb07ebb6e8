/** Specs for deploy/: dashboard, rules and compose file speak of what MemoBuild really has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse } from "yaml";
import { z } from "zod";
import { OPTIONS } from "../proxy/config/options.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DEPLOY = join(ROOT, "deploy");
/** What a histogram has beside its name. */
const SERIES = /_(?:bucket|sum|count)$/;

const read = (path: string): string => readFileSync(join(DEPLOY, path), "utf8");
const unique = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** By the reference, which is written from what a running MemoBuild has. */
function metricsThatExist(): ReadonlySet<string> {
  const rows = readFileSync(join(ROOT, "docs/metrics.md"), "utf8").matchAll(/^\| `(memobuild_\w+)`/gm);
  return new Set([...rows].map(([, name = ""]) => name));
}

const queries = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })).min(1),
});
const rules = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })).min(1) })),
});
const compose = z.looseObject({
  services: z.record(z.string(), z.looseObject({ command: z.array(z.string()).optional() })),
});

const dashboardQueries = (): string[] =>
  queries
    .parse(JSON.parse(read("grafana/memobuild.json")))
    .panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const ruleQueries = (): string[] =>
  rules.parse(parse(read("prometheus/rules.yml"))).groups.flatMap((group) => group.rules.map(({ expr }) => expr));

describe("deploy", () => {
  for (const [name, listed] of [
    ["dashboard", dashboardQueries],
    ["rules", ruleQueries],
  ] as const) {
    it(`has a ${name} of metrics that exist`, () => {
      const used = unique(listed().flatMap((expr) => expr.match(/memobuild_\w+/g) ?? []));
      const known = metricsThatExist();
      expect(used.length).to.be.greaterThan(4);
      expect(used.filter((metric) => !known.has(metric) && !known.has(metric.replace(SERIES, "")))).to.deep.equal([]);
    });
  }

  it("gives MemoBuild options that exist, as the extension does", () => {
    const known = OPTIONS.map(({ name }) => name as string);
    for (const text of [read("compose/compose.yaml"), readFileSync(join(ROOT, "docker-compose.yaml"), "utf8")]) {
      const command = compose.parse(parse(text, { merge: true })).services["memobuild"]?.command ?? [];
      const given = command.flatMap((word) => /^--([\w-]+)/.exec(word)?.[1] ?? []);
      expect(given.length).to.be.greaterThan(4);
      expect(unique(given).filter((option) => !known.includes(option))).to.deep.equal([]);
    }
  });

  it("stops MemoBuild before its builders, as does the extension, and gives both more time than running builds get", () => {
    const service = z.looseObject({
      privileged: z.boolean().optional(),
      stop_grace_period: z.string().optional(),
      depends_on: z.record(z.string(), z.object({ restart: z.boolean() })).optional(),
    });
    const project = z.looseObject({ services: z.record(z.string(), service) });
    const drainTimeout = OPTIONS.find(({ name }) => name === "drain-timeout");
    for (const text of [read("compose/compose.yaml"), readFileSync(join(ROOT, "docker-compose.yaml"), "utf8")]) {
      const { services } = project.parse(parse(text, { merge: true }));
      const builders = Object.keys(services).filter((name) => services[name]?.privileged === true);
      const before = services["memobuild"]?.depends_on ?? {};
      expect(Object.keys(before)).to.deep.equal(builders);
      expect(Object.values(before).every(({ restart }) => restart)).to.equal(true);
      for (const name of ["memobuild", ...builders]) {
        const graceS = Number.parseInt(services[name]?.stop_grace_period ?? "", 10);
        expect(graceS, name).to.be.greaterThan(Number.parseInt(drainTimeout?.defaults[0] ?? "", 10));
      }
    }
  });

  it("publishes beyond this machine nothing but the port that asks for certificates", () => {
    const services = z.record(z.string(), z.looseObject({ ports: z.array(z.string()).optional() }));
    const all = services.parse(compose.parse(parse(read("compose/compose.yaml"), { merge: true })).services);
    const open = Object.values(all).flatMap(({ ports = [] }) => ports.filter((port) => !port.startsWith("127.0.0.1:")));
    expect(open).to.deep.equal(["8372:8372"]);
  });
});
