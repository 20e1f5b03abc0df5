"""Live sessions in a real browser, with LiveKit's own JavaScript library."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.integration.live.person import Person, live_token
from tests.integration.rest.running import App

pytestmark = pytest.mark.timeout(240)
TIMEOUT_S = 40.0


async def eventually(
    read: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], what: str, timeout_s: float = TIMEOUT_S
) -> Any:
    """Read until it holds."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        found = await read()
        if holds(found):
            return found
        assert asyncio.get_running_loop().time() < deadline, f"not in time: {what}: {found}"
        await asyncio.sleep(0.1)


async def enter(
    browser: Browser,
    pages: str,
    app: App,
    identity: str,
    *,
    library: str = "livekit-client",
    connecting: dict[str, Any] | None = None,
    **options: Any,
) -> Page:
    """A page in the session, in a profile of its own."""
    context = await browser.new_context(permissions=["camera", "microphone"])
    page = await context.new_page()
    await page.goto(f"{pages}/live.html?library={library}")
    url = app.server.url.replace("http", "ws", 1)
    token = live_token(app, identity, "room")
    given = [url, token, options, connecting or {}]
    assert await page.evaluate("given => join(...given)", given) == identity
    return page


async def statistics(page: Page) -> Any:
    return await page.evaluate("statistics()")


def holds(wanted: Any, found: Any) -> bool:
    """Whether something is among what was found."""
    return wanted in found


async def wide(page: Page, width: int) -> None:
    """Wait until pictures have this width."""
    await eventually(lambda: statistics(page), lambda s: coming(s, "video", "width") == width, f"{width} wide")


async def more_frames(page: Page, frames: float) -> None:
    """Wait until more frames than these were decoded."""
    await eventually(lambda: statistics(page), lambda s: coming(s, "video", "frames") > frames, "more frames")


def coming(found: Any, kind: str, name: str) -> float:
    """A figure of what arrives; 0 before anything does."""
    return found["in"].get(kind, {}).get(name) or 0


async def sees_and_hears(page: Page, who: str) -> Any:
    """Wait until frames are decoded and sound has energy."""
    return await eventually(
        lambda: statistics(page),
        lambda s: (
            (s["in"].get("video", {}).get("frames") or 0) > 30 and (s["in"].get("audio", {}).get("energy") or 0) > 0.01
        ),
        f"{who} sees and hears",
    )


async def test_browsers_see_hear_and_message_each_other(browser: Browser, pages: str, app: App) -> None:
    ann = await enter(browser, pages, app, "ann")
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("publish()")
    await bob.evaluate("publish()")
    for page, who in ((ann, "ann"), (bob, "bob")):
        await sees_and_hears(page, who)
    found = await eventually(
        lambda: statistics(bob), lambda s: s["in"]["video"]["width"] == 1280, "the highest of three layers"
    )
    assert found["in"]["video"]["lost"] == 0
    assert {"videoq", "videoh", "videof"} <= set((await statistics(ann))["out"])
    await ann.evaluate("say('for all', true)")
    await bob.evaluate("say('quick', false)")
    for page, message in ((bob, ["ann", "for all"]), (ann, ["bob", "quick"])):
        await eventually(functools.partial(page.evaluate, "messages"), functools.partial(holds, message), f"{message}")
    await ann.evaluate("room.localParticipant.setCameraEnabled(false)")
    await eventually(lambda: bob.evaluate("happened"), lambda h: "muted ann" in h, "muted")
    await ann.evaluate("room.localParticipant.setCameraEnabled(true)")
    await eventually(lambda: bob.evaluate("happened"), lambda h: "unmuted ann" in h, "unmuted")
    before = (await statistics(bob))["in"]["video"]["frames"]
    await eventually(lambda: statistics(bob), lambda s: s["in"]["video"]["frames"] > before + 30, "frames again")


@pytest.mark.parametrize("codec", ["vp9", "av1"])
async def test_layers_of_scalable_video_follow_the_quality_chosen(
    browser: Browser, pages: str, app: App, codec: str
) -> None:
    publishing = {"videoCodec": codec, "scalabilityMode": "L3T3_KEY", "backupCodec": False}
    capturing = {"resolution": {"width": 640, "height": 360, "frameRate": 15}}
    ann = await enter(browser, pages, app, "ann", publishDefaults=publishing, videoCaptureDefaults=capturing)
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("room.localParticipant.setCameraEnabled(true)")
    await wide(bob, 640)
    for quality, width in (("LOW", 160), ("MEDIUM", 320), ("HIGH", 640)):
        await bob.evaluate("quality => choose('ann', quality)", quality)
        await wide(bob, width)
        frames = coming(await statistics(bob), "video", "frames")
        await more_frames(bob, frames + 10)
    assert "videof" not in (await statistics(ann))["out"], "one source, not one for each layer"


