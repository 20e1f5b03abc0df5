"""A hundred thousand messages scroll: frames per second, late frames, and what a frame costs.

Scrolled are steps as a wheel makes them, as a flick makes them, and by dragging the bar, one step in each frame. Not
here: the browser and the pages (`pages.py`).
"""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from bench.web.usage import Usage

MESSAGES = 100_000
TARGET_FPS = 50.0
STEPS_PX = {"wheel": 60, "flick": 400, "drag": 20_000}
JUDGED = ("wheel", "flick")
"""Dragging the bar shows another screen of messages in each frame; it is reported without a target."""

# Scrolls for `duration_ms`, one step per frame, and notes when frames come.
SCROLL = """async ({ step, duration_ms }) => {
    const scroller = document.querySelector('tl-message-list').shadowRoot.querySelector('.scroller');
    const times = [];
    let blank = 0;
    await new Promise((done) => {
        const begun = performance.now();
        const frame = (now) => {
            times.push(now);
            if (!scroller.querySelector('tl-message')) blank += 1;
            scroller.scrollTop -= step;
            if (now - begun < duration_ms) requestAnimationFrame(frame);
            else done();
        };
        requestAnimationFrame(frame);
    });
    const gaps = times.slice(1).map((time, at) => time - times[at]).sort((one, other) => one - other);
    return {
        frames: gaps.length,
        fps: (gaps.length / (times.at(-1) - times[0])) * 1000,
        p50_ms: gaps[Math.floor(gaps.length * 0.5)],
        p95_ms: gaps[Math.floor(gaps.length * 0.95)],
        worst_ms: gaps.at(-1),
        late: gaps.filter((gap) => gap > 50).length,
        rows: scroller.querySelectorAll('tl-message').length,
        blank,
    };
}"""


async def measure(page: Page, url: str, seconds: float = 6.0) -> dict[str, Any]:
    """Scroll upwards through the list."""
    await page.set_viewport_size({"width": 900, "height": 800})
    await page.goto(f"{url}?show=many&theme=light&count={MESSAGES}")
    await page.wait_for_selector("body[data-ready]")
    await page.locator("tl-message").last.wait_for()
    found: dict[str, Any] = {"messages": MESSAGES}
    # Once without counting: the code has to be compiled.
    await page.evaluate(SCROLL, {"step": STEPS_PX["wheel"], "duration_ms": 1000})
    for name, step in STEPS_PX.items():
        before = Usage.now()
        found[name] = await page.evaluate(SCROLL, {"step": step, "duration_ms": int(seconds * 1000)})
        used = Usage.now().since(before)
        found[name]["cores"] = used
        found[name]["renderer_ms"] = round(used.get("renderer", 0.0) * 1000 / found[name]["fps"], 1)
    found["heap_bytes"] = await page.evaluate("performance.memory?.usedJSHeapSize ?? 0")
    return found


def verdict(found: dict[str, Any]) -> list[str]:
    """What is below the target."""
    missed = [
        f"{name}: {found[name]['fps']:.0f} frames per second" for name in JUDGED if found[name]["fps"] < TARGET_FPS
    ]
    return missed + [
        f"{name}: {found[name]['blank']} frames without a message" for name in JUDGED if found[name]["blank"]
    ]
