"""The pages that are measured, bundled from the sources, and a browser for them."""

from __future__ import annotations

import contextlib
import functools
import http.server
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

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


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(*names: str) -> Iterator[str]:
    """Bundle pages (see web/packages/ui/tools/build.mjs) and serve them; gives their address."""
    with tempfile.TemporaryDirectory() as out:
        build = ROOT / "web/packages/ui/tools/build.mjs"
        subprocess.run(["node", str(build), out, *names], cwd=ROOT / "web", check=True)
        handler = functools.partial(_Quiet, directory=out)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
            thread = threading.Thread(target=web.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{web.server_port}"
            web.shutdown()
            thread.join()


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium without a screen."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=SWITCHES)
        yield browser
        await browser.close()
