"""A live room at 200 comments per second: frames per second, memory, and whether either changes with time.

The comments come from the demo's audience: SDK clients over the link, through the server, on the same two cores. Not
here: the browser and the pages (`pages.py`, `demo_site.py`), plots (`plots.py`).
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

from bench.web.usage import Usage, renderer_bytes

TARGET_FPS = 50.0
TARGET_PER_S = 200
FLAT_BYTES_PER_MIN = 400_000
"""What the heap may gain per minute and count as flat."""
FLAT_PROCESS_BYTES_PER_MIN = 2_000_000
"""The same for the memory of the page's process, which the browser gives back when it likes."""
FLAT_NODES_PER_MIN = 600
"""The same for the nodes of the documents, in the second half of the time: lists are full by then."""
SAMPLE_S = 5.0
WARM_UP_S = 20.0

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
        p95_ms: gaps[Math.floor(gaps.length * 0.95)] ?? 0, late: gaps.filter((gap) => gap > 50).length,
        in_flight: room.danmaku.in_flight,
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
    used = Usage.now()
    samples = [await _sample(page, debugger)]
    for _ in range(max(2, int(seconds / SAMPLE_S))):
        await asyncio.sleep(SAMPLE_S)
        samples.append(await _sample(page, debugger))
    cores = Usage.now().since(used)
    await page.close()
    found = _summary(samples)
    return found | {"cores": cores, "renderer_ms": round(cores.get("renderer", 0.0) * 1000 / found["fps"], 1)}


async def _sample(page: Page, debugger: CDPSession) -> dict[str, Any]:
    sample: dict[str, Any] = await page.evaluate(READ)
    await debugger.send("HeapProfiler.collectGarbage")
    usage = await debugger.send("Runtime.getHeapUsage")
    nodes = await debugger.send("Memory.getDOMCounters")
    more = {"heap_bytes": usage["usedSize"], "nodes": nodes["nodes"], "process_bytes": renderer_bytes()}
    # What collecting took is not the room's doing: the next frames are counted from here.
    return sample | more | {"from": await page.evaluate(READ)}


def _summary(samples: list[dict[str, Any]]) -> dict[str, Any]:
    series = []
    frames = comments = late = 0
    seconds = 0.0
    for before, after in itertools.pairwise(samples):
        lasted_s = (after["at_ms"] - before["from"]["at_ms"]) / 1000
        drawn, came = after["frames"] - before["from"]["frames"], after["comments"] - before["from"]["comments"]
        frames, comments, late, seconds = frames + drawn, comments + came, late + after["late"], seconds + lasted_s
        series.append(
            {
                "at_s": round((after["at_ms"] - samples[0]["at_ms"]) / 1000, 1),
                "fps": round(drawn / lasted_s, 1),
                "comments_per_s": round(came / lasted_s, 1),
                **{name: after[name] for name in ("heap_bytes", "process_bytes", "nodes", "in_flight", "late")},
                "p95_ms": round(after["p95_ms"], 1),
            }
        )
    return {
        "seconds": round((samples[-1]["at_ms"] - samples[0]["at_ms"]) / 1000, 1),
        "fps": round(frames / seconds, 1),
        "late": late,
        "frames": frames,
        "comments_per_s": round(comments / seconds, 1),
        "heap_bytes_per_min": round(_slope([(s["at_ms"] / 60_000, s["heap_bytes"]) for s in samples])),
        "process_bytes_per_min": round(_slope([(s["at_ms"] / 60_000, s["process_bytes"]) for s in samples])),
        "nodes_per_min": round(_slope([(s["at_ms"] / 60_000, s["nodes"]) for s in samples[len(samples) // 2 :]])),
        "series": series,
    }


def _slope(points: list[tuple[float, float]]) -> float:
    """Least squares."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def verdict(found: dict[str, Any]) -> list[str]:
    """What is below its target of what one sees."""
    missed = []
    if found["fps"] < TARGET_FPS:
        missed.append(f"live room: {found['fps']} frames per second instead of {TARGET_FPS:g}")
    return missed + _quiet_audience(found)


def memory_verdict(found: dict[str, Any]) -> list[str]:
    """What is below its target after minutes."""
    missed = []
    if found["heap_bytes_per_min"] > FLAT_BYTES_PER_MIN:
        missed.append(f"live room: the heap grew by {found['heap_bytes_per_min']:,} bytes per minute")
    if found["process_bytes_per_min"] > FLAT_PROCESS_BYTES_PER_MIN:
        missed.append(f"live room: the page's process grew by {found['process_bytes_per_min']:,} bytes per minute")
    if found["nodes_per_min"] > FLAT_NODES_PER_MIN:
        missed.append(f"live room: the documents grew by {found['nodes_per_min']:,} nodes per minute")
    return missed + _quiet_audience(found)


def _quiet_audience(found: dict[str, Any]) -> list[str]:
    if found["comments_per_s"] >= 0.9 * TARGET_PER_S:
        return []
    return [f"live room: only {found['comments_per_s']} of {TARGET_PER_S} comments per second came"]
