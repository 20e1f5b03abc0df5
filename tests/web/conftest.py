"""Chromium, the pages of the components, and a server under the same origin.

The pages are bundled from the sources once per session and served by the browser's own interception, under
the address of the server they talk to: one origin, and a Content-Security-Policy without exceptions.
"""

from __future__ import annotations

import mimetypes
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

from tests.claims.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Pages that are intercepted have no address of their own, so Chromium takes the server for a foreign local network.
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types lit-html",
    ]
)

Open = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bundled pages are."""
    out = tmp_path_factory.mktemp("pages")
    build = ROOT / "web/packages/ui/tools/build.mjs"
    done = subprocess.run(["node", str(build), str(out)], cwd=ROOT / "web", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own, which it may kill."""
    async with ServerProcess(tmp_path / "server", config={"search": {"enabled": True}}) as running:
        await running.create_app("web")
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        await chromium.close()


async def _fulfil(route: Route, pages: Path) -> None:
    name = route.request.url.split("/_pages/", 1)[1].split("?", 1)[0]
    file = pages / name
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    await route.fulfill(
        body=file.read_bytes(), headers={"Content-Type": kind, "Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    )


class Problems:
    """What a page complained about: errors of scripts, and refusals of the policy."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        page.on("pageerror", lambda error: self.found.append(str(error)))
        page.on("console", self._said)

    def _said(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "TrustedHTML" in message.text:
            self.found.append(message.text)


async def serve_pages(context: BrowserContext, pages: Path) -> None:
    """Serve the bundled pages under /_pages/ of any origin."""

    async def fulfil(route: Route) -> None:
        await _fulfil(route, pages)

    await context.route("**/_pages/**", fulfil)


@pytest_asyncio.fixture(loop_scope="session")
async def gallery(browser: Browser, pages: Path) -> AsyncIterator[Open]:
    """Opens the gallery: `await gallery("messages", theme="dark")`; fails when a page complained."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    await serve_pages(context, pages)
    opened: list[Problems] = []

    async def open_gallery(show: str, size: tuple[int, int] = (1280, 860), **query: str) -> Page:
        page = await context.new_page()
        opened.append(Problems(page))
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        values = "&".join(f"{name}={value}" for name, value in {"show": show, **query}.items())
        await page.goto(f"http://gallery.test/_pages/gallery/index.html?{values}")
        await page.wait_for_selector("body[data-ready]")
        return page

    yield open_gallery
    found = [problem for problems in opened for problem in problems.found]
    await context.close()
    assert found == []
