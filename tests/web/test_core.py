"""The web client: its own tests (vectors, properties, a real server), its size, and what only a browser has:
a store that outlives a tab, and several tabs over one connection.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route

from tests.claims.server_process import ServerProcess
from tests.web.conftest import serve_pages
from trunkline.domain.history import FinalLog, check_history, decode_lines

pytestmark = pytest.mark.timeout(240)
in_browser = pytest.mark.asyncio(loop_scope="session")

CORE = Path(__file__).parents[2] / "web/packages/core"
FIRST_LOAD_BYTES = 25 * 1024


def run(*command: str, **more: str) -> str:
    """Run a tool of the package; its output."""
    environment = os.environ | {"TRUNKLINE_PYTHON": sys.executable, "NO_COLOR": "1"} | more
    done = subprocess.run(command, cwd=CORE, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A page with the bundled client, and the sizes of the bundles."""
    out = tmp_path_factory.mktemp("core")
    sizes = json.loads(run("node", "tools/bundle.mjs", str(out)))
    (out / "index.html").write_text('<!doctype html><title>client</title><script type="module" src="tab.js"></script>')
    (out / "tab.js").write_text(
        'import { Client, indexedDbStore } from "./page.js";\n'
        "window.start = (token, url) => {\n"
        '  window.client = new Client({ url: url ?? location.origin, token, store: indexedDbStore("me") });\n'
        "  window.entries = [];\n"
        '  client.on("entry", (entry) => entries.push(`${entry.seq} ${entry.content?.text}`));\n'
        "};\n"
        "window.ready = true;\n"
    )
    return out, sizes


@pytest.mark.paired
def test_its_own_tests_pass() -> None:
    run("npx", "--no-install", "vitest", "run", "--project", "unit")


@pytest.mark.paired
@pytest.mark.timeout(480)
def test_through_kills_of_the_server_the_checker_finds_nothing(tmp_path: Path) -> None:
    """The tests against a server; what their devices did and saw is judged by the checker of the reliability claims."""
    history = tmp_path / "history.jsonl"
    run("npx", "--no-install", "vitest", "run", "--project", "server", TRUNKLINE_HISTORY=str(history))
    first, *lines = history.read_bytes().splitlines(keepends=True)
    head = json.loads(first)
    entries = [(seq, send_id) for seq, send_id in head["log"]]
    log = FinalLog(head["conversation"], entries, epochs=[(head["epoch"], 1)])
    verdict = check_history(decode_lines(lines), [log])
    assert verdict.clean, verdict.sentences()
    assert (verdict.lost, verdict.duplicated, verdict.reordered) == (0, 0, 0)
    assert verdict.accepted > 100
    assert verdict.deliveries >= 3 * verdict.accepted


@pytest.mark.paired
def test_types_are_strict_and_hold() -> None:
    run("npx", "--no-install", "tsc", "-p", "tsconfig.test.json", "--noEmit")


def test_a_page_loads_little(bundle: tuple[Path, dict[str, int]]) -> None:
    _, sizes = bundle
    assert sizes["first_gzip_bytes"] <= FIRST_LOAD_BYTES, sizes
    assert sizes["msgpack_gzip_bytes"] <= 2048, sizes


@in_browser
async def test_the_quick_start_works_as_it_is_written(
    browser: Browser, bundle: tuple[Path, dict[str, int]], server: ServerProcess
) -> None:
    guide = (CORE.parents[2] / "docs/guides/chat-in-my-page.md").read_text()
    (html,), (js,) = (re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL) for language in ("html", "js"))
    (bundle[0] / "chat.html").write_text(html)
    (bundle[0] / "chat.js").write_text(js)
    pages: list[Page] = []
    for name, other in (("ann", "bob"), ("bob", "ann")):
        context = await browser.new_context()
        await serve_pages(context, bundle[0])
        token = server.token(f"user/{name}")
        await context.route("**/chat-token", functools.partial(_answer, token))
        page = await context.new_page()
        await page.goto(f"{server.url}/_pages/chat.html?with=user/{other}")
        pages.append(page)
    for page, text in zip(pages, ("Hello, Bob", "Hello, Ann"), strict=True):
        await page.get_by_text("online").wait_for()
        await page.get_by_label("Message").fill(text)
        await page.get_by_label("Message").press("Enter")
        for either in pages:
            await either.get_by_text(text).wait_for()
    for page in pages:  # the last one may still be on its way to the server
        await page.get_by_text("…").wait_for(state="hidden")
    assert await pages[0].locator("li").all_inner_texts() == await pages[1].locator("li").all_inner_texts()
    for page in pages:
        await page.context.close()


