"""What a page has to load: the bundles, minified and compressed with gzip (level 9)."""

from __future__ import annotations

import gzip
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CORE_BYTES = 25 * 1024

# Each part as a page of its own would load it, first the client alone. A part holds what it needs of the others.
PARTS = {
    "components: chat": 'import "@trunkline/ui";',
    "components: live room": 'import "@trunkline/ui/live";',
    "components: call (with livekit-client)": 'import "@trunkline/ui/call";',
    "everything in one file": 'export * from "@trunkline/core"; import "@trunkline/ui"; '
    'import "@trunkline/ui/live"; import "@trunkline/ui/call";',
}


def measure() -> dict[str, Any]:
    """Bundle and weigh."""
    with tempfile.TemporaryDirectory() as name:
        told = subprocess.run(
            ["node", "packages/core/tools/bundle.mjs", name],
            cwd=ROOT / "web",
            check=True,
            capture_output=True,
            text=True,
        )
        core: dict[str, int] = json.loads(told.stdout)
        found: dict[str, int] = {
            "client: loaded first": core["first_gzip_bytes"],
            "client: loaded when used (rooms, uploads, cards)": core["later_gzip_bytes"],
            "client: MessagePack": core["msgpack_gzip_bytes"],
        }
        for part, source in PARTS.items():
            found[part] = _gzip_bytes(source, Path(name))
    return {"gzip_bytes": found, "core_bytes": core["first_gzip_bytes"]}


def _gzip_bytes(source: str, folder: Path) -> int:
    out = folder / "part.js"
    packages = ROOT / "web/packages"
    aliases = {
        "@trunkline/core": packages / "core/src/index.ts",
        "@trunkline/ui": packages / "ui/src/index.ts",
        "@trunkline/ui/live": packages / "ui/src/live/index.ts",
        "@trunkline/ui/call": packages / "ui/src/call/index.ts",
    }
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning", f"--outfile={out}"]
    options += [f"--alias:{name}={path}" for name, path in aliases.items()]
    subprocess.run(["npx", "--no-install", "esbuild", *options], cwd=ROOT / "web", input=source, text=True, check=True)
    return len(gzip.compress(out.read_bytes(), compresslevel=9))


def verdict(found: dict[str, Any]) -> list[str]:
    """What is too large."""
    if found["core_bytes"] <= CORE_BYTES:
        return []
    return [f"the client has {found['core_bytes']:,} bytes compressed instead of {CORE_BYTES:,}"]
