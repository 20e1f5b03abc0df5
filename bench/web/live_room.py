"""A live room at 200 comments per second: frames per second, memory, and whether either changes with time.

The comments come from the demo's audience: SDK clients over the link, through the server. Not here: the browser and the
pages (`pages.py`, `demo_site.py`).
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

TARGET_FPS = 50.0
TARGET_PER_S = 200
FLAT_BYTES_PER_MIN = 400_000
"""What the heap may gain per minute and count as flat: a few per cent of it."""
SAMPLE_S = 5.0
WARM_UP_S = 10.0

COUNT = """() => {
    const room = document.querySelector("demo-app").shadowRoot.querySelector("tl-room");
    globalThis.bench = { frames: 0, comments: 0, gaps: [] };
    let last = performance.now();
    const frame = (now) => {
        bench.frames += 1;
        bench.gaps.push(now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    room.stay.onMessages((messages) => messages.forEach((one) => {
        if (one.type === "danmaku") bench.comments += one.count;
    }));
}"""
READ = """() => {
    const gaps = bench.gaps.splice(0).sort((one, other) => one - other);
    const room = document.querySelector("demo-app").shadowRoot.querySelector("tl-room");
    return {
        frames: bench.frames, comments: bench.comments, at_ms: performance.now(),
        p95_ms: gaps[Math.floor(gaps.length * 0.95)] ?? 0, in_flight: room.danmaku.in_flight,
    };
}"""


async def measure(browser: Browser, url: str, seconds: float) -> dict[str, Any]:
    """Watch the room for a while at the highest rate of the audience."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
    await page.goto(f"{url}/app?as=mei#live")
    await page.locator("demo-app tl-room").get_by_role("button", name="Like").wait_for()
    await page.locator("demo-app #audience").focus()
    await page.keyboard.press("End")
    await page.evaluate(COUNT)
    debugger = await page.context.new_cdp_session(page)
    await asyncio.sleep(WARM_UP_S)
    samples = [await _sample(page, debugger)]
    for _ in range(max(2, int(seconds / SAMPLE_S))):
        await asyncio.sleep(SAMPLE_S)
        samples.append(await _sample(page, debugger))
    await page.close()
    return _summary(samples)


async def _sample(page: Page, debugger: CDPSession) -> dict[str, Any]:
    await debugger.send("HeapProfiler.collectGarbage")
    usage = await debugger.send("Runtime.getHeapUsage")
    nodes = await debugger.send("Memory.getDOMCounters")
    sample: dict[str, Any] = await page.evaluate(READ)
    return sample | {"heap_bytes": usage["usedSize"], "nodes": nodes["nodes"]}


def _summary(samples: list[dict[str, Any]]) -> dict[str, Any]:
    series = []
    for before, after in itertools.pairwise(samples):
        seconds = (after["at_ms"] - before["at_ms"]) / 1000
        series.append(
            {
                "at_s": round((after["at_ms"] - samples[0]["at_ms"]) / 1000, 1),
                "fps": round((after["frames"] - before["frames"]) / seconds, 1),
                "comments_per_s": round((after["comments"] - before["comments"]) / seconds, 1),
                "p95_ms": round(after["p95_ms"], 1),
                "heap_bytes": after["heap_bytes"],
                "nodes": after["nodes"],
                "in_flight": after["in_flight"],
            }
        )
    whole_s = (samples[-1]["at_ms"] - samples[0]["at_ms"]) / 1000
    return {
        "seconds": round(whole_s, 1),
        "fps": round((samples[-1]["frames"] - samples[0]["frames"]) / whole_s, 1),
        "comments_per_s": round((samples[-1]["comments"] - samples[0]["comments"]) / whole_s, 1),
        "heap_bytes_per_min": round(_slope([(s["at_ms"] / 60_000, s["heap_bytes"]) for s in samples])),
        "series": series,
    }


def _slope(points: list[tuple[float, float]]) -> float:
    """Least squares."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def verdict(found: dict[str, Any]) -> list[str]:
    """What is below its target."""
    missed = []
    if found["fps"] < TARGET_FPS:
        missed.append(f"live room: {found['fps']} frames per second instead of {TARGET_FPS:g}")
    if found["comments_per_s"] < 0.9 * TARGET_PER_S:
        missed.append(f"live room: only {found['comments_per_s']} of {TARGET_PER_S} comments per second came")
    if found["heap_bytes_per_min"] > FLAT_BYTES_PER_MIN:
        missed.append(f"live room: the heap grew by {found['heap_bytes_per_min']:,} bytes per minute")
    return missed


def draw(found: dict[str, Any], path: Path) -> None:
    """Frames per second and the heap over time, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    at_s = [sample["at_s"] for sample in found["series"]]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 4.6), dpi=110, sharex=True)
    above.plot(at_s, [sample["fps"] for sample in found["series"]], color="#0b6e4f")
    above.axhline(TARGET_FPS, color="#b3541e", linestyle="--", linewidth=1)
    above.set_ylim(0, 70)
    above.set_title(f"Live room at {found['comments_per_s']:.0f} comments per second: frames per second", loc="left")
    below.plot(at_s, [sample["heap_bytes"] / 1e6 for sample in found["series"]], color="#0b6e4f")
    below.set_ylim(0)
    below.set_title("JavaScript heap after collection, MB", loc="left")
    below.set_xlabel("seconds")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
