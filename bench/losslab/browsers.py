"""Participants in headless Chromium, on LiveKit's JavaScript library: what their own statistics say.

Not here: the page (``tests/browser/pages``), the network (``relay``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from bench.losslab.cases import Case, Outcome
from bench.losslab.impairment import CLEAN, Impairment
from bench.losslab.running import VIDEO, WARM_UP_S, Lab
from tests.browser.conftest import CHROMIUM, SWITCHES
from tests.integration.live.person import live_token
from tests.support.page_server import served_pages

ROOT = Path(__file__).resolve().parents[2] / "tests" / "browser"
FPS = 20
TIMEOUT_S = 30.0
CAPTURE = {"resolution": {"width": VIDEO[0], "height": VIDEO[1], "frameRate": FPS}}
COUNTS = """async () => {
  const found = { video: {}, audio: {} };
  const { publisher, subscriber } = room.engine.pcManager ?? room.engine;
  for (const connection of [publisher, subscriber]) {
    if (!connection) continue;
    for (const entry of (await (connection.getStats ? connection : connection.pc).getStats()).values())
      if (entry.type === "inbound-rtp")
        for (const [name, value] of Object.entries(entry))
          if (typeof value === "number") found[entry.kind][name] = value;
  }
  return found;
}"""


@contextmanager
def pages() -> Iterator[str]:
    """Where the page is served."""
    with served_pages(ROOT) as url:
        yield f"{url}/pages/live.html"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser with a camera and a microphone that it makes up."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        try:
            yield browser
        finally:
            await browser.close()


async def _enter(lab: Lab, browser: Browser, page_url: str, name: str, room: str) -> Page:
    lab.relay.expect(name, CLEAN, CLEAN)
    page = await (await browser.new_context(permissions=["camera", "microphone"])).new_page()
    await page.goto(page_url)
    url = lab.app.server.url.replace("http", "ws", 1)
    await page.evaluate(
        "given => join(...given)", [url, live_token(lab.app, name, room), {"videoCaptureDefaults": CAPTURE}, {}]
    )
    return page


async def _until_seen(page: Page) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while (await page.evaluate(COUNTS))["video"].get("framesDecoded", 0) < FPS:
        if time.monotonic() > deadline:
            raise TimeoutError("the first pictures")
        await asyncio.sleep(0.1)


async def browsers(lab: Lab, cases: list[Case], seconds: float) -> list[Outcome]:
    """One room of two browsers after the other: one shows and speaks, the other's statistics are read."""
    outcomes: list[Outcome] = []
    with pages() as page_url:
        for case in cases:
            outcome = Outcome(case)
            outcomes.append(outcome)
            async with chromium() as browser:
                try:
                    await _run(lab, browser, page_url, outcome, seconds)
                except (TimeoutError, Exception) as error:  # noqa: BLE001 - that it fails is a result
                    outcome.failed = f"{type(error).__name__}: {error}".splitlines()[0]
    return outcomes


async def _run(lab: Lab, browser: Browser, page_url: str, outcome: Outcome, seconds: float) -> None:
    case = outcome.case
    ann, bob = f"ann {case.name}", f"bob {case.name}"
    speaker = await _enter(lab, browser, page_url, ann, case.name)
    await speaker.evaluate("publish()")
    watcher = await _enter(lab, browser, page_url, bob, case.name)
    await _until_seen(watcher)
    back_up, back_down = (case.up, case.down) if case.back else (CLEAN, CLEAN)
    lab.relay.impair(ann, case.up, back_up)
    lab.relay.impair(bob, back_down, case.down)
    await asyncio.sleep(WARM_UP_S)
    before, begun_s = await watcher.evaluate(COUNTS), time.monotonic()
    await asyncio.sleep(seconds)
    after, took_s = await watcher.evaluate(COUNTS), time.monotonic() - begun_s
    happened = await watcher.evaluate("happened") + await speaker.evaluate("happened")
    outcome.failed = ", ".join(happened)

    def more(kind: str, name: str) -> float:
        return float(after[kind].get(name, 0) - before[kind].get(name, 0))

    outcome.values = {
        "freeze": more("video", "totalFreezesDuration") / took_s,
        "freezes": more("video", "freezeCount"),
        "fps": more("video", "framesDecoded") / took_s,
        "width": after["video"].get("frameWidth", 0),
        "concealed": more("audio", "concealedSamples") / max(more("audio", "totalSamplesReceived"), 1),
        "kbps": 8 * (more("video", "bytesReceived") + more("audio", "bytesReceived")) / 1000 / took_s,
    }


def browser_cases() -> list[Case]:
    """What browsers are sent through; reports and requests are lost as well."""
    return [
        Case("Chromium clean"),
        Case("Chromium both 30%", up=Impairment(0.3), down=Impairment(0.3), back=True),
        Case("Chromium down 50%", down=Impairment(0.5), back=True),
    ]
