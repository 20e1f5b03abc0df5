"""The demo's live room in Chromium: under load, and a quiz from the question to the result."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import expect

from tests.web.window import Open, deep, holds, online

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_a_live_room_under_load_shows_every_reliable_entry(window: Open) -> None:
    page = await window("/app?as=mei#live")
    await online(page)
    room = deep(page, "tl-room")
    await expect(room.get_by_role("tab", name="Tools")).to_be_visible()
    # Every line that was ever drawn, and every reliable message that came, from here on.
    await page.evaluate(
        """() => {
            const room = document.querySelector("demo-app").shadowRoot.querySelector("tl-room");
            globalThis.drawn = new Set(); globalThis.came = new Set(); globalThis.samples = 0;
            const log = room.shadowRoot.querySelector("tl-room-feed").shadowRoot.querySelector("[role=log]");
            const seen = (line) => drawn.add(Number(line.dataset.seq));
            const note = () => log.querySelectorAll("[data-seq]").forEach(seen);
            note();
            new MutationObserver(note).observe(log, { childList: true, subtree: true });
            room.stay.onMessages((messages) => messages.forEach((one) => {
                if (["gift", "announcement"].includes(one.type)) came.add(one.seq);
                if (one.type === "danmaku") samples += one.count;
            }));
        }"""
    )
    slider = deep(page, "#audience")
    await slider.focus()
    await page.keyboard.press("End")
    await expect(deep(page, "output")).to_have_text("200 per second")
    began_s = time.monotonic()
    await holds(page, "came.size >= 8 && samples >= 800", 60)
    rate = await page.evaluate("() => samples") / (time.monotonic() - began_s)
    await holds(page, "[...came].every((seq) => drawn.has(seq))")
    assert rate > 30, "the audience hardly spoke"
    # Flying comments never touch one another, at several moments.
    for _ in range(5):
        boxes = await page.evaluate(
            """() => document.querySelector("demo-app").shadowRoot.querySelector("tl-room").danmaku.boxes()"""
        )
        for index, one in enumerate(boxes):
            for other in boxes[index + 1 :]:
                apart = one["top"] != other["top"] or (
                    one["left"] >= other["left"] + other["width"] or other["left"] >= one["left"] + one["width"]
                )
                assert apart, (one, other)
        await asyncio.sleep(0.3)
    await slider.focus()
    await page.keyboard.press("Home")
    await room.get_by_role("tab", name="Tools").click()
    await room.get_by_label("Announcement").fill("Thank you all")
    await page.keyboard.press("Enter")
    await expect(room.locator(".announcement p")).to_have_text("Thank you all")


async def test_a_quiz_is_played_from_the_question_to_the_result(window: Open) -> None:
    host, ken = await window("/app?as=mei#live"), await window("/app?as=ken#live")
    for page in (host, ken):
        await online(page)
    tools, quiz = deep(host, "tl-room-host"), deep(ken, "tl-quiz")
    await deep(host, "tl-room").get_by_role("tab", name="Tools").click()

    async def asked(text: str) -> None:
        await tools.get_by_label("Question").fill(text)
        await tools.get_by_label("Answer 1", exact=True).fill("Six")
        await tools.get_by_label("Answer 2", exact=True).fill("Eight")
        await tools.get_by_label("Answer 2 is right").check()
        await tools.get_by_role("button", name="Ask").click()
        await expect(quiz.get_by_role("heading")).to_have_text(text)

    # Whoever is slower than a question is long gets another one.
    for number in range(1, 6):
        await asked(f"How many legs has spider {number}?")
        await quiz.get_by_role("button", name="Eight").click()
        if "Answered" in await quiz.get_by_role("status").inner_text():
            break
    await expect(deep(host, "tl-quiz").get_by_role("heading")).to_have_text(f"How many legs has spider {number}?")
    end = tools.get_by_role("button", name="End the question")
    if await end.is_visible():
        await end.click()
    await expect(quiz.get_by_role("status")).to_contain_text("Right!")
    await expect(quiz.get_by_role("status")).to_contain_text("1 right so far")
    await expect(quiz.get_by_role("button", name="Eight")).to_have_attribute("aria-pressed", "true")
    # The host gave no answer, and is told what it was.
    verdict = deep(host, "tl-quiz").get_by_role("status")
    await expect(verdict).to_contain_text("Time is up.")
    await expect(verdict).to_contain_text("1 answer")
    assert await quiz.evaluate("(one) => one.quiz.outcome.correct") == [1]
    assert await quiz.evaluate("(one) => one.quiz.outcome.tallies") == [0, 1]
    # Who comes back finds the quiz and their score.
    await ken.reload()
    await online(ken)
    await holds(
        ken,
        """document.querySelector("demo-app").shadowRoot.querySelector("tl-room").quiz?.right === 1""",
    )
