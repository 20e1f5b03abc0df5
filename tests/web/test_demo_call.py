"""Calls of the demo in Chromium: frames both ways, screens, hands, devices that do not work."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from playwright.async_api import Page, expect

from tests.web.window import Open, deep, joined, online

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def frames(page: Page) -> int:
    """Pictures of others that this window has decoded."""
    decoded: int = await page.evaluate(
        """async () => {
            const call = document.querySelector("demo-app").shadowRoot.querySelector("tl-call").call;
            let sum = 0;
            for (const person of call?.room.remoteParticipants.values() ?? [])
                for (const one of person.videoTrackPublications.values())
                    (await one.track?.getRTCStatsReport())?.forEach((entry) => {
                        if (entry.type === "inbound-rtp") sum += entry.framesDecoded ?? 0;
                    });
            return sum;
        }"""
    )
    return decoded


async def test_a_call_shows_frames_both_ways_hands_and_reactions(window: Open) -> None:
    ann, bob = await window("/app?as=ann#call"), await window("/app?as=bob#call")
    for page in (ann, bob):
        await online(page)
        await joined(page)
    for page in (ann, bob):
        deadline = time.monotonic() + 90
        while await frames(page) < 20:
            assert time.monotonic() < deadline, "no pictures"
            await asyncio.sleep(0.2)
    # How well everybody is connected: the server measures it and says so every few seconds.
    for page in (ann, bob):
        await expect(deep(page, "tl-call").get_by_role("img", name=re.compile("^Connection: "))).to_have_count(2)
    await expect(deep(ann, "demo-panel").locator("dl")).to_contain_text(re.compile(r"Packets in\s*[1-9]"))
    # By keyboard: H raises a hand, P shows who is there, M mutes.
    await deep(bob, "tl-call").get_by_role("button", name="Raise hand").focus()
    await bob.keyboard.press("h")
    await expect(deep(ann, "tl-call").get_by_role("img", name="Hand raised").first).to_be_visible()
    await bob.keyboard.press("m")
    await deep(ann, "tl-call").get_by_role("button", name="Participants").focus()
    await ann.keyboard.press("p")
    people = deep(ann, "tl-call").get_by_role("region", name="Participants")
    await expect(people.get_by_role("img", name="Muted")).to_be_visible()
    await deep(bob, "tl-call").get_by_role("button", name="React", exact=True).click()
    await deep(bob, "tl-call").get_by_role("button", name="Send 🎉").click()
    await expect(deep(ann, "tl-call").get_by_role("status").first).to_have_text("Bob Okafor: 🎉")
    await deep(bob, "tl-call").get_by_role("button", name="Leave").click()
    await expect(deep(bob, "tl-call").get_by_role("button", name="Join again")).to_be_visible()
    await expect(deep(ann, "tl-call").get_by_role("status").first).to_have_text("Bob Okafor left")


async def test_a_screen_is_shared_seen_and_taken_back(window: Open) -> None:
    ann, bob = await window("/app?as=ann#call"), await window("/app?as=bob#call")
    for page in (ann, bob):
        await online(page)
        # Pictures of the screen are enough to encode.
        await deep(page, "tl-call").get_by_role("button", name="Turn camera off").click()
        await joined(page)
    mine = deep(ann, "tl-call")
    await mine.get_by_role("button", name="Share screen").click()
    await expect(mine.get_by_role("button", name="Stop sharing")).to_be_visible()
    shown = deep(bob, "tl-call-tile video.screen")
    await expect(shown).to_be_visible()
    # Pictures of the screen arrive, of the size that was captured.
    deadline = time.monotonic() + 90
    while (size := await shown.evaluate("(video) => [video.videoWidth, video.videoHeight]"))[0] == 0:
        assert time.monotonic() < deadline, "no picture of the screen"
        await asyncio.sleep(0.1)
    assert size[0] > size[1] > 100
    await mine.get_by_role("button", name="Stop sharing").click()
    await expect(shown).to_have_count(0)
    await expect(mine.get_by_role("button", name="Share screen")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "The camera is blocked"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "Another program uses the camera"),
    ],
)
async def test_a_camera_that_does_not_work_is_told_in_words_and_one_joins_without(
    window: Open, name: str, words: str
) -> None:
    page = await window("/app?as=lucia")
    await page.evaluate(
        """(name) => {
            const devices = navigator.mediaDevices;
            const own = devices.getUserMedia.bind(devices);
            const refused = () => Promise.reject(new DOMException("no", name));
            devices.getUserMedia = (wanted) => (wanted.video ? refused() : own(wanted));
        }""",
        name,
    )
    await online(page)
    await page.evaluate("() => void (location.hash = 'call')")
    await expect(deep(page, "tl-call").get_by_role("alert").filter(has_text=words)).to_be_visible()
    await joined(page)
