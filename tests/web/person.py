"""A person in a browser profile of their own, on one of the example pages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.claims.server_process import ServerProcess
from tests.web.conftest import Problems, serve_pages


class Person:
    """Somebody who chats in a browser."""

    def __init__(self, context: BrowserContext, page: Page, party: str) -> None:
        self.context = context
        self.page = page
        self.party = party
        self.problems = Problems(page)

    @classmethod
    async def enter(
        cls, browser: Browser, pages: Path, server: ServerProcess, party: str, example: str = "html", **options: Any
    ) -> Person:
        """Open the example page, signed in as a party."""
        context = await browser.new_context(permissions=["microphone"], **options)
        await serve_pages(context, pages)

        async def token(route: Route) -> None:
            await route.fulfill(body=server.token(party), content_type="text/plain")

        await context.route("**/token", token)
        person = cls(context, await context.new_page(), party)
        await person.page.goto(f"{server.url}/_pages/{example}/index.html")
        return person

    async def run(self, script: str) -> Any:
        """Run JavaScript with `client`, the client of the page."""
        async with asyncio.timeout(30):
            return await self.page.evaluate(f"async () => {{ const {{ client }} = document.querySelector('tl-chat'); return {script}; }}")

    async def open(self, name: str) -> None:
        """Open a conversation of the list by its name."""
        await self.page.locator("tl-conversation-list .row", has_text=name).click()
        await expect(self.page.locator("tl-chat textarea")).to_be_visible()

    async def write(self, text: str) -> None:
        """Write into the composer and send it."""
        box = self.page.locator("tl-chat tl-composer textarea").first
        await box.fill(text)
        await box.press("Enter")

    def bubbles(self) -> Any:
        """The messages that are drawn."""
        return self.page.locator("tl-chat .main tl-message .bubble")

    async def texts(self) -> list[str]:
        """The texts of the whole open conversation, in their order, as the list has them."""
        found: list[str] = await self.page.evaluate(
            """() => document.querySelector('tl-chat').shadowRoot.querySelector('tl-message-list').items
                .filter((item) => item.type === 'text').map((item) => item.content.text)"""
        )
        return found

    async def leave(self) -> None:
        """Close the profile; the page must not have complained."""
        await self.context.close()
        assert self.problems.found == []
