"""People chat in browsers, through the example page and a real server."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from tests.claims.server_process import ServerProcess
from tests.web.person import Person

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def two(browser: Browser, pages: Path, server: ServerProcess) -> tuple[Person, Person]:
    """Ann and Bo, with a group of the two."""
    ann = await Person.enter(browser, pages, server, "user/ann")
    bo = await Person.enter(browser, pages, server, "user/bo")
    await ann.run("client.online()")
    await ann.run("client.api.profile.set({name: 'Ann Lee'})")
    await bo.run("client.online()")
    await bo.run("client.api.profile.set({name: 'Bo Chen'})")
    await ann.run("client.api.group.create({id: 'g.walk', name: 'Walk', members: ['user/bo']})")
    return ann, bo


async def pressed(message: Locator, name: str) -> None:
    """Press a button that a message has while it is pointed at; new messages may move it away from the pointer."""
    button = message.get_by_role("button", name=name, exact=True)
    async with asyncio.timeout(90):
        while True:
            await message.locator(".bubble").hover()
            with contextlib.suppress(PlaywrightTimeoutError):
                return await button.click(timeout=2_000)


async def test_two_browsers_chat_through_a_kill(browser: Browser, pages: Path, server: ServerProcess) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    await ann.write("before the crash")
    await expect(bo.page.locator("tl-conversation-list .row", has_text="Walk").locator(".badge")).to_have_text("1")
    await bo.open("Walk")
    await expect(bo.bubbles()).to_contain_text(["before the crash"])
    await expect(bo.page.locator("tl-conversation-list .badge")).to_have_count(0)

    await server.kill()
    for number in range(5):
        await ann.write(f"ann {number}")
        await bo.write(f"bo {number}")
    await expect(ann.page.locator("tl-chat .main tl-message .row.pending")).to_have_count(5)
    await server.start()
    for person in (ann, bo):
        await person.run("client.reconnect()")
        await expect(person.page.locator("tl-chat .main tl-message .row.pending")).to_have_count(0)
        await expect(person.bubbles()).to_have_count(11)
    texts = await ann.texts()
    assert texts == await bo.texts()
    assert texts[0] == "before the crash"
    assert [text for text in texts if text.startswith("ann")] == [f"ann {number}" for number in range(5)]
    assert [text for text in texts if text.startswith("bo")] == [f"bo {number}" for number in range(5)]
    for person in (ann, bo):
        await expect(person.page.locator("tl-conversation-list .badge")).to_have_count(0)
        assert await person.run("client.conversations.one('g.walk').get().unread") == 0
    await ann.leave()
    await bo.leave()


async def test_unread_counts_follow_what_is_seen(browser: Browser, pages: Path, server: ServerProcess) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    for number in range(8):
        await ann.write(f"news {number}")
    await ann.page.locator("tl-composer textarea").press_sequentially("@bo")
    await expect(ann.page.get_by_role("option", name=re.compile("Bo Chen"))).to_be_visible()
    await ann.page.keyboard.press("Enter")
    await ann.page.keyboard.type("come along")
    await ann.page.keyboard.press("Enter")
    row = bo.page.locator("tl-conversation-list .row", has_text="Walk")
    await expect(row.locator(".badge:not(.mention)")).to_have_text("9")
    await expect(row.locator(".badge.mention")).to_have_count(1)
    await bo.open("Walk")
    await expect(bo.page.locator("tl-message .unread")).to_have_text("New")
    await expect(row.locator(".badge")).to_have_count(0)
    await expect(ann.page.locator("tl-message .readers")).to_have_text("Read by 1")
    assert await bo.run("client.conversations.one('g.walk').get().unread_mentions") == 0
    await ann.leave()
    await bo.leave()


async def test_what_people_do_with_messages(browser: Browser, pages: Path, server: ServerProcess) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    await bo.open("Walk")
    await ann.write("meet at six")
    said = bo.page.locator("tl-message", has_text="meet at six")
    await pressed(said, "Add a reaction")
    await bo.page.locator("tl-message-list tl-emoji-picker .grid button").first.click()
    reaction = ann.page.locator("tl-message .reaction")
    await expect(reaction).to_contain_text("1")
    await reaction.click()
    await expect(said.locator(".reaction")).to_contain_text("2")

    # a reply that quotes, then a thread
    await pressed(said, "Reply")
    await bo.write("six is early")
    await expect(ann.page.locator("tl-message", has_text="six is early").locator(".quote")).to_contain_text(
        "meet at six"
    )
    await pressed(said.first, "Reply in a thread")
    thread = bo.page.locator("tl-thread")
    await thread.locator("textarea").fill("in the thread")
    await thread.locator("textarea").press("Enter")
    await expect(thread.locator("tl-message-list tl-message")).to_contain_text("in the thread")
    await expect(ann.page.locator("tl-message .replies").first).to_contain_text("1 reply")

    # ann changes her message by the keyboard alone, then takes it back
    await ann.page.locator("tl-composer textarea").press("ArrowUp")
    await ann.write("meet at seven")
    await expect(bo.page.locator(".main tl-message", has_text="meet at seven").locator(".meta").first).to_contain_text(
        "edited"
    )
    mine = ann.page.locator("tl-message[own]", has_text="meet at seven").first
    await mine.focus()
    await ann.page.keyboard.press("Enter")
    await ann.page.get_by_role("menuitem", name="Take back").click()
    await ann.page.get_by_role("alertdialog").get_by_role("button", name="Take back").click()
    await expect(bo.page.locator(".main tl-message .gone")).to_have_text("Ann Lee took a message back")
    await ann.leave()
    await bo.leave()


async def test_cards_are_made_and_acted_on(browser: Browser, pages: Path, server: ServerProcess) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    await bo.open("Walk")
    await ann.page.get_by_role("button", name="Add a file, a poll and more").click()
    await ann.page.get_by_role("menuitem", name="Poll").click()
    maker = ann.page.locator("tl-composer tl-card-maker")
    await maker.get_by_label("Question").fill("Which way?")
    await maker.get_by_label("Option 1").fill("East")
    await maker.get_by_label("Option 2").fill("West")
    await maker.get_by_role("button", name="Create").click()
    await bo.page.get_by_role("radio", name=re.compile("West")).check()
    await expect(ann.page.get_by_role("radio", name="West: 1 votes, 100%")).to_be_visible()

    await ann.run("client.cards.create('g.walk', 'todo', {title: 'Packing', items: [{text: 'Rope'}]}).sent")
    await bo.page.locator("tl-card").get_by_label("New item").fill("Map")
    await bo.page.keyboard.press("Enter")
    await ann.page.get_by_role("checkbox", name="Map").check()
    await expect(bo.page.locator("tl-card .progress")).to_have_attribute("aria-label", "1 of 2 done")

    await ann.run(
        "client.cards.create('g.walk', 'event', {title: 'Ridge', starts_at_ms: 1900000000000, capacity: 1}).sent"
    )
    await bo.page.get_by_role("button", name=re.compile("^Going")).click()
    await expect(ann.page.locator("tl-card .kind-event .foot")).to_contain_text("1 going · Full")
    await ann.leave()
    await bo.leave()


async def test_files_are_uploaded_by_drop_and_paste(browser: Browser, pages: Path, server: ServerProcess) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    await bo.open("Walk")
    await ann.page.evaluate(
        """() => {
            const composer = document.querySelector('tl-chat').shadowRoot.querySelector('tl-composer');
            const data = new DataTransfer();
            data.items.add(new File(['route notes'], 'notes.txt', {type: 'text/plain'}));
            const target = composer.shadowRoot.querySelector('textarea');
            target.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, composed: true}));
        }"""
    )
    await expect(bo.page.locator("tl-media .file")).to_contain_text("notes.txt")
    await ann.page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(64, 48);
            const draw = canvas.getContext('2d');
            draw.fillStyle = 'teal';
            draw.fillRect(0, 0, 64, 48);
            const data = new DataTransfer();
            data.items.add(new File([await canvas.convertToBlob({type: 'image/png'})], 'dot.png', {type: 'image/png'}));
            const composer = document.querySelector('tl-chat').shadowRoot.querySelector('tl-composer');
            const target = composer.shadowRoot.querySelector('textarea');
            const options = {clipboardData: data, bubbles: true, composed: true, cancelable: true};
            target.dispatchEvent(new ClipboardEvent('paste', options));
        }"""
    )
    picture = bo.page.locator("tl-media img")
    await expect(picture).to_have_count(1)
    async with asyncio.timeout(20):
        while not await picture.evaluate("(image) => image.complete && image.naturalWidth > 0"):
            await asyncio.sleep(0.05)
    await ann.leave()
    await bo.leave()


