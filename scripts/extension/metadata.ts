/** What Docker Desktop asks of metadata.json, and of the compose file that it names. */
import { parse } from "yaml";
import { z } from "zod";

const PLATFORMS = ["darwin", "windows", "linux"] as const;
const path = z.string().regex(/^[^/].*$|^\/[^/].*$/, "is no path");
const socket = z.string().regex(/^[\w.-]+\.sock$/, "is no bare file name that ends with .sock");
const binaries = z.array(z.strictObject({ path })).min(1);

const vm = z
  .strictObject({
    image: z.string().min(1).optional(),
    composefile: path.optional(),
    exposes: z.strictObject({ socket }).optional(),
  })
  .refine(({ image, composefile }) => (image === undefined) !== (composefile === undefined), {
    message: "has either an image or a composefile",
  });

const metadata = z.strictObject({
  icon: path,
  vm: vm.optional(),
  ui: z
    .strictObject({
      "dashboard-tab": z.strictObject({
        title: z.string().min(1),
        root: path,
        src: path,
        backend: z.strictObject({ socket }).optional(),
      }),
    })
    .optional(),
  host: z.strictObject({ binaries: z.array(z.partialRecord(z.enum(PLATFORMS), binaries)).min(1) }).optional(),
});

export interface MetadataReport {
  readonly problems: readonly string[];
  /** Paths in the image that it names. */
  readonly files: readonly string[];
  /** A folder in the image, and the page in it. */
  readonly page?: { readonly root: string; readonly src: string };
  readonly composeFile?: string;
}

export function readMetadata(text: string): MetadataReport {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problems: ["metadata.json is no JSON"], files: [] };
  }
  const { data, error } = metadata.safeParse(json);
  if (data === undefined) {
    const problems = error.issues.map(
      ({ path: at, message }) => `metadata.json: ${at.join(".") || "(root)"}: ${message}`,
    );
    return { problems, files: [] };
  }
  const tab = data.ui?.["dashboard-tab"];
  const composeFile = data.vm?.composefile;
  const programs = data.host?.binaries.flatMap((platforms) => Object.values(platforms).flat()) ?? [];
  return {
    problems: [],
    files: [data.icon, ...(composeFile === undefined ? [] : [composeFile]), ...programs.map((program) => program.path)],
    ...(tab === undefined ? {} : { page: { root: tab.root, src: tab.src } }),
    ...(composeFile === undefined ? {} : { composeFile }),
  };
}

const DESKTOP_IMAGE = "${DESKTOP_PLUGIN_IMAGE}";
const compose = z.looseObject({ services: z.record(z.string(), z.looseObject({ image: z.string().optional() })) });

/** Docker Desktop talks to the first service alone, and says by a variable which image it is. */
export function composeProblems(text: string): readonly string[] {
  let yaml: unknown;
  try {
    yaml = parse(text);
  } catch {
    return ["the compose file is no YAML"];
  }
  const first = Object.entries(compose.safeParse(yaml).data?.services ?? {})[0];
  if (first === undefined) return ["the compose file has no services"];
  const [name, { image }] = first;
  return image === DESKTOP_IMAGE ? [] : [`the compose file's first service, ${name}, does not run ${DESKTOP_IMAGE}`];
}
