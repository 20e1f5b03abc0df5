"""The components with fixed data: accessible, operable by keyboard, and quick with a hundred thousand messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import ROOT, Open

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"


async def violations(page: Page) -> list[str]:
    """What axe finds in a page, shadow trees included."""
    await page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = await page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)"
    )
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(
    ("show", "query"),
    [
        ("chat", {"theme": "light"}),
        ("chat", {"theme": "dark", "lang": "zh", "conversation": "d.ann.bo", "offline": "1"}),
        ("cards", {"theme": "light"}),
        ("cards", {"theme": "dark", "lang": "zh"}),
        ("composer", {"theme": "dark"}),
        ("thread", {"theme": "light"}),
        ("group", {"theme": "dark"}),
        ("search", {"theme": "light"}),
        ("profile", {"theme": "dark"}),
        ("states", {"theme": "light"}),
        ("messages", {"theme": "dark", "dir": "rtl"}),
    ],
)
async def test_axe_finds_nothing(gallery: Open, show: str, query: dict[str, str]) -> None:
    page = await gallery(show, **query)
    if show == "search":
        await page.locator("tl-search input").fill("six")
        await expect(page.locator("tl-search .hit").first).to_be_visible()
    assert await violations(page) == []


async def test_axe_finds_nothing_in_menus_and_dialogs(gallery: Open) -> None:
    page = await gallery("chat", theme="light")
    message = page.locator("tl-message", has_text="Rope, stove").first
    await message.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Forward")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("menuitem", name="Add a reaction").click()
    await expect(page.locator("tl-message-list tl-emoji-picker input")).to_be_focused()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Add a file, a poll and more").click()
    await page.get_by_role("menuitem", name="Poll").click()
    await expect(page.get_by_label("Question")).to_be_focused()
    assert await violations(page) == []


async def test_everything_is_reached_by_keyboard(gallery: Open) -> None:
    page = await gallery("chat", theme="light", conversation="d.ann.bo")
    focused = """() => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element.getAttribute('aria-label') ?? element.textContent.trim().slice(0, 40);
    }"""
    reached: list[str] = []
    for _ in range(14):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate(focused))
    for wanted in ("Search conversations", "New conversation", "Search messages", "Messages", "Emoji"):
        assert any(wanted in name for name in reached), (wanted, reached)

    # The arrow keys move in the list of conversations, Enter opens one, and the composer is ready.
    await page.locator("tl-conversation-list .row.selected").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.locator("tl-chat")).to_have_attribute("conversation", "g.summit")
    await expect(page.locator("tl-chat tl-composer textarea")).to_be_focused()

    # Messages by arrow keys, their menu by Enter; Escape gives the focus back.
    await page.locator("tl-message-list .scroller tl-message").last.focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    label = await page.evaluate(focused)
    assert "Rope, stove, map" in label
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Add a reaction")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Reply", exact=True)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("tl-message:focus")).to_have_attribute("aria-label", label)
    # To the very first message and back to the newest.
    await page.keyboard.press("Home")
    await expect(page.locator("tl-message:focus")).to_have_attribute("aria-posinset", "1")
    await page.keyboard.press("End")
    await expect(page.locator("tl-message:focus")).to_have_attribute("aria-posinset", "22")


async def test_new_messages_are_announced_and_counted_below(gallery: Open) -> None:
    page = await gallery("messages", conversation="d.ann.bo", size=(700, 220))
    await page.locator("tl-message-list .scroller").hover()
    await page.mouse.wheel(0, -2000)
    await expect(page.get_by_role("button", name="Jump to the newest message")).to_be_visible()
    await page.evaluate(
        """() => {
            const window_ = gallery.messages.get('d.ann.bo');
            const view = window_.get();
            const item = {...view.items[0], key: 'new', seq: 900, content: {text: 'are you there?'}};
            window_.set({...view, items: [...view.items, item]});
        }"""
    )
    await expect(page.locator("tl-message-list [role=status]")).to_have_text("Bo Chen: are you there?")
    jump = page.get_by_role("button", name="Jump to the newest message, 1 new message")
    await jump.click()
    await expect(page.locator("tl-message", has_text="are you there?")).to_be_in_viewport()
    await expect(jump).to_have_count(0)


async def frames(page: Page, count: int) -> None:
    """Wait until so many frames were drawn."""
    await page.evaluate(
        """(left) => new Promise((done) => {
            const next = () => (left-- > 0 ? requestAnimationFrame(next) : done());
            next();
        })""",
        count,
    )


async def test_a_hundred_thousand_messages_are_a_few_elements(gallery: Open) -> None:
    page = await gallery("many", count="100000")
    rows = page.locator("tl-message")
    await expect(rows.last).to_have_attribute("aria-posinset", "100000")
    assert await rows.count() < 60
    # What is looked at stays while older messages come in front and heights become known.
    await page.evaluate("document.querySelector('tl-message-list').show(50000)")
    middle = page.locator("tl-message[data-key=m49999]")
    await expect(middle).to_be_in_viewport()
    await page.evaluate(
        """() => {
            // Where it is in every frame that is drawn from now on.
            const row = document.querySelector('tl-message-list').renderRoot.querySelector('[data-key=m49999]');
            window.seen = [];
            const look = () => {
                seen.push(row.isConnected ? row.getBoundingClientRect().y : -1);
                requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        }"""
    )
    await frames(page, 3)
    await page.evaluate(
        """() => {
            const window_ = gallery.messages.get('g.many');
            const view = window_.get();
            const copy = (at) => ({...view.items[at % 30], key: `old${at}`, seq: -500 + at});
            const older = Array.from({length: 500}, (_, at) => copy(at));
            window_.set({...view, items: [...older, ...view.items]});
        }"""
    )
    await expect(middle).to_have_attribute("aria-posinset", "50500")
    await frames(page, 5)
    seen = await page.evaluate("seen")
    assert max(seen) - min(seen) < 2, seen
    assert await rows.count() < 60


async def test_rows_that_come_and_go_leave_nothing_behind(gallery: Open) -> None:
    """Lit 3.3.1 to 3.3.3 left a node behind for every row that was taken out of a list (lit/lit#5298)."""
    page = await gallery("many", count="5000")
    await expect(page.locator("tl-message").last).to_have_attribute("aria-posinset", "5000")
    counted = "document.querySelector('tl-message-list').renderRoot.querySelector('.scroller').childNodes.length"
    found = []
    for seq in [*range(200, 4600, 200)] * 2:
        await page.evaluate("(seq) => document.querySelector('tl-message-list').show(seq)", seq)
        await frames(page, 1)
        found.append(await page.evaluate(counted))
    rows = await page.locator("tl-message").count()
    assert max(found) < 5 * rows, found


async def test_a_phone_shows_one_thing_at_a_time(gallery: Open) -> None:
    page = await gallery("chat", size=(390, 800), theme="dark")
    await expect(page.locator("tl-message-list")).to_be_visible()
    await expect(page.locator("tl-conversation-list")).to_be_hidden()
    await page.get_by_role("button", name="Back").click()
    await expect(page.locator("tl-conversation-list")).to_be_visible()
    await expect(page.locator("tl-message-list")).to_have_count(0)
    await page.locator("tl-conversation-list .row", has_text="Bo Chen").first.click()
    await expect(page.locator("tl-message-list")).to_be_visible()
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


async def test_every_text_is_there_in_both_languages() -> None:
    """The keys are typed alike; here the places in braces are compared."""
    import re

    def keys(file: Path) -> dict[str, set[str]]:
        found = re.findall(r'^  (\w+): (?:count\()?(".*)$', file.read_text(), re.MULTILINE)
        return {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in found}

    folder = ROOT / "web/packages/ui/src/i18n"
    english, chinese = keys(folder / "en.ts"), keys(folder / "zh.ts")
    assert len(english) > 250
    assert english.keys() == chinese.keys()
    assert {key: places for key, places in english.items() if places != chinese[key]} == {}