async def test_a_voice_message_is_recorded_sent_and_played(
    browser: Browser, pages: Path, server: ServerProcess
) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    await bo.open("Walk")
    composer = ann.page.locator("tl-chat .main tl-composer")
    await composer.get_by_role("button", name="Record a voice message").click()
    timer = composer.get_by_role("timer")
    await expect(timer).to_have_text(re.compile("0:0[1-9]"))
    # One may think better of it.
    await composer.get_by_role("button", name="Discard the recording").click()
    await expect(timer).to_have_count(0)
    await composer.get_by_role("button", name="Record a voice message").click()
    await expect(timer).to_have_text(re.compile("0:0[2-9]"))
    await composer.get_by_role("button", name="Send the recording").click()
    play = bo.page.locator("tl-voice").get_by_role("button", name=re.compile("^Play"))
    await expect(play).to_be_enabled()
    await expect(bo.page.locator("tl-chat .main tl-voice")).to_have_count(1)
    content = await bo.page.locator("tl-voice").evaluate("(voice) => voice.content")
    assert content["duration_ms"] >= 1000 and content["size_bytes"] > 1000, content
    # The browser's false microphone beeps: the wave that is drawn has loud and quiet parts.
    assert len(content["waveform"]) > 10 and max(content["waveform"]) > 20, content
    await play.click()
    await expect(bo.page.locator("tl-voice").get_by_role("button", name="Pause")).to_be_visible()
    await expect(bo.page.locator("tl-voice .bar.played").first).to_be_attached()
    await ann.leave()
    await bo.leave()


