/** Makes a folder that runs without node_modules: the server and the command line in one file, and the files that it reads. */
import { chmod, copyFile, cp, mkdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = join(ROOT, "proxy");
const OLDEST_NODE = "node20.19";

/** What packages written as CommonJS take for granted. */
const BANNER = [
  'import { createRequire as createRequireOfBundle } from "node:module";',
  "const require = createRequireOfBundle(import.meta.url);",
  "const __filename = import.meta.filename;",
  "const __dirname = import.meta.dirname;",
].join("\n");

/** Native parts of ssh2, which is there for engines behind SSH; it does without them. */
const OPTIONAL = ["cpu-features", "*.node"];

/** Each module keeps its own place: what it reads beside itself is where it would be without the bundle. */
const ownPlace: Plugin = {
  name: "own-place",
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const place = JSON.stringify(relative(SOURCES, path));
      const text = await readFile(path, "utf8");
      return { loader: "ts", contents: text.replaceAll("import.meta.url", `new URL(${place}, import.meta.url).href`) };
    });
  },
};

/** SQLite's WebAssembly is looked for beside the code that loads it. */
function sqliteWasm(): string {
  const code = createRequire(import.meta.url).resolve("node-sqlite3-wasm");
  return join(dirname(code), "node-sqlite3-wasm.wasm");
}

async function bundle(out: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, "bin"), { recursive: true });
  await build({
    entryPoints: [join(SOURCES, "main.ts")],
    outfile: join(out, "dist/main.js"),
    ...{ bundle: true, platform: "node", format: "esm", target: OLDEST_NODE },
    ...{ external: OPTIONAL, plugins: [ownPlace], banner: { js: BANNER } },
    // Names of functions are in what is logged of errors.
    ...{ minifySyntax: true, minifyWhitespace: true, keepNames: true, legalComments: "linked" },
    logLevel: "warning",
  });
  await copyFile(sqliteWasm(), join(out, "dist/node-sqlite3-wasm.wasm"));
  for (const file of ["package.json", "LICENSE", "bin/memobuild"]) await copyFile(join(ROOT, file), join(out, file));
  await chmod(join(out, "bin/memobuild"), 0o755);
  await cp(join(ROOT, "protos"), join(out, "protos"), { recursive: true });
}

const [, , out] = process.argv;
if (out === undefined) throw new Error("usage: npm run bundle -- FOLDER");
await bundle(out);
