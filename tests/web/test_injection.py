"""Text that means harm, through every field people can fill: it is shown as text and does nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.claims.server_process import ServerProcess
from tests.web.person import Person

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

# One for each way that OWASP's filter-evasion sheet describes; all call `harm()`.
VECTORS = [
    "<script>harm()</script>",
    "<SCRIPT SRC=//evil.test/harm.js></SCRIPT>",
    "<scr<script>ipt>harm()</scr</script>ipt>",
    '"><script>harm()</script>',
    "'-harm()-'",
    "</textarea><script>harm()</script>",
    "</title><script>harm()</script>",
    "<img src=x onerror=harm()>",
    "<img src=x onerror=&#104;&#97;&#114;&#109;&#40;&#41;>",
    '<img """><script>harm()</script>">',
    "<img/src='x'/onerror='harm()'>",
    "<img src='jav\tascript:harm()'>",
    "<svg onload=harm()>",
    "<svg><script>harm()</script></svg>",
    '<svg><a xlink:href="javascript:harm()"><text>x</text></a></svg>',
    "<body onload=harm()>",
    "<iframe src=javascript:harm()></iframe>",
    "<iframe srcdoc='<script>parent.harm()</script>'></iframe>",
    "<object data=javascript:harm()></object>",
    "<embed src=javascript:harm()>",
    "<link rel=stylesheet href=javascript:harm()>",
    "<style>@import'javascript:harm()';</style>",
    "<div style='background:url(javascript:harm())'>",
    "<div style=width:expression(harm())>",
    "<meta http-equiv=refresh content='0;url=javascript:harm()'>",
    "<base href='javascript:harm();//'>",
    "<form><button formaction=javascript:harm()>x</button></form>",
    "<input autofocus onfocus=harm()>",
    "<details open ontoggle=harm()>",
    "<video><source onerror=harm()></video>",
    "<math><mi xlink:href='javascript:harm()'>x</mi></math>",
    "<a href='javascript:harm()'>x</a>",
    "javascript:harm()",
    "JaVaScRiPt:harm()",
    "java\u0000script:harm()",
    "data:text/html,<script>harm()</script>",
    "${harm()} {{constructor.constructor('harm()')()}} <%= harm() %>",
    "`${harm()}`",
    "\u202e<script>harm()</script>",
    "<noscript><p title='</noscript><img src=x onerror=harm()>'>",
    "<template><img src=x onerror=harm()></template><slot name=x onslotchange=harm()>",
    "<tl-message onfocus=harm() autofocus tabindex=0>",
]
ADDRESSES = [
    "javascript:harm()",
    "JAVASCRIPT:harm()//https://x.test/",
    " javascript:harm()",
    "java\nscript:harm()",
    "data:text/html,<script>harm()</script>",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='harm()'/>",
    "vbscript:harm()",
    "blob:https://evil.test/1",
    'https://x.test/" onerror="harm()',
    "//evil.test/x.png",
]

# Nothing that runs or leads to what runs may be in any tree of the page.
SEARCH = """() => {
    const found = [];
    const look = (root) => {
        for (const element of root.querySelectorAll('*')) {
            if (/^(script|iframe|object|embed|base|meta|link|style|math|form:not)$/.test(element.localName)
                && root !== document && !element.closest('head')) found.push(element.outerHTML.slice(0, 120));
            for (const { name, value } of element.attributes) {
                if (/^on(?!line$)/i.test(name) || /^(srcdoc|formaction)$/.test(name)) found.push(`${name}=${value}`);
                const leads = /^(href|src|action|data|poster|xlink:href)$/.test(name);
                if (leads && /^\\s*(javascript|vbscript|data:text)/i.test(value))
                    found.push(`${name}=${value}`);
            }
            if (element.shadowRoot) look(element.shadowRoot);
        }
    };
    look(document);
    return { found, harmed: window.harmed ?? 0, violations: window.violations ?? [] };
}"""
WATCH = """
    window.harm = () => (window.harmed = (window.harmed ?? 0) + 1);
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => {
        const { effectiveDirective: directive, sample } = event;
        if (!/^(img|media)-src/.test(directive)) violations.push(`${directive} ${sample}`);
    });
"""


def everywhere(text: str, address: str) -> list[tuple[str, str, Any]]:
    """Messages and cards that have a text and an address in each of their fields: method, kind, content."""
    return [
        ("send", "text", {"text": text}),
        ("send", "image", {"url": address, "caption": text, "alt": text, "thumbnail": address}),
        ("send", "video", {"url": address, "poster": address}),
        ("send", "voice", {"url": address, "duration_ms": 1000, "waveform": [text, address]}),
        ("send", "file", {"url": address, "name": text, "size_bytes": 1}),
        ("send", "location", {"latitude": 1.5, "longitude": 2.5, "title": text, "address": text}),
        ("send", "sticker", {"pack": text, "id": text, "url": address}),
        ("send", "custom", {"kind": text, "text": text, "url": address}),
        ("card", "poll", {"question": text, "options": [text, text + " 2"]}),
        ("card", "event", {"title": text, "starts_at_ms": 1_900_000_000_000, "place": text, "description": text}),
        ("card", "location", {"latitude": 1.5, "longitude": 2.5, "title": text, "address": text}),
        ("card", "live_location", {"latitude": 1.5, "longitude": 2.5, "title": text}),
        ("card", "todo", {"title": text, "items": [{"text": text}]}),
        ("card", "approval", {"title": text, "approvers": ["user/ann"], "description": text}),
        (
            "card",
            "form",
            {
                "title": text,
                "description": text,
                "questions": [
                    {"id": "a", "label": text},
                    {"id": "b", "label": text, "type": "choice", "options": [text, "other"]},
                ],
            },
        ),
        ("card", "red_packet", {"amount": 10, "shares": 2, "greeting": text}),
        (
            "card",
            "custom",
            {
                "name": "card",
                "title": text,
                "data": {text[:60]: text},
                "fields": {"x": {"merge": "last", "keys": "any"}},
            },
        ),
    ]


