"""The pages that are measured, bundled from the sources, and a browser for them."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.support.page_server import served_pages

ROOT = Path(__file__).parents[2]
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def served(*names: str) -> Iterator[str]:
    """Bundle pages (see web/packages/ui/tools/build.mjs) and serve them; gives their address."""
    with tempfile.TemporaryDirectory() as out:
        build = ROOT / "web/packages/ui/tools/build.mjs"
        subprocess.run(["node", str(build), out, *names], cwd=ROOT / "web", check=True)
        with served_pages(Path(out)) as url:
            yield url


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium without a screen."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=SWITCHES)
        yield browser
        await browser.close()
