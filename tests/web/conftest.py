"""Chromium, the pages of the components, and a server under the same origin.

The pages are bundled from the sources once per session and served by the browser's own interception, under
the address of the server they talk to: one origin, and a Content-Security-Policy without exceptions.
"""

from __future__ import annotations

import mimetypes
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright, expect

from tests.claims.server_process import ServerProcess
from tests.web.site import DemoSite, build, running

# Two cores are shared by two browsers' worth of pages, a server and whatever else runs.
expect.set_options(timeout=30_000)

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
    # A name that is not this machine to Chromium: its pages are not secure.
    "--host-resolver-rules=MAP lan.test 127.0.0.1",
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server for the whole session."""
    directory = tmp_path_factory.mktemp("web") / "server"
    running = ServerProcess(directory, config={"search": {"enabled": True}})
    try:
        await running.start()
        yield running
    finally:
        await running.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def server(one_server: ServerProcess) -> ServerProcess:
    """The server with an app of the test's own; the test may kill it."""
    if not one_server.running:
        await one_server.start()
    token = one_server.data_dir.with_name(f"{one_server.data_dir.name}.admin.token").read_text().strip()
    async with httpx.AsyncClient(base_url=one_server.url, timeout=15) as operator:
        answer = await operator.post(
            "/v1/admin/apps", json={"name": "web"}, headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    one_server.key, one_server.secret = made["key"]["key"], made["key"]["secret"]
    return one_server


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
        body=file.read_bytes(),
        headers={"Content-Type": kind, "Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
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


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    folder = tmp_path_factory.mktemp("demo")
    with running(folder, build(folder / "dist")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser, site: DemoSite) -> AsyncIterator[Open]:
    """Opens a path of the site in a profile of its own; fails when a page complained."""
    contexts: list[BrowserContext] = []
    problems: list[Problems] = []

    async def open_window(path: str, **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = await browser.new_context(
            permissions=["camera", "microphone"], reduced_motion="reduce", locale="en-US", **options
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = await context.new_page()
        problems.append(Problems(page))
        await page.goto(site.url + path)
        return page

    yield open_window
    for context in contexts:
        await context.close()
    assert [problem for one in problems for problem in one.found] == []
