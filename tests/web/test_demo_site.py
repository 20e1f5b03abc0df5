"""The demo's site in Chromium: two people in two windows, a call, a live room under load, pages without barriers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.web.conftest import ROOT, Problems
from tests.web.site import DemoSite, build, running

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
WAIT_MS = 30_000
SECRET = re.compile(rb"BEGIN [A-Z ]*PRIVATE KEY|eyJhbGciOi|trunkline_admin|\bs_[A-Za-z0-9_-]{32,}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    folder = tmp_path_factory.mktemp("demo")
    with running(folder, build(folder / "dist")) as found:
        yield found


class Window:
    """A persona's window, and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems = Problems(page)


Opened = Any


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser, site: DemoSite) -> AsyncIterator[Opened]:
    """Opens a path of the site in a profile of its own; fails when a page complained."""
    contexts: list[BrowserContext] = []
    windows: list[Window] = []

    async def open_window(path: str, **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = await browser.new_context(
            permissions=["camera", "microphone"], reduced_motion="reduce", locale="en-US", **options
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        opened = Window(await context.new_page())
        windows.append(opened)
        await opened.page.goto(site.url + path)
        return opened.page

    yield open_window
    for context in contexts:
        await context.close()
    assert [problem for one in windows for problem in one.problems.found] == []


async def holds(page: Page, what: str, timeout_s: float = 40) -> None:
    """Wait until an expression is true; asked from outside, because the policy lets the page evaluate nothing."""
    deadline = time.monotonic() + timeout_s
    while not await page.evaluate(f"() => Boolean({what})"):
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.1)


async def online(page: Page) -> None:
    """Wait until the persona is connected and the scene is set."""
    await holds(page, "globalThis.demo?.client.state.get().state === 'online'")
    await holds(page, "globalThis.demo.client.conversations.get().length > 0")


def deep(page: Page, selector: str) -> Locator:
    """Inside the application."""
    return page.locator(f"demo-app {selector}")


async def violations(page: Page) -> list[str]:
    """What axe finds, in words."""
    # The policy lets no script in that is not the page's own: axe is evaluated instead, which the debugger may.
    await page.evaluate(AXE.read_text("utf-8") + "\n;void 0")
    found = await page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}" for one in found["violations"]
    ]


async def focusable_by_keyboard(page: Page, presses: int = 60) -> list[str]:
    """What the tab key reaches, in order, also inside components."""
    reached: list[str] = []
    for _ in range(presses):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate(
                """() => {
                    let at = document.activeElement;
                    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                    return at?.getAttribute("aria-label") || at?.textContent?.trim().slice(0, 60) || at?.tagName || "";
                }"""
            )
        )
    return reached


# ---------------------------------------------------------------- pages


