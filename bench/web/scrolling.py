"""A hundred thousand messages scroll: frames per second and their worst gaps, by wheel-sized steps and by leaps.

Lives here: the measure. Not here: the browser and the pages (`pages.py`).
"""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

MESSAGES = 100_000
TARGET_FPS = 50.0

# Scrolls for `duration_ms`, one step per frame, and notes when frames come.
SCROLL = """async ({ step, duration_ms }) => {
    const scroller = document.querySelector('tl-message-list').shadowRoot.querySelector('.scroller');
    const times = [];
    await new Promise((done) => {
        const begun = performance.now();
        const frame = (now) => {
            times.push(now);
            scroller.scrollTop -= step;
            if (now - begun < duration_ms) requestAnimationFrame(frame);
            else done();
        };
        requestAnimationFrame(frame);
    });
    const gaps = times.slice(1).map((time, at) => time - times[at]).sort((one, other) => one - other);
    const rows = document.querySelector('tl-message-list').shadowRoot.querySelectorAll('tl-message').length;
    return {
        fps: (gaps.length / (times.at(-1) - times[0])) * 1000,
        p95_ms: gaps[Math.floor(gaps.length * 0.95)],
        worst_ms: gaps.at(-1),
        rows,
        blank: !scroller.querySelector('tl-message'),
    };
}"""


async def measure(page: Page, url: str, seconds: float = 6.0) -> dict[str, Any]:
    """Scroll upwards through the list: as a wheel does, as a flick does, and by dragging the bar."""
    await page.set_viewport_size({"width": 900, "height": 800})
    await page.goto(f"{url}?show=many&theme=light&count={MESSAGES}")
    await page.wait_for_selector("body[data-ready]")
    await page.locator("tl-message").last.wait_for()
    found: dict[str, Any] = {"messages": MESSAGES}
    for name, step in (("wheel", 60), ("flick", 400), ("drag", 20_000)):
        found[name] = await page.evaluate(SCROLL, {"step": step, "duration_ms": int(seconds * 1000)})
    found["heap_bytes"] = await page.evaluate("performance.memory?.usedJSHeapSize ?? 0")
    return found


def verdict(found: dict[str, Any]) -> list[str]:
    """What is below the target."""
    return [
        f"{name}: {found[name]['fps']:.0f} frames per second"
        for name in ("wheel", "flick")
        if found[name]["fps"] < TARGET_FPS
    ]