async def test_groups_are_managed_and_messages_found(browser: Browser, pages: Path, server: ServerProcess) -> None:
    ann, bo = await two(browser, pages, server)
    await ann.open("Walk")
    await bo.open("Walk")
    await ann.write("the hidden valley")
    await ann.page.get_by_role("button", name="About this group").click()
    group = ann.page.locator("tl-group")
    await group.get_by_role("button", name="Invite").first.click()
    await group.get_by_label(re.compile("Parties")).fill("carla, not a party!")
    await group.locator("form button").first.click()
    await expect(group.get_by_text("A party looks like user/ann.")).to_be_visible()
    await group.get_by_label(re.compile("Parties")).fill("carla")
    await group.locator("form button").first.click()
    await expect(group.locator(".member")).to_have_count(3)
    await group.get_by_role("button", name="Options for Bo Chen").click()
    await ann.page.get_by_role("menuitem", name="Make admin").click()
    await expect(group.locator(".role.admin")).to_have_count(1)
    # What applies is shown, and what was chosen is what applies.
    joining = group.get_by_label("Who may join")
    await expect(joining).to_have_value("invite")
    await joining.select_option("closed")
    await expect(group.get_by_text("Saved")).to_be_visible()
    async with asyncio.timeout(60):
        while await bo.run("client.conversations.one('g.walk').get().join") != "closed":
            await asyncio.sleep(0.05)
    await group.get_by_role("switch", name="Only owner and admins write").click()
    await expect(bo.page.locator(".main tl-message .notice-line").last).to_contain_text("muted everyone")
    await expect(bo.page.locator("tl-composer textarea")).to_be_visible()
    await group.get_by_role("button", name="Options for Bo Chen").click()
    await ann.page.get_by_role("menuitem", name="Make member").click()
    await expect(bo.page.locator("tl-composer .closed")).to_contain_text("Only the owner and admins can write here")
    await group.get_by_role("button", name="Options for Bo Chen").click()
    await ann.page.get_by_role("menuitem", name="Remove from group").click()
    await ann.page.get_by_role("alertdialog").get_by_role("button", name="Remove from group").click()
    await expect(bo.page.locator("tl-composer .closed")).to_contain_text("You are not a member any more")

    await ann.page.get_by_role("button", name="Search messages").last.click()
    await ann.page.locator("tl-search input").fill("valley")
    await expect(ann.page.locator("tl-search mark")).to_have_text("valley")
    await ann.page.locator("tl-search .hit").click()
    await expect(ann.page.locator("tl-message[flash]")).to_contain_text("the hidden valley")
    await ann.leave()
    await bo.leave()


@pytest.mark.parametrize("example", ["react", "vue"])
async def test_the_examples_for_frameworks_work(
    example: str, browser: Browser, pages: Path, server: ServerProcess
) -> None:
    ann = await Person.enter(browser, pages, server, "user/ann", example)
    await ann.page.wait_for_selector("tl-chat")
    await ann.run("client.online()")
    await ann.run("client.api.group.create({id: 'g.walk', name: 'Walk'})")
    await ann.open("Walk")
    await expect(ann.page.locator("tl-chat")).to_have_attribute("conversation", "g.walk")
    await ann.write("hello from a framework")
    await expect(ann.bubbles()).to_contain_text(["hello from a framework"])
    await ann.leave()
