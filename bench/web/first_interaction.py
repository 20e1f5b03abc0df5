"""How soon the demo can be used: its first page, and a persona's chat, with the processor slowed down fourfold.

A script that runs before the page's own does what a person would do as soon as it is possible, and notes when the
picture that answers it was handed over: on the first page the theme is changed, in the chat a conversation is opened.
Times count from the start of the navigation, in a profile that has nothing in its cache. Not here: the site
(`demo_site.py`).
"""

from __future__ import annotations

import statistics
from typing import Any

from playwright.async_api import Browser

THROTTLE = 4
TARGET_MS = 1000
ROUNDS = 5
JUDGED = {"home": "first page"}

SHOWN = """
    const shown = (name) => requestAnimationFrame(() => setTimeout(() => (found[name] = performance.now())));
    const watch = (step) => {
        const look = () => step() || requestAnimationFrame(look);
        look();
    };
    const found = (globalThis.benchFound = {});
"""
HOME = f"""(() => {{{SHOWN}
    watch(() => {{
        if (!document.documentElement || !("ready" in document.documentElement.dataset)) return false;
        const before = document.documentElement.dataset.tlTheme;
        document.querySelector("#theme").click();
        if (document.documentElement.dataset.tlTheme === before) throw new Error("the theme did not change");
        shown("answered_ms");
        return true;
    }});
}})()"""
CHAT = f"""(() => {{{SHOWN}
    const chat = () => document.querySelector("demo-app")?.shadowRoot?.querySelector("tl-chat")?.shadowRoot;
    watch(() => {{
        const row = chat()?.querySelector("tl-conversation-list")?.shadowRoot?.querySelector(".row");
        if (!row) return false;
        shown("list_ms");
        row.click();
        watch(() => {{
            const open = chat().querySelector("tl-message-list")?.shadowRoot?.querySelector("tl-message");
            if (!open || !chat().querySelector("tl-composer")) return false;
            shown("answered_ms");
            return true;
        }});
        return true;
    }});
}})()"""
READ = """() => {
    const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
    return { ...globalThis.benchFound, painted_ms: painted };
}"""


async def measure(browser: Browser, url: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """Each page several times; medians."""
    found: dict[str, Any] = {"throttle": THROTTLE, "rounds": rounds}
    for name, path, script in (("home", "/", HOME), ("chat", "/app?as=ann", CHAT)):
        times = [await _once(browser, url + path, script) for _ in range(rounds)]
        found[name] = {key: round(statistics.median(one[key] for one in times)) for key in times[0]}
        found[name]["slowest_ms"] = round(max(one["answered_ms"] for one in times))
    return found


async def _once(browser: Browser, address: str, script: str) -> dict[str, float]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    page = await context.new_page()
    debugger = await context.new_cdp_session(page)
    await page.add_init_script(script)
    await debugger.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
    await page.goto(address, wait_until="commit")
    while True:
        times: dict[str, float] = await page.evaluate(READ)
        if "answered_ms" in times and times.get("painted_ms") is not None:
            await context.close()
            return times


def verdict(found: dict[str, Any]) -> list[str]:
    """What is below its target."""
    return [
        f"{name}: first interaction after {found[name]['answered_ms']} ms instead of {TARGET_MS}"
        for name in JUDGED
        if found[name]["answered_ms"] >= TARGET_MS
    ]