async def _answer(body: str, route: Route) -> None:
    await route.fulfill(body=body)


class Tabs:
    """Tabs of one profile, all of ann, beside another device of hers and bob, who answer for what arrived."""

    def __init__(self, context: BrowserContext, server: ServerProcess, token: str, host: str) -> None:
        self.context = context
        self.server = server
        self.token = token
        self.origin = server.url.replace("127.0.0.1", host)

    async def open(self, *, url: str | None = None) -> Page:
        """A new tab with a running client."""
        page = await self.context.new_page()
        await page.goto(f"{self.origin}/_pages/index.html")
        await page.wait_for_function("window.ready")
        assert await page.evaluate("isSecureContext && 'locks' in navigator") == ("127.0.0.1" in self.origin)
        await page.evaluate("([token, url]) => start(token, url)", [self.token, url])
        await page.evaluate("client.opened")
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(
    request: pytest.FixtureRequest, browser: Browser, bundle: tuple[Path, dict[str, int]], server: ServerProcess
) -> AsyncIterator[Tabs]:
    context = await browser.new_context()
    await serve_pages(context, bundle[0])
    yield Tabs(context, server, server.token("user/ann"), getattr(request, "param", "127.0.0.1"))
    await context.close()


async def until(page: Page, condition: str, timeout_s: float = 30) -> Any:
    """Wait for a condition in a page."""
    handle = await page.wait_for_function(f"() => {condition}", timeout=timeout_s * 1000)
    return await handle.json_value()


async def texts(page: Page, conversation: str) -> list[str]:
    """What a tab shows of a conversation: texts, those not accepted with a question mark."""
    shown: list[str] = await page.evaluate(
        """async (name) => {
            const w = client.messages(name, { limit: 2000, max: 5000 });
            await w.ready;
            const items = w.get().items.filter((one) => one.type === "text");
            w.close();
            return items.map((one) => one.content.text + (one.status === "sent" ? "" : "?"));
        }""",
        conversation,
    )
    return shown


async def group(page: Page, name: str) -> str:
    """A group of ann and bob."""
    await page.evaluate("client.online()")
    await page.evaluate("(id) => client.api.group.create({ id, name: id, members: ['user/bob'] })", name)
    await until(page, f"client.conversations.one('{name}').get()")
    return name


# Web Locks are for secure pages: a server in one's own network, by plain http, has tabs that agree without.
both_origins = pytest.mark.parametrize("tabs", ["127.0.0.1", "lan.test"], indirect=True)


@in_browser
async def test_the_outbox_survives_closing_the_tab_offline(tabs: Tabs) -> None:
    tab = await tabs.open()
    name = await group(tab, "g.offline")
    await tabs.server.kill()
    await tab.evaluate("(name) => Promise.all(['a', 'b', 'c'].map((text) => client.send(name, text).stored))", name)
    await tab.close()

    again = await tabs.open()  # still no server: what was written is shown, with what was read before
    assert await texts(again, name) == ["a?", "b?", "c?"]
    assert await again.evaluate("(name) => client.conversations.one(name).get().pending", name) == 3
    await again.close()

    await tabs.server.start()
    last = await tabs.open()
    await last.evaluate("client.online()")
    await until(last, f"client.conversations.one('{name}').get().pending === 0")
    assert await texts(last, name) == ["a", "b", "c"]
    history = await last.evaluate("(name) => client.call('history.get', { conversation: name })", name)
    assert [entry["content"]["text"] for entry in history["entries"] if entry["type"] == "text"] == ["a", "b", "c"]


