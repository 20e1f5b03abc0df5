// Bundles of the client for pages without a build of their own, into dist/bundle (or the folder given), and their sizes.
// `page.js` is what a page loads first: a client and the store of browsers. The code of rooms, uploads, cards and erasures
// is in a file of its own, loaded when first used.

import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const outdir = resolve(process.argv[2] ?? resolve(root, "dist/bundle"));
const shared = { bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "warning", write: true };

const page = 'export { Client, TrunklineError, indexedDbStore } from "./src/index.ts";';
const { metafile } = await build({
  ...shared,
  stdin: { contents: page, resolveDir: root, sourcefile: "page.ts", loader: "ts" },
  outdir,
  entryNames: "page",
  splitting: true,
  metafile: true,
});
await build({ ...shared, entryPoints: { core: resolve(root, "src/index.ts"), msgpack: resolve(root, "src/msgpack.ts") }, outdir });

/** What is loaded with a file at once: the file and all it imports statically. */
function loaded(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const { path: next, kind } of metafile.outputs[path].imports) if (kind === "import-statement") loaded(next, found);
  return found;
}

const size = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const first = [...loaded(Object.keys(metafile.outputs).find((path) => basename(path) === "page.js"))];
const later = Object.keys(metafile.outputs).filter((path) => !first.includes(path));
const sum = (paths) => paths.reduce((bytes, path) => bytes + size(path), 0);
const sizes = {
  first_gzip_bytes: sum(first),
  later_gzip_bytes: sum(later),
  everything_in_one_gzip_bytes: size(resolve(outdir, "core.js")),
  msgpack_gzip_bytes: size(resolve(outdir, "msgpack.js")),
};
console.log(JSON.stringify(sizes));
