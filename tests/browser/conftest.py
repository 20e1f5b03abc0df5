"""Debian's Chromium, a web server for the pages of tests, and a server to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.integration.rest.running import App, Running, serving
from tests.support.page_server import served_pages

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="session")
def pages() -> Iterator[str]:
    """Where the pages of tests are served."""
    with served_pages(HERE) as url:
        yield f"{url}/pages"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("browser"), LIVE__ENABLED="true") as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        await chromium.close()
