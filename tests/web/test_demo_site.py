"""The demo's site in Chromium: two people in two windows, the documentation, pages without barriers, TLS."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.web.site import DemoSite, running
from tests.web.window import Open, deep, focusable_by_keyboard, holds, joined, online, violations

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
SECRET = re.compile(rb"BEGIN [A-Z ]*PRIVATE KEY|eyJhbGciOi|trunkline_admin|\bs_[A-Za-z0-9_-]{32,}")


async def test_the_first_page_lets_one_be_somebody(window: Open, site: DemoSite) -> None:
    page = await window("/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.get_by_role("link", name="Ann Lindqvist").click()
    await online(page)
    assert await page.evaluate("() => demo.client.party") == "user/ann"
    await expect(deep(page, "tl-chat")).to_be_visible()


async def test_two_people_talk_and_the_panel_says_what_it_did(window: Open) -> None:
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


async def test_documentation_is_there_in_both_languages_and_can_be_searched(window: Open, site: DemoSite) -> None:
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
async def test_axe_finds_nothing_on_any_page(window: Open, theme: str) -> None:
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


async def test_everything_in_the_application_is_reached_by_keyboard(window: Open) -> None:
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


async def typed_by_hand(printed: str) -> None:
    """The lines the demo prints work as they are, although nobody signed its certificate."""
    sent = re.search(r"    (curl .* -d '[^']*')\n", printed, re.DOTALL)
    assert sent is not None, printed
    curl = sent[1].split("\n    ")
    for line in (curl[0], "\n".join(curl[1:])):
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
        assert "error" not in json.loads(done.stdout), (line, done.stdout)
    chat = re.search(r"    (SSL_CERT_FILE=.* chat .* --to user/dave .*)\n", printed)
    assert chat is not None, printed
    line = chat[1].replace(".venv/bin/trunkline", f"{sys.executable} -m trunkline.server.cli")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"exec env {line}"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"Hello over TLS\n")
    said = b""
    async with asyncio.timeout(60):
        while b"Hello from curl" not in said:
            said += await process.stdout.readline()
            assert not process.stdout.at_eof(), said
    process.terminate()
    await process.wait()


async def test_a_phone_gets_https_and_a_code_to_scan(tmp_path: Path, browser: Browser, site: DemoSite) -> None:
    with running(tmp_path, site.built, "--tls") as secure:
        printed = secure.output.read_text()
        assert re.search(r"https://[\d.]+:\d+", printed) and "▀" in printed, printed
        assert secure.get("/demo.key")[0] == 404 and secure.get("/tls/demo.key")[0] == 404
        await typed_by_hand(printed)
        context = await browser.new_context(
            ignore_https_errors=True, permissions=["camera", "microphone"], locale="en-US"
        )
        page = await context.new_page()
        await page.goto(secure.url + "/app?as=ken#call")
        await online(page)
        assert await page.evaluate("() => isSecureContext")
        await joined(page)
        await context.close()
