"""A persona's window of the demo, and what tests ask of it from outside: its policy lets it evaluate nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

from tests.web.conftest import ROOT

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
WAIT_MS = 30_000

Open = Callable[..., Awaitable[Page]]


async def holds(page: Page, what: str, timeout_s: float = 90) -> None:
    """Wait until an expression is true; asked from outside, because the policy lets the page evaluate nothing."""
    deadline = time.monotonic() + timeout_s
    while not await page.evaluate(f"() => Boolean({what})"):
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.1)


async def online(page: Page) -> None:
    """Wait until the persona is connected and the scene is set."""
    await holds(page, "globalThis.demo?.client.state.get().state === 'online'")
    await holds(page, "globalThis.demo.client.conversations.get().length > 0")


def deep(page: Page, selector: str) -> Locator:
    """Inside the application."""
    return page.locator(f"demo-app {selector}")


async def violations(page: Page) -> list[str]:
    """What axe finds, in words."""
    # The policy lets no script in that is not the page's own: axe is evaluated instead, which the debugger may.
    await page.evaluate(AXE.read_text("utf-8") + "\n;void 0")
    found = await page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}" for one in found["violations"]
    ]


async def focusable_by_keyboard(page: Page, presses: int = 60) -> list[str]:
    """What the tab key reaches, in order, also inside components."""
    reached: list[str] = []
    for _ in range(presses):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate(
                """() => {
                    let at = document.activeElement;
                    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                    return at?.getAttribute("aria-label") || at?.textContent?.trim().slice(0, 60) || at?.tagName || "";
                }"""
            )
        )
    return reached


async def joined(page: Page) -> None:
    """Join the call of the view, by keyboard."""
    call = deep(page, "tl-call")
    button = call.get_by_role("button", name="Join", exact=True)
    await expect(button).to_be_enabled(timeout=90_000)
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(call.get_by_role("button", name="Leave")).to_be_visible(timeout=90_000)
