"""How soon the demo can be used: its first page, and the chat of a persona, with the processor slowed down fourfold."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

from playwright.async_api import Browser, Page

THROTTLE = 4
TARGET_MS = 1000
ROUNDS = 3


async def measure(browser: Browser, url: str) -> dict[str, Any]:
    """Each page several times in a fresh profile, so that nothing is cached; medians."""
    home, chat = [], []
    for _ in range(ROUNDS):
        home.append(await _timed(browser, url + "/", _home))
        chat.append(await _timed(browser, url + "/app?as=ann", _chat))
    return {"throttle": THROTTLE, "home_ms": round(statistics.median(home)), "chat_ms": round(statistics.median(chat))}


async def _timed(browser: Browser, address: str, ready: Any) -> float:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    page = await context.new_page()
    debugger = await context.new_cdp_session(page)
    await debugger.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
    await page.goto(address, wait_until="commit")
    took_ms: float = await ready(page)
    await context.close()
    return took_ms


async def _home(page: Page) -> float:
    """A button answers: from asking for the page to the theme having changed by a click, as soon as it can."""
    return await _answer(
        page,
        """() => {
            if (!("ready" in document.documentElement.dataset)) return false;
            const before = document.documentElement.dataset.tlTheme;
            document.querySelector("#theme").click();
            return document.documentElement.dataset.tlTheme !== before && performance.now();
        }""",
    )


async def _chat(page: Page) -> float:
    """The conversations are there and can be opened."""
    return await _answer(
        page,
        """() => {
            const chat = document.querySelector("demo-app")?.shadowRoot?.querySelector("tl-chat");
            const list = chat?.shadowRoot?.querySelector("tl-conversation-list");
            const known = globalThis.demo?.client.conversations.get().length ?? 0;
            return known > 0 && list?.offsetHeight > 0 && performance.now();
        }""",
    )


async def _answer(page: Page, script: str) -> float:
    """Ask until there is an answer; from outside, because the page's policy lets it evaluate nothing."""
    while True:
        found = await page.evaluate(script)
        if found:
            return float(found)
        await asyncio.sleep(0.01)


def verdict(found: dict[str, Any]) -> list[str]:
    """What is below its target."""
    if found["home_ms"] < TARGET_MS:
        return []
    return [f"first interaction after {found['home_ms']} ms instead of {TARGET_MS}"]