async def test_layers_follow_the_quality_chosen(browser: Browser, pages: str, app: App) -> None:
    ann = await enter(browser, pages, app, "ann")
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("publish()")
    await eventually(lambda: statistics(bob), lambda s: s["in"].get("video", {}).get("width") == 1280, "high")
    for quality, width in (("LOW", 320), ("MEDIUM", 640), ("HIGH", 1280)):
        await bob.evaluate("quality => choose('ann', quality)", quality)
        await wide(bob, width)
        frames = coming(await statistics(bob), "video", "frames")
        await more_frames(bob, frames + 10)


async def test_layers_that_nobody_wants_are_not_sent(browser: Browser, pages: str, app: App) -> None:
    ann = await enter(browser, pages, app, "ann", dynacast=True)
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("publish()")
    await wide(bob, 1280)
    await bob.evaluate("choose('ann', 'LOW')")
    await wide(bob, 320)

    async def sent() -> float:
        """Packets of the highest layer in half a second."""
        before = (await statistics(ann))["out"]["videof"]["packets"]
        await asyncio.sleep(0.5)
        after: float = (await statistics(ann))["out"]["videof"]["packets"]
        return float(after - before)

    await eventually(sent, lambda packets: packets == 0, "the highest layer stops")
    await bob.evaluate("choose('ann', 'HIGH')")
    await wide(bob, 1280)


@pytest.mark.parametrize("scenario", ["signal-reconnect", "full-reconnect"])
async def test_a_browser_comes_back(browser: Browser, pages: str, app: App, scenario: str) -> None:
    ann = await enter(browser, pages, app, "ann")
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("publish()")
    await sees_and_hears(bob, "bob")
    await ann.evaluate("scenario => room.simulateScenario(scenario)", scenario)
    await eventually(lambda: ann.evaluate("happened"), lambda h: "Reconnected" in h, f"back after {scenario}")
    packets = (await statistics(bob))["in"].get("video", {}).get("packets", 0)
    await eventually(
        lambda: statistics(bob),
        lambda s: s["in"].get("video", {}).get("packets", 0) > packets + 100,
        "bob sees ann again",
    )
    await eventually(lambda: bob.evaluate("others()"), lambda names: names == ["ann"], "one ann")


async def test_an_older_library_on_two_connections_and_a_new_one_meet(browser: Browser, pages: str, app: App) -> None:
    ann = await enter(browser, pages, app, "ann", library="livekit-client-1")
    bob = await enter(browser, pages, app, "bob")
    assert await ann.evaluate("LivekitClient.version") == "1.15.13"
    assert await ann.evaluate("Boolean(room.engine.subscriber || room.engine.pcManager.subscriber)")
    await ann.evaluate("publish()")
    await bob.evaluate("publish()")
    for page, who in ((ann, "ann"), (bob, "bob")):
        await sees_and_hears(page, who)
    await ann.evaluate("say('from the past', true)")
    await bob.evaluate("say('from today', true)")
    for page, message in ((bob, ["ann", "from the past"]), (ann, ["bob", "from today"])):
        await eventually(functools.partial(page.evaluate, "messages"), functools.partial(holds, message), f"{message}")
    for quality, width in (("LOW", 320), ("HIGH", 1280)):
        await ann.evaluate("quality => choose('bob', quality)", quality)
        await wide(ann, width)
    await ann.evaluate("room.simulateScenario('signal-reconnect')")
    await eventually(lambda: ann.evaluate("happened"), lambda h: "Reconnected" in h, "resumed")
    await more_frames(bob, coming(await statistics(bob), "video", "frames") + 10)
    await more_frames(ann, coming(await statistics(ann), "video", "frames") + 10)


async def test_a_browser_without_udp_goes_by_tcp(browser: Browser, pages: str, app: App) -> None:
    ann = await enter(browser, pages, app, "ann")
    bob = await Person("bob").join(app, "room")
    await ann.evaluate("publish()")
    await bob.speak()
    await bob.show()
    await sees_and_hears(ann, "ann")
    await ann.evaluate("room.simulateScenario('force-tcp')")
    await eventually(lambda: ann.evaluate("happened"), lambda h: "Reconnected" in h, "back by TCP")
    await eventually(
        lambda: statistics(ann),
        lambda s: {way["protocol"] for way in s["ways"] if way} == {"tcp"} and coming(s, "video", "frames") > 10,
        "pictures by TCP",
    )
    await bob.leave()


async def test_a_browser_and_the_python_library_meet(browser: Browser, pages: str, app: App) -> None:
    ann = await enter(browser, pages, app, "ann")
    bob = await Person("bob").join(app, "room")
    await ann.evaluate("publish()")
    await bob.speak()
    await bob.show()
    await sees_and_hears(ann, "ann")
    await eventually(_of(bob), lambda seen: seen[0] > 20 and seen[1] > 100, "bob sees and hears ann")
    await bob.leave()


def _of(person: Person) -> Callable[[], Awaitable[tuple[int, float]]]:
    async def read() -> tuple[int, float]:
        return person.sees("ann").frames, person.hears("ann").loudness

    return read