async def test_harmful_text_is_inert_in_every_field(browser: Browser, pages: Path, server: ServerProcess) -> None:
    bo = await Person.enter(browser, pages, server, "user/bo")
    await bo.run("client.online()")
    await bo.run("client.api.group.create({id: 'g.harm', name: 'Harm', members: ['user/ann']})")
    profile = {"name": VECTORS[7], "avatar": ADDRESSES[0], "custom": {"note": VECTORS[0]}}
    await bo.run(f"client.api.profile.set({json.dumps(profile)})")
    ann = await Person.enter(browser, pages, server, "user/ann")
    await ann.page.add_init_script(WATCH)
    await ann.page.reload()
    await ann.run("client.online()")
    await ann.open("Harm")

    # Every text once as a message, read back as it was written.
    texts = [vector for vector in VECTORS if "\u0000" not in vector]
    await bo.run(f"Promise.all({json.dumps(texts)}.map((text) => client.send('g.harm', text).sent))")
    await expect(ann.page.locator("tl-message").last).to_be_visible()
    await ann.run("new Promise((done) => setTimeout(done, 100))")
    async with ann.page.expect_event("console", predicate=lambda m: m.text == "all here", timeout=20_000):
        await ann.page.evaluate(
            """(count) => {
                const list = document.querySelector('tl-chat').shadowRoot.querySelector('tl-message-list');
                const here = () => list.items.filter((item) => item.type === 'text').length >= count;
                const look = () => (here() ? console.log('all here') : setTimeout(look, 50));
                look();
            }""",
            len(texts),
        )
    assert sorted(await ann.texts()) == sorted(texts)
    assert (await ann.page.evaluate(SEARCH)) == {"found": [], "harmed": 0, "violations": []}

    # A few texts and every address through every field of every type and kind.
    for text, addresses in zip(
        [VECTORS[3], VECTORS[7], VECTORS[12], VECTORS[32]],
        [ADDRESSES[:3], ADDRESSES[3:5], ADDRESSES[5:7], ADDRESSES[7:]],
        strict=True,
    ):
        await bo.run(
            f"""Promise.allSettled({json.dumps([item for address in addresses for item in everywhere(text, address)])}
                .map(([method, kind, content]) => (method === 'send'
                    ? client.send('g.harm', content, {{type: kind}})
                    : client.cards.create('g.harm', kind, content)).sent))"""
        )
        await bo.run(
            f"client.api.group.update({json.dumps({'conversation': 'g.harm', 'name': text, 'avatar': addresses[0]})})"
        )
        await bo.run(f"client.react('g.harm', 3, {json.dumps(text[:32])})")
        await bo.run("client.forward('g.harm', [2, 3, 4], 'g.harm', {merged: true, title: " + json.dumps(text) + "})")
        await expect(ann.page.locator("tl-chat .main .bar h2")).to_have_text(text)
        last = ann.page.locator("tl-message .forward").last
        await expect(last).to_contain_text(text)
        # All that was sent comes into sight once.
        for _ in range(12):
            await ann.page.locator("tl-message-list .scroller").hover()
            await ann.page.mouse.wheel(0, -1600)
            await ann.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            assert (await ann.page.evaluate(SEARCH)) == {"found": [], "harmed": 0, "violations": []}
        await ann.run("document.querySelector('tl-chat').shadowRoot.querySelector('tl-message-list').toEnd()")

    # Fields of the reader's own: composer, searches, the member panel, a profile.
    for text in (VECTORS[0], VECTORS[7]):
        await ann.page.locator("tl-composer textarea").fill(text)
        await ann.page.locator("tl-conversation-list input").fill(text)
        await ann.page.get_by_role("button", name="Search messages").last.click()
        await ann.page.locator("tl-search input").fill(text)
        await expect(ann.page.locator("tl-search .hit, tl-search .empty").first).to_be_visible()
        await ann.page.get_by_role("button", name="About this group").click()
        await expect(ann.page.locator("tl-group .member")).to_have_count(2)
        await ann.page.locator("tl-group .who").first.click()
        await expect(ann.page.locator("tl-profile .facts")).to_be_visible()
        assert (await ann.page.evaluate(SEARCH)) == {"found": [], "harmed": 0, "violations": []}
        await ann.page.locator("tl-composer textarea").fill("")
    await ann.context.close()
    await bo.leave()
