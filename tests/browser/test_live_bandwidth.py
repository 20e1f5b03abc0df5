"""A browser behind a narrow path: it is switched down and up again, and told when its picture has to pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bench.losslab.impairment import CLEAN, Impairment
from bench.losslab.relay import Relay
from tests.browser.test_live import coming, enter, eventually, statistics, wide
from tests.integration.rest.running import App, serving

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[tuple[Relay, App]]:
    """A server whose clients all go through the emulated network."""
    relay = await Relay(seed=1).open()
    settings = {"LIVE__ADDRESSES": "127.0.0.1", "LIVE__TCP": "false", "LIVE__ADVERTISED_PORT": str(relay.port)}
    with serving(tmp_path, LIVE__ENABLED="true", **settings) as server:
        relay.serve(int(server.url.rpartition(":")[2]))
        yield relay, server.create_app()
        relay.close()


async def test_layers_follow_the_bandwidth_down_and_up(browser: Browser, pages: str, narrow: tuple[Relay, App]) -> None:
    relay, app = narrow
    relay.expect("ann")
    ann = await enter(browser, pages, app, "ann")
    relay.expect("bob")
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("publish()")
    await wide(bob, 1280)
    relay.impair("bob", CLEAN, Impairment(rate_bps=400_000))
    await eventually(
        lambda: statistics(bob), lambda s: coming(s, "video", "width") == 320, "the lowest layer", timeout_s=30
    )
    frames = coming(await statistics(bob), "video", "frames")
    await eventually(
        lambda: statistics(bob), lambda s: coming(s, "video", "frames") > frames + 20, "it flows", timeout_s=30
    )
    relay.impair("bob", CLEAN, CLEAN)
    await eventually(
        lambda: statistics(bob), lambda s: coming(s, "video", "width") == 1280, "the highest again", timeout_s=45
    )


async def test_a_picture_that_finds_no_room_is_paused_and_said_to_be(
    browser: Browser, pages: str, narrow: tuple[Relay, App]
) -> None:
    relay, app = narrow
    relay.expect("ann")
    ann = await enter(browser, pages, app, "ann")
    relay.expect("bob")
    bob = await enter(browser, pages, app, "bob")
    await ann.evaluate("publish()")
    await wide(bob, 1280)
    relay.impair("bob", CLEAN, Impairment(rate_bps=110_000))
    await eventually(
        lambda: bob.evaluate("states('ann')"), lambda found: found["video"] == "paused", "paused", timeout_s=40
    )
    energy = coming(await statistics(bob), "audio", "energy")
    await asyncio.sleep(0)
    await eventually(
        lambda: statistics(bob), lambda s: coming(s, "audio", "energy") > energy, "sound goes on", timeout_s=30
    )
    relay.impair("bob", CLEAN, CLEAN)
    await eventually(
        lambda: bob.evaluate("states('ann')"), lambda found: found["video"] == "active", "active again", timeout_s=45
    )
