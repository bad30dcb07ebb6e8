/** How the page is bundled: one plain script that has its styles in it, which also works from `file://`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** What `make run` starts on this machine. */
const MEMOBUILD = "http://127.0.0.1:8373";

function authorization(): Record<string, string> {
  const { HOME = "", MEMOBUILD_DATA_DIR, XDG_STATE_HOME = join(HOME, ".local/state") } = process.env;
  const file = join(MEMOBUILD_DATA_DIR ?? join(XDG_STATE_HOME, "memobuild"), "page-token");
  return existsSync(file) ? { authorization: `Bearer ${readFileSync(file, "utf8").trim()}` } : {};
}

/** Docker Desktop loads the page from a file, where browsers load no modules. */
function plainScript(): Plugin {
  return {
    name: "plain-script",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (html) =>
        html.replace(/<script type="module" crossorigin/g, "<script defer").replace(/ crossorigin/g, ""),
    },
  };
}

// Vite takes its configuration from the default export alone.
// eslint-disable-next-line no-restricted-exports -- see above
export default defineConfig({
  base: "./",
  plugins: [react(), plainScript()],
  build: {
    target: "es2022",
    modulePreload: false,
    // Slower than the default, and 2 % smaller.
    minify: "terser",
    terserOptions: { compress: { passes: 2 } },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { output: { format: "iife" } },
  },
  server: {
    port: 3000,
    strictPort: true,
    proxy: { "/api": { target: MEMOBUILD, changeOrigin: true, headers: { origin: MEMOBUILD, ...authorization() } } },
  },
});
