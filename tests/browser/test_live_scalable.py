"""Scalable video (SVC) of a real browser: one source, whose spatial layers are sent as the subscriber chooses."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.browser.test_live import coming, enter, more_frames, statistics, wide
from tests.integration.rest.running import App

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("codec", ["vp9", "av1"])
async def test_spatial_layers_follow_the_quality_chosen_down_and_up(
    browser: Browser, pages: str, app: App, codec: str
) -> None:
    # The smallest that Chromium divides into three: a layer of less than 240 by 135 is left out.
    small = {"resolution": {"width": 960, "height": 540, "frameRate": 10}}
    publishing = {"videoCodec": codec, "scalabilityMode": "L3T3_KEY", "backupCodec": False}
    ann = await enter(browser, pages, app, "ann", videoCaptureDefaults=small, publishDefaults=publishing)
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("room.localParticipant.setCameraEnabled(true)")
    await wide(bob, 960)
    assert await bob.evaluate("codecs()") == [f"video/{codec.upper()}"]
    sources = [name for name in (await statistics(ann))["out"] if name.startswith("video")]
    assert sources == ["video"], "one source, no simulcast"
    for quality, width in (("LOW", 240), ("MEDIUM", 480), ("HIGH", 960), ("LOW", 240), ("HIGH", 960)):
        await bob.evaluate("quality => choose('ann', quality)", quality)
        await wide(bob, width)
        await more_frames(bob, coming(await statistics(bob), "video", "frames") + 10)