@in_browser
@both_origins
async def test_two_tabs_share_a_connection_and_stay_consistent(tabs: Tabs) -> None:
    one = await tabs.open()
    name = await group(one, "g.tabs")
    two = await tabs.open()
    await two.evaluate("client.online()")
    assert [await tab.evaluate("client.state.get().leader") for tab in (one, two)] == [True, False]
    await until(two, f"client.conversations.one('{name}').get()")
    # Written in either tab at the same time, shown in both, in one order.
    await asyncio.gather(
        *(
            tab.evaluate(
                """([name, who]) =>
                    Promise.all(Array.from({ length: 30 }, (_, i) => client.send(name, `${who} ${i}`).sent))""",
                [name, who],
            )
            for tab, who in ((one, "one"), (two, "two"))
        )
    )
    for tab in (one, two):
        await until(tab, f"client.conversations.one('{name}').get().head === 61")
    shown = await texts(one, name)
    assert shown == await texts(two, name)
    for who in ("one", "two"):
        assert [text for text in shown if text.startswith(who)] == [f"{who} {i}" for i in range(30)]
    # Calls, drafts, read marks and settings of the one that does not hold the connection.
    assert (await two.evaluate("client.api.profile.set({ name: 'Ann' })"))["name"] == "Ann"
    refused = await two.evaluate(
        "client.api.conversation.get({ conversation: 'g.none' }).catch((error) => [error.slug, error.applied])"
    )
    assert refused == ["not_found", False]
    await two.evaluate("(name) => client.conversations.setDraft(name, 'half a')", name)
    await until(one, f"client.conversations.one('{name}').get().draft === 'half a'")
    await two.evaluate("(name) => client.conversations.configure(name, { pinned: true })", name)
    await until(one, "client.conversations.get()[0].settings.pinned")
    # One connection: the server knows one device, and nobody was superseded.
    devices = (await two.evaluate("client.api.device.list({})"))["devices"]
    assert [device["online"] for device in devices] == [True]
    assert await one.evaluate("client.state.get().state") == "online"


@in_browser
@both_origins
async def test_another_tab_takes_over_and_loses_and_doubles_nothing(tabs: Tabs) -> None:
    leader = await tabs.open()
    name = await group(leader, "g.lead")
    others = [await tabs.open(), await tabs.open()]
    await asyncio.gather(*(tab.evaluate("client.online()") for tab in others))
    for tab in others:
        await until(tab, f"client.conversations.one('{name}').get()")
        await tab.evaluate(
            """([name, who]) => {
                window.sent = [];
                window.done = (async () => {
                    for (let i = 0; i < 60; i++) {
                        const handle = client.send(name, `${who} ${i}`);
                        sent.push(handle.sent);
                        await handle.stored;
                    }
                    return (await Promise.all(sent)).map((one) => one.seq);
                })();
            }""",
            [name, f"tab{others.index(tab)}"],
        )
    await until(others[0], "sent.length > 10")
    await leader.close()
    await until(others[0], "client.state.get().state === 'online' && sent.length === 60")
    seqs = [await tab.evaluate("done") for tab in others]
    assert all(numbers == sorted(numbers) and len(set(numbers)) == 60 for numbers in seqs), seqs
    assert sum([await tab.evaluate("client.state.get().leader") for tab in others]) == 1
    for tab in others:
        await until(tab, f"client.conversations.one('{name}').get().head === 121")
        shown = await texts(tab, name)
        assert len(shown) == 120 and not [text for text in shown if text.endswith("?")]
        for index in range(2):
            assert [text for text in shown if text.startswith(f"tab{index}")] == [f"tab{index} {i}" for i in range(60)]
    # The tab that leads no longer goes as well: the last one carries on.
    leads = await others[0].evaluate("client.state.get().leader")
    new, last = others if leads else reversed(others)
    await new.evaluate("client.close()")
    await until(last, "client.state.get().leader && client.state.get().state === 'online'")
    assert (await last.evaluate("(name) => client.send(name, 'still here').sent", name))["seq"] == 122


@in_browser
@both_origins
async def test_what_was_asked_of_a_tab_that_closed_is_asked_again_or_said_to_be_unknown(tabs: Tabs) -> None:
    leader = await tabs.open()
    name = await group(leader, "g.asked")
    tab = await tabs.open()
    await tab.evaluate("client.online()")
    await tabs.server.kill()
    await tab.evaluate(
        """(name) => {
            const shown = (error) => [error.slug, error.applied, error.retry];
            window.once = client.api.group.leave({ conversation: name }).catch(shown);
            window.repeatable = client.api.profile.set({ name: "Ann" });
        }""",
        name,
    )
    await leader.close()
    assert await tab.evaluate("once") == ["timed_out", None, "same_id"]
    await tabs.server.start()
    await tab.evaluate("client.reconnect()")
    assert (await tab.evaluate("repeatable"))["name"] == "Ann"
