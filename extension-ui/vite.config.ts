/** How the page is bundled: one plain script and one style sheet, which also work from `file://`. */
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

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
    // The page's own API, of a MemoBuild that runs on this machine.
    proxy: {
      "/api": { target: "http://127.0.0.1:8373", headers: { origin: "http://127.0.0.1:8373" }, changeOrigin: true },
    },
  },
});
