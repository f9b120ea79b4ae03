/** Rules for the front end's sources: typescript-eslint's type-aware ones, with the few exceptions that are explained here. */

import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "build.mjs", "eslint.config.js", "bench/structure.mjs"] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      // a function says what it does within a screen
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "max-lines": ["error", 450],
      // numbers in messages and attributes are printed as they are
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // `() => act()` in listeners, whose value nobody reads
      "@typescript-eslint/no-confusing-void-expression": "off",
      // counting loops over typed arrays with offsets are clearer, and faster, by index
      "@typescript-eslint/prefer-for-of": "off",
      // elements of arrays are typed as present (noUncheckedIndexedAccess is off): checks that look unnecessary may guard an absent one
      "@typescript-eslint/no-unnecessary-condition": "off",
      // objects here are made by closures: no method uses `this`
      "@typescript-eslint/unbound-method": "off",
      // `!` says that an element of the page, which this code has made itself, is there
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["test/**", "bench/**"],
    rules: {
      "max-lines-per-function": "off",
      // vitest's matchers within expected values are typed as any
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      // stand-ins for parts of the browser are empty, and typed only as far as a test needs
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-extraneous-class": "off",
    },
  },
);
