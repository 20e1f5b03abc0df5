// Bundles pages for the gallery, the examples, the tests and the benchmarks, straight from the sources.
//
// Usage: node build.mjs OUT [NAME...]   NAME: gallery, html, react, vue, bench; all of them by default
import { cp, mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const web = path.resolve(here, "../../..");
const root = path.resolve(web, "..");

const pages = {
  gallery: { from: path.join(web, "packages/ui/gallery"), entry: "main.ts", as: "gallery.js", copy: ["index.html", "gallery.css"] },
  html: { from: path.join(root, "examples/web/html"), entry: "main.js", as: "main.js", copy: ["index.html", "style.css"] },
  react: { from: path.join(root, "examples/web/react"), entry: "main.jsx", as: "main.js", copy: ["index.html", "style.css"] },
  vue: { from: path.join(root, "examples/web/vue"), entry: "main.js", as: "main.js", copy: ["index.html", "style.css"] },
};

const [out, ...names] = process.argv.slice(2);
if (out === undefined) throw new Error("usage: node build.mjs OUT [NAME...]");

await Promise.all(
  (names.length > 0 ? names : Object.keys(pages)).map(async (name) => {
    const page = pages[name];
    if (page === undefined) throw new Error(`no page ${name}; there are ${Object.keys(pages).join(", ")}`);
    const to = path.join(out, name);
    await mkdir(to, { recursive: true });
    await build({
      entryPoints: { [page.as.replace(/\.js$/, "")]: path.join(page.from, page.entry) },
      outdir: to,
      bundle: true,
      format: "esm",
      target: "es2022",
      minify: true,
      sourcemap: false,
      logLevel: "warning",
      jsx: "automatic",
      nodePaths: [path.join(web, "node_modules")],
      alias: {
        "@trunkline/core": path.join(web, "packages/core/src/index.ts"),
        "@trunkline/ui": path.join(web, "packages/ui/src/index.ts"),
      },
      define: {
        "process.env.NODE_ENV": '"production"',
        __VUE_OPTIONS_API__: "false",
        __VUE_PROD_DEVTOOLS__: "false",
        __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
      },
    });
    await Promise.all(page.copy.map((file) => cp(path.join(page.from, file), path.join(to, file))));
  }),
);
