/** All that is wrong with an extension, as far as its repository shows it: no Docker and no network are asked. */
import { z } from "zod";
import { finalStageOf, isCopied } from "./dockerfile.js";
import { imageSize } from "./image-size.js";
import { labelProblems, screenshotUrls, tagProblems } from "./labels.js";
import { composeProblems, readMetadata } from "./metadata.js";

const SCREENSHOT = { width: 2400, height: 1600 };
/** Where files of the repository are on the web: host, owner, name and branch go before the path. */
const IN_REPOSITORY = /^https:\/\/raw\.githubusercontent\.com\/[^/]+\/[^/]+\/[^/]+\/(.+)$/;

export interface Repository {
  /** Undefined where there is no such file. */
  read(path: string): Buffer | undefined;
}

function screenshotProblems(repository: Repository, url: string): readonly string[] {
  const path = IN_REPOSITORY.exec(url)?.[1];
  if (path === undefined) return [];
  const bytes = repository.read(path);
  if (bytes === undefined) return [`screenshot ${path} is missing`];
  const size = imageSize(bytes);
  if (size === undefined) return [`screenshot ${path} is neither PNG nor JPEG`];
  const isRight = size.width === SCREENSHOT.width && size.height === SCREENSHOT.height;
  return isRight
    ? []
    : [`screenshot ${path} is ${size.width}x${size.height}, not ${SCREENSHOT.width}x${SCREENSHOT.height}`];
}

const packageFile = z.object({ version: z.string() });

function versionIn(packageText: string | undefined): string | undefined {
  return packageText === undefined ? undefined : packageFile.safeParse(JSON.parse(packageText)).data?.version;
}

/** @param tag that the image is to be pushed with. */
export function extensionProblems(repository: Repository, tag?: string): readonly string[] {
  const text = (path: string): string | undefined => repository.read(path)?.toString();
  const dockerfile = text("Dockerfile");
  const metadataText = text("metadata.json");
  if (dockerfile === undefined || metadataText === undefined) return ["Dockerfile or metadata.json is missing"];
  const { labels, copies } = finalStageOf(dockerfile);
  const { problems, files, page, composeFile } = readMetadata(metadataText);
  const composeText = composeFile === undefined ? undefined : text(composeFile);
  const inImage = ["metadata.json", ...files, ...(page === undefined ? [] : [`${page.root}/${page.src}`])];
  return [
    ...problems,
    ...files.filter((file) => text(file) === undefined).map((file) => `${file} is missing`),
    ...inImage.filter((file) => !isCopied(file, copies)).map((file) => `the last stage copies no ${file}`),
    ...(composeText === undefined ? [] : composeProblems(composeText)),
    ...labelProblems(labels),
    ...screenshotUrls(labels).flatMap((url) => screenshotProblems(repository, url)),
    ...(tag === undefined ? [] : tagProblems(tag, versionIn(text("package.json")))),
  ];
}
