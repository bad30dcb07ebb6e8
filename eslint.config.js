/** Lint rules: type-aware strictness, plus the few house rules that a linter can hold. */
import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Environment, arguments and exit belong to the process edge; everything below gets values handed in. */
const processEdge = ["env", "argv", "exit"].map((property) => ({
  object: "process",
  property,
  message: "Only proxy/main.ts touches this; hand the value in.",
}));

export default tseslint.config(
  { ignores: ["**/dist/", ".tools/", "**/node_modules/", "extension-ui/src/api/openapi.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-restricted-properties": ["error", ...processEdge],
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      "no-restricted-syntax": [
        "error",
        { selector: "ExportNamedDeclaration > VariableDeclaration[kind='let']", message: "Exports do not change." },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "max-lines": ["warn", { max: 400, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["warn", { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // The process edge itself, and code that runs beside the product rather than in it.
    files: ["proxy/main.ts", "extension-ui/vite.config.ts", "proxy/test/**", "bench/**", "scripts/**"],
    rules: { "no-restricted-properties": "off" },
  },
  {
    files: ["**/*.spec.ts", "proxy/test/**"],
    rules: {
      // A describe block is one long function by nature; chai's assertions are property reads.
      "max-lines-per-function": "off",
      "@typescript-eslint/no-unused-expressions": "off",
    },
  },
  {
    files: ["proxy/cli/**", "proxy/main.ts", "bench/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["extension-ui/src/**"],
    extends: [reactHooks.configs.flat.recommended],
    rules: {
      // A view is one function with its markup in it.
      "max-lines-per-function": ["warn", { max: 100, skipBlankLines: true, skipComments: true }],
      // A ref that holds the latest handler is how an effect calls it without starting anew.
      "react-hooks/refs": "off",
    },
  },
  {
    files: ["extension-ui/src/{views,parts,shell,state}/**"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["fetch", "EventSource", "XMLHttpRequest"].map((name) => ({ name, message: "The API is behind src/api." })),
      ],
    },
  },
);
