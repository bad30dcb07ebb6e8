/** What Docker asks of the labels of an extension's image. */
import semver from "semver";
import { z } from "zod";

const REQUIRED = [
  "org.opencontainers.image.title",
  "org.opencontainers.image.description",
  "org.opencontainers.image.vendor",
  "com.docker.desktop.extension.api.version",
  "com.docker.desktop.extension.icon",
  "com.docker.extension.screenshots",
  "com.docker.extension.detailed-description",
  "com.docker.extension.publisher-url",
  "com.docker.extension.changelog",
  "com.docker.extension.categories",
] as const;
const CATEGORIES = [
  ...["ci-cd", "container-orchestration", "cloud-deployment", "cloud-development", "database", "kubernetes"],
  ...["networking", "image-registry", "security", "testing-tools", "utility-tools", "volumes"],
];
/** That of the Docker Desktops of 2026. */
const API_VERSION = "0.4.2";
const HTML_PROBLEM = /<\s*(?:script|style|iframe)|\son\w+\s*=|(?:src|href)\s*=\s*["']?\s*(?:data|javascript):/i;

export type Labels = Readonly<Record<string, string>>;

const https = z.url({ protocol: /^https$/ });
const text = z.string().min(1);
const screenshots = z.array(z.strictObject({ alt: text, url: https })).min(1);
const additionalUrls = z.array(z.strictObject({ title: text, url: https }));

function parsed<T>(schema: z.ZodType<T>, value: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

/** The addresses of the screenshots; empty where the label cannot be read. */
export function screenshotUrls(labels: Labels): readonly string[] {
  const found = parsed(screenshots, labels["com.docker.extension.screenshots"] ?? "") ?? [];
  return found.map(({ url }) => url);
}

type Check = (value: string) => string | undefined;

const unless = (isFine: boolean, problem: string): string | undefined => (isFine ? undefined : problem);
const isHttps: Check = (value) => unless(https.safeParse(value).success, "is no https URL");
const isPlainHtml: Check = (value) => unless(!HTML_PROBLEM.test(value), "has scripts, styles or data in its HTML");

/** Of labels that have a value. */
const CHECKS: Readonly<Record<string, Check>> = {
  "org.opencontainers.image.title": (value) => unless(!/extension/i.test(value), 'has the word "extension"'),
  "com.docker.desktop.extension.api.version": (value) => {
    if (semver.validRange(value) === null) return "is no range of versions";
    return unless(semver.satisfies(API_VERSION, value), `does not admit ${API_VERSION}`);
  },
  "com.docker.desktop.extension.icon": (value) =>
    isHttps(value) ?? unless(/\.(?:svg|png|jpe?g)$/.test(value), "names no .svg, .png or .jpg"),
  "com.docker.extension.screenshots": (value) =>
    unless(parsed(screenshots, value) !== undefined, "is no JSON array of {alt, url} with https URLs"),
  "com.docker.extension.detailed-description": isPlainHtml,
  "com.docker.extension.publisher-url": isHttps,
  "com.docker.extension.changelog": isPlainHtml,
  "com.docker.extension.categories": (value) => {
    const unknown = value.split(",").filter((category) => !CATEGORIES.includes(category));
    return unless(unknown.length === 0, `has what is no category: ${unknown.join(", ")}`);
  },
  "com.docker.extension.additional-urls": (value) =>
    unless(parsed(additionalUrls, value) !== undefined, "is no JSON array of {title, url} with https URLs"),
  "com.docker.extension.account-info": (value) => unless(value === "required", 'is neither empty nor "required"'),
};

export function labelProblems(labels: Labels): readonly string[] {
  const missing = REQUIRED.filter((name) => (labels[name] ?? "").trim() === "").map((name) => `${name} is missing`);
  const wrong = Object.entries(CHECKS).flatMap(([name, check]) => {
    const value = labels[name] ?? "";
    const problem = value === "" ? undefined : check(value);
    return problem === undefined ? [] : [`${name} ${problem}`];
  });
  return [...missing, ...wrong].map((problem) => `label ${problem}`);
}

/** @param version of package.json, which the program in the image says of itself. */
export function tagProblems(tag: string, version: string | undefined): readonly string[] {
  if (semver.valid(tag) !== tag) return [`tag "${tag}" is no semantic version, such as 1.2.3, without a v`];
  return tag === version ? [] : [`tag "${tag}" is not the version in package.json, ${version ?? "which has none"}`];
}
