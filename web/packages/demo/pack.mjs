// What the builds of pages share: where the packages' sources are, and compressing what was built.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = /\.(css|html|js|json|map|svg|txt)$/;
const LEAST_BYTES = 600;

/** The packages by name, from source: pages are built without building the packages first. */
export function sourcesOf(packages) {
  return {
    "@trunkline/core": join(packages, "core/src/index.ts"),
    "@trunkline/ui": join(packages, "ui/src/index.ts"),
    "@trunkline/ui/base": join(packages, "ui/src/base/index.ts"),
    "@trunkline/ui/live": join(packages, "ui/src/live/index.ts"),
    "@trunkline/ui/call": join(packages, "ui/src/call/index.ts"),
  };
}

/** Put a .br and a .gz beside every file worth it. */
export function compressAll(folder) {
  let [files, bytes] = [0, 0];
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;
    files += 1;
    const body = readFileSync(path);
    if (!TEXT.test(path) || body.length < LEAST_BYTES) {
      bytes += body.length;
      continue;
    }
    const packed = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } });
    writeFileSync(`${path}.br`, packed);
    writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
    bytes += packed.length;
  }
  return { files, bytes };
}
