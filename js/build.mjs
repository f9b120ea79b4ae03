/** Bundles the front end into the Python package; with --watch again after each change. */

import * as esbuild from "esbuild";

const watching = process.argv.includes("--watch");
const common = { bundle: true, target: "es2022", minify: !watching, logLevel: "info" };
/** Where the Python package looks for the bundle. */
const OUT = "../latent_widget/display/static";
const to = (name) => ({ outfile: `${OUT}/${name}` });

// the solver travels inside the bundle as text, for a worker: hosts load the bundle from a blob, which knows no neighbours
const { outputFiles } = await esbuild.build({
  ...common,
  minify: true,
  entryPoints: ["src/geodesics/background.worker.ts"],
  format: "iife",
  write: false,
});
const define = { REFINE_WORKER: JSON.stringify(outputFiles[0].text) };

for (const bundle of [
  { ...common, define, entryPoints: ["src/index.ts"], format: "esm", ...to("widget.js") },
  { ...common, define, entryPoints: ["src/page.ts"], format: "iife", ...to("page.js") },
  { ...common, entryPoints: ["src/widget.css"], ...to("widget.css") },
]) {
  if (watching) await (await esbuild.context({ ...bundle, sourcemap: "inline" })).watch();
  else await esbuild.build(bundle);
}
