// Builds the demo site into web/dist/demo: bundles with names that change with their content, pages that name them,
// and each file compressed beforehand. Not here: the documentation (docs/build.mjs).

import { build } from "esbuild";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { compressAll, sourcesOf } from "./pack.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "../../dist"), "demo");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const { metafile } = await build({
  entryPoints: ["main.ts", "home.ts", "demo.css"].map((name) => join(here, "src", name)),
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox128", "safari17.5"],
  minify: true,
  legalComments: "none",
  metafile: true,
  alias: sourcesOf(join(here, "..")),
  logLevel: "warning",
});
const address = (file) => `/${relative(out, join(process.cwd(), file))}`;
const bundles = {};
const imported = {};
for (const [file, { entryPoint, imports }] of Object.entries(metafile.outputs)) {
  if (!entryPoint) continue;
  const name = basename(entryPoint).replace(/\.ts$/, ".js");
  bundles[name] = address(file);
  imported[name] = imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => address(path));
}
// What a script imports is fetched along with it, not after it.
const preloads = (name) => imported[name].map((path) => `<link rel="modulepreload" href="${path}">`).join("\n");
cpSync(join(here, "static/demo"), join(out, "demo"), { recursive: true });
for (const page of ["index.html", "app.html"]) {
  const text = readFileSync(join(here, "static", page), "utf8").replace(/{{preload ([\w.]+)}}/g, (_, name) => preloads(name)).replace(/{{([\w.]+)}}/g, (_, name) => {
    if (!(name in bundles)) throw new Error(`${page} names ${name}, which is not built`);
    return bundles[name];
  });
  writeFileSync(join(out, page), text);
}
const { files, bytes } = compressAll(out);
console.log(`demo: ${files} files, ${Math.round(bytes / 1024)} kB compressed, in ${relative(process.cwd(), out)}`);