async def test_the_first_page_lets_one_be_somebody(window: Opened, site: DemoSite) -> None:
    page = await window("/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.get_by_role("link", name="Ann Lindqvist").click()
    await online(page)
    assert await page.evaluate("() => demo.client.party") == "user/ann"
    await expect(deep(page, "tl-chat")).to_be_visible()


async def test_two_people_talk_and_the_panel_says_what_it_did(window: Opened) -> None:
    ann, bob = await window("/app?as=ann"), await window("/app?as=bob")
    for page in (ann, bob):
        await online(page)
        await page.evaluate(
            """() => document.querySelector("demo-app").shadowRoot.querySelector("tl-chat")
                .open(demo.client.conversations.get().find((one) => one.kind === "group").conversation)"""
        )
    said = f"Sound check at {time.time():.3f}"
    await deep(ann, "tl-composer").get_by_role("textbox").first.fill(said)
    await ann.keyboard.press("Enter")
    await expect(deep(bob, "tl-message-list").get_by_text(said)).to_be_visible()
    panel = deep(ann, "demo-panel")
    await expect(
        panel.locator("li.ack", has_text="message.send").filter(has_text=re.compile(r"seq \d+ · [\d.]+ ms"))
    ).not_to_have_count(0)
    await expect(panel.locator("dd").nth(1)).to_have_text("1")
    await expect(
        deep(bob, "demo-panel").locator("li.entry").filter(has_text=re.compile(r"text.*seq \d+ · ann"))
    ).not_to_have_count(0)


async def test_the_policy_is_strict_and_no_bundle_holds_a_secret(site: DemoSite) -> None:
    status, headers, _ = site.get("/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy
    bundles = [path for path in site.built.rglob("*") if path.suffix in (".js", ".html", ".css", ".json", ".svg")]
    assert len(bundles) > 40
    for path in bundles:
        assert not SECRET.search(path.read_bytes()), path
    for path in site.built.rglob("*.js"):
        status, headers, _ = site.get("/" + str(path.relative_to(site.built / path.relative_to(site.built).parts[0])))
        assert status == 200 and "immutable" in headers["cache-control"], path


async def test_documentation_is_there_in_both_languages_and_can_be_searched(window: Opened, site: DemoSite) -> None:
    page = await window("/docs/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.get_by_role("link", name="A call button").first.click()
    await expect(page.get_by_role("heading", name="A call button", level=1)).to_be_visible()
    await page.get_by_role("link", name="中文").click()
    await expect(page.get_by_role("heading", name="通话按钮", level=1)).to_be_visible()
    await page.goto(site.url + "/docs/")
    await page.keyboard.press("/")
    await page.keyboard.type("slow webhooks")
    await expect(page.get_by_role("option", name="Nothing found")).to_be_visible()
    await page.get_by_role("combobox").fill("live rooms")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Live rooms", level=1)).to_be_visible()
    for path in ("/docs/typescript-core", "/docs/zh/cards", "/docs/api", "/docs/configuration"):
        assert site.get(path)[0] == 200, path


async def test_every_link_of_the_documentation_leads_somewhere(site: DemoSite) -> None:
    pages: dict[str, str] = {}
    for path in (site.built / "docs").rglob("*.html"):
        name = "/" + str(path.relative_to(site.built / "docs")).removesuffix(".html")
        pages[name.removesuffix("index")] = path.read_text("utf-8")
    known = set(pages) | {"/docs/api"}
    dead = []
    for name, text in pages.items():
        for link in re.findall(r'href="(/docs/[^"]*)"', text):
            target, _, anchor = link.partition("#")
            if target.startswith("/docs/assets/") or target.endswith(".svg"):
                continue
            if target not in known or (anchor and target in pages and f'id="{anchor}"' not in pages[target]):
                dead.append(f"{name} -> {link}")
        assert "style=" not in re.sub(r"<pre.*?</pre>|<code.*?</code>", "", text, flags=re.S), name
    assert dead == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_on_any_page(window: Opened, theme: str) -> None:
    page = await window("/", color_scheme=theme)
    found = {"home": await violations(page)}
    for path in ("/docs/", "/docs/rooms", "/docs/zh/call-button", "/docs/configuration"):
        await page.goto(page.url.split("/docs")[0].rstrip("/") + path)
        found[path] = await violations(page)
    base = page.url.split("/docs")[0]
    await page.goto(base + "/app?as=mei#live")
    await online(page)
    room = deep(page, "tl-room")
    await expect(room.get_by_role("tab", name="Tools")).to_be_visible()
    await room.get_by_role("button", name="Gifts").click()
    found["live"] = await violations(page)
    await room.get_by_role("tab", name="Tools").click()
    await expect(room.get_by_role("switch", name="Mute everyone")).to_be_visible()
    found["host"] = await violations(page)
    await page.goto(base + "/app?as=mei#call")
    await deep(page, "tl-call").get_by_role("button", name="Join", exact=True).click()
    await deep(page, "tl-call").get_by_role("button", name="Participants").click()
    found["call"] = await violations(page)
    bad = {name: what for name, what in found.items() if what}
    assert not bad, json.dumps(bad, indent=1)


# ---------------------------------------------------------------- call


async def joined(page: Page) -> None:
    """Join the call of the view, by keyboard."""
    call = deep(page, "tl-call")
    button = call.get_by_role("button", name="Join", exact=True)
    await expect(button).to_be_enabled()
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(call.get_by_role("button", name="Leave")).to_be_visible()


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


async def test_a_call_shows_frames_both_ways_hands_and_reactions(window: Opened) -> None:
    ann, bob = await window("/app?as=ann#call"), await window("/app?as=bob#call")
    for page in (ann, bob):
        await online(page)
        await joined(page)
    for page in (ann, bob):
        deadline = time.monotonic() + 40
        while await frames(page) < 20:
            assert time.monotonic() < deadline, "no pictures"
            await asyncio.sleep(0.2)
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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "The camera is blocked"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "Another program uses the camera"),
    ],
)
async def test_a_camera_that_does_not_work_is_told_in_words_and_one_joins_without(
    window: Opened, name: str, words: str
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


# ---------------------------------------------------------------- live room


async def test_a_live_room_under_load_shows_every_reliable_entry(window: Opened) -> None:
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


async def test_everything_in_the_application_is_reached_by_keyboard(window: Opened) -> None:
    page = await window("/app?as=mei#live")
    await online(page)
    await expect(deep(page, "tl-room").get_by_role("tab", name="Tools")).to_be_visible()
    reached = await focusable_by_keyboard(page, 30)
    for name in (
        "Chat",
        "Live room",
        "Call",
        "Docs",
        "Clear",
        "Like",
        "Comments",
        "Colour and place",
        "Say something",
        "Gifts",
    ):
        assert any(text.startswith(name) for text in reached), (name, reached)
    await deep(page, "tl-room-feed").get_by_role("log").focus()
    await holds(
        page,
        """document.querySelector("demo-app").shadowRoot.querySelector("tl-room").shadowRoot
        .querySelector("tl-room-feed").shadowRoot.querySelector(".actions")""",
    )
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(deep(page, "tl-room-feed").get_by_role("menuitem", name="Mute for 10 minutes")).to_be_visible()


# ---------------------------------------------------------------- over TLS


async def test_a_phone_gets_https_and_a_code_to_scan(tmp_path: Path, browser: Browser, site: DemoSite) -> None:
    with running(tmp_path, site.built, "--tls") as secure:
        printed = secure.output.read_text()
        assert re.search(r"https://[\d.]+:\d+", printed) and "▀" in printed, printed
        assert secure.get("/demo.key")[0] == 404 and secure.get("/tls/demo.key")[0] == 404
        context = await browser.new_context(
            ignore_https_errors=True, permissions=["camera", "microphone"], locale="en-US"
        )
        page = await context.new_page()
        await page.goto(secure.url + "/app?as=ken#call")
        await online(page)
        assert await page.evaluate("() => isSecureContext")
        await joined(page)
        await context.close()
