/** Which folder may import which: dependencies point one way, and never in a circle. */

/** Folder of proxy/ → folders that it may import, besides itself. `main.ts` and `app.ts` put all of them together. */
const MAY_IMPORT = {
  config: [],
  log: ["config"],
  grpc: [],
  buildkit: ["grpc"],
  farm: ["buildkit", "grpc", "config", "database", "log"],
  relay: ["buildkit", "farm", "grpc", "config", "log"],
  database: ["config", "log"],
  cache: ["config", "database", "log"],
  builds: ["buildkit", "cache", "config", "database", "grpc", "log"],
  writeback: ["buildkit", "cache", "farm", "grpc", "log"],
  intercept: ["buildkit", "builds", "cache", "farm", "grpc", "relay", "writeback", "log"],
  http: ["builds", "cache", "config", "farm", "log"],
  cli: ["builds", "cache", "config", "farm", "http"],
};

// Specs may use test/support besides; `no-test-code-in-the-product` keeps everything else from it.
/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "not-to-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-test-code-in-the-product",
      severity: "error",
      from: { path: "^proxy/", pathNot: "^proxy/test/|[.]spec[.]ts$" },
      to: { path: "^proxy/test/|[.]spec[.]ts$", dependencyTypesNot: ["npm"] },
    },
    ...Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
      name: `${folder}-imports`,
      comment: `proxy/${folder}/ may import ${allowed.join(", ") || "no other folder"}`,
      severity: "error",
      from: { path: `^proxy/${folder}/` },
      to: { path: "^proxy/", pathNot: `^proxy/(${[folder, ...allowed, "test/support"].join("|")})/` },
    })),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
